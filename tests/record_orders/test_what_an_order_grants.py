from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, line, order


def test_a_paid_order_becomes_one_row_for_each_tracked_line(database: Database) -> None:
    assert database.record_orders(order(1, COURSE, SPLINT)) == ["recorded"]

    rows = database.purchases(1)
    assert {row["product_slug"] for row in rows} == {COURSE, SPLINT}
    assert {row["status"] for row in rows} == {"active"}
    assert {row["shopify_customer_email"] for row in rows} == {"ada@example.com"}
    assert {row["shopify_order_number"] for row in rows} == {"1"}


def test_the_same_order_again_is_unchanged_to_the_last_timestamp(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    before = database.purchases()

    assert database.record_orders(order(1, COURSE)) == ["unchanged"]
    assert database.purchases() == before


@pytest.mark.parametrize("status", ["paid", "partially_refunded"])
def test_a_paid_order_grants(database: Database, status: str) -> None:
    database.record_orders(order(1, COURSE, financial_status=status))

    assert [row["status"] for row in database.purchases(1)] == ["active"]


@pytest.mark.parametrize(
    "status", ["pending", "authorized", "partially_paid", "expired", "unheard_of", None]
)
def test_an_order_that_is_not_paid_grants_nothing(database: Database, status: str | None) -> None:
    database.record_orders(order(1, COURSE, financial_status=status))

    assert database.purchases(1) == []
    assert database.notifications(1) == {}


def test_an_order_of_other_products_is_ignored(database: Database) -> None:
    foreign = line(1, COURSE, product_id=632910392)

    assert database.record_orders(order(1, foreign)) == ["ignored"]
    assert database.rows("select * from private.orders") == []
