from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, order
from thetis.cli import shopify_payloads


def test_a_paid_order_becomes_one_row_for_each_tracked_line(database: Database) -> None:
    assert database.record_orders(order(1, COURSE, SPLINT)) == ["recorded"]

    rows = database.purchases(1)
    assert {row["product_slug"] for row in rows} == {COURSE, SPLINT}
    assert {row["status"] for row in rows} == {"active"}
    assert {row["shopify_customer_email"] for row in rows} == {"ada@example.com"}
    assert {row["shopify_order_number"] for row in rows} == {"1"}


def test_a_purchase_is_dated_by_the_order_and_not_by_its_arrival(database: Database) -> None:
    bought = "2026-03-01T10:00:00-05:00"
    database.record_orders(order(1, COURSE, processed_at=bought, created_at="2026-02-01T10:00:00Z"))

    [row] = database.purchases(1)
    assert row["purchased_at"] == datetime.fromisoformat(bought)


def test_several_pieces_of_one_line_are_one_row(database: Database) -> None:
    database.record_orders(order(1, line(1, SPLINT, quantity=3)))

    assert len(database.purchases(1)) == 1


def test_two_lines_of_one_product_are_two_rows(database: Database) -> None:
    database.record_orders(order(1, line(1, SPLINT, id=11), line(1, SPLINT, id=12)))

    assert [row["shopify_line_item_id"] for row in database.purchases(1)] == ["11", "12"]


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
    "status",
    [
        "pending",
        "authorized",
        "partially_paid",
        "voided",
        "expired",
        "unheard_of",
        "PAID",
        "",
        None,
    ],
)
def test_an_order_that_is_not_paid_grants_nothing(database: Database, status: str | None) -> None:
    database.record_orders(order(1, COURSE, financial_status=status))

    assert database.purchases(1) == []
    assert database.notifications(1) == {}


def test_an_order_grants_once_its_payment_comes(database: Database) -> None:
    database.record_orders(order(1, COURSE, financial_status="pending"))

    assert database.record_orders(order(1, COURSE)) == ["recorded"]
    assert [row["status"] for row in database.purchases(1)] == ["active"]


def test_a_line_added_to_a_paid_order_grants_once_that_is_paid_too(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    database.record_orders(order(1, SPLINT, COURSE, financial_status="partially_paid"))
    assert {row["product_slug"] for row in database.purchases(1)} == {SPLINT}

    database.record_orders(order(1, SPLINT, COURSE))
    assert {row["product_slug"] for row in database.purchases(1)} == {SPLINT, COURSE}


def test_an_order_of_other_products_is_ignored(database: Database) -> None:
    foreign = line(1, COURSE, product_id=632910392)

    assert database.record_orders(order(1, foreign)) == ["ignored"]
    assert database.rows("select email from thetis.orders") == [{"email": None}]
    assert database.rows("select * from thetis.order_lines") == []


@pytest.mark.parametrize("product_id", [None, ""])
def test_a_line_without_a_product_is_ignored(database: Database, product_id: str | None) -> None:
    assert database.record_orders(order(1, line(1, COURSE, product_id=product_id))) == ["ignored"]
    assert database.purchases(1) == []


def test_of_a_mixed_order_only_our_lines_become_rows(database: Database) -> None:
    tip = line(1, COURSE, id=77, product_id=None)
    foreign = line(1, COURSE, id=78, product_id=632910392)

    assert database.record_orders(order(1, tip, foreign, SPLINT)) == ["recorded"]
    assert [row["product_slug"] for row in database.purchases(1)] == [SPLINT]


def test_a_line_that_was_fulfilled_still_grants(database: Database) -> None:
    database.record_orders(
        order(1, line(1, SPLINT, fulfillable_quantity=0, fulfillment_status="fulfilled"))
    )

    assert [row["status"] for row in database.purchases(1)] == ["active"]


def test_an_order_without_current_quantities_grants(database: Database) -> None:
    old_shape = line(1, COURSE)
    del old_shape["current_quantity"]
    database.record_orders(order(1, old_shape, line(1, SPLINT, current_quantity=None)))

    assert {row["status"] for row in database.purchases(1)} == {"active"}


def test_a_free_order_grants(database: Database) -> None:
    free = order(1, line(1, COURSE, price="0.00"), total_price="0.00", total_outstanding="0.00")

    assert database.record_orders(free) == ["recorded"]
    assert [row["status"] for row in database.purchases(1)] == ["active"]


def test_a_new_product_is_data(database: Database) -> None:
    database.call("add_product", "knee_brace", "Knee Brace", "device", "123456")
    database.record_orders(order(1, line(1, COURSE, product_id=123456)))

    assert [row["product_slug"] for row in database.purchases(1)] == ["knee_brace"]


def test_an_order_from_before_its_product_was_known_grants_when_it_comes_again(
    database: Database,
) -> None:
    early = order(1, line(1, COURSE, product_id=123456))
    assert database.record_orders(early) == ["ignored"]

    database.call("add_product", "knee_brace", "Knee Brace", "device", "123456")
    assert database.record_orders(early) == ["recorded"]
    assert [row["product_slug"] for row in database.purchases(1)] == ["knee_brace"]


def test_ids_above_what_a_float_holds_stay_exact(database: Database) -> None:
    order_id, item_id = 820982911946154508, 866550311766439021
    database.record_orders(order(order_id, line(order_id, COURSE, id=item_id)))

    [row] = database.purchases()
    assert row["shopify_order_id"] == str(order_id)
    assert row["shopify_line_item_id"] == str(item_id)


def test_ids_may_be_numbers_or_text(database: Database) -> None:
    product_id = shopify_payloads.SAMPLE_PRODUCTS[COURSE].shopify_id
    database.record_orders(order(1, line(1, COURSE, id=11)))

    as_text = {**line(1, COURSE), "id": "11", "product_id": str(product_id), "quantity": "1"}
    assert database.record_orders({**order(1, as_text), "id": "1"}) == ["unchanged"]
    assert len(database.purchases()) == 1


def test_outcomes_come_back_in_the_order_of_the_orders(database: Database) -> None:
    orders = [order(order_id, COURSE) for order_id in (9, 3, 7)]
    foreign = order(8, line(8, COURSE, product_id=1))

    rows = database.call("record_orders", [*orders, foreign])
    assert [row["shopify_order_id"] for row in rows] == ["9", "3", "7", "8"]
    assert [row["ordinal"] for row in rows] == [1, 2, 3, 4]
    assert [row["outcome"] for row in rows] == ["recorded"] * 3 + ["ignored"]


def test_several_events_of_one_order_may_come_in_one_array(database: Database) -> None:
    outcomes = database.record_orders(
        order(1, COURSE, PREMIUM),
        order(1, COURSE, PREMIUM, financial_status="pending"),
        order(1, line(1, COURSE, current_quantity=0), PREMIUM),
    )

    assert outcomes == ["recorded"] * 3
    statuses = {row["product_slug"]: row["status"] for row in database.purchases(1)}
    assert statuses == {COURSE: "refunded", PREMIUM: "active"}


def test_an_empty_array_is_nothing(database: Database) -> None:
    assert database.record_orders() == []
