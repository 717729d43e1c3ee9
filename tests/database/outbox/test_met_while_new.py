"""An order is new or historic by when we first heard of it, whatever was in it then."""

from __future__ import annotations

import pytest

from tests.database.outbox.support import COURSE_ACCESS, TRIGGER
from tests.support.database import Database
from tests.support.shopify import COURSE, Json, days_ago, line, order, refund

FOREIGN = 632910392


def recorded(database: Database, days: float, event: Json) -> str:
    """An order that is recorded so many days ago; the outcome."""
    [row] = database.call("record_orders", [event], "grant", days_ago(days))
    return str(row["outcome"])


def kinds(database: Database) -> set[str]:
    return {row["kind"] for row in database.messages(1)}


EARLIER = {
    "other products": (
        order(1, line(1, COURSE, product_id=FOREIGN), made_at=days_ago(5)),
        "ignored",
    ),
    "no products at all": (order(1, made_at=days_ago(5)), "ignored"),
    "a course that is not paid": (
        order(1, COURSE, made_at=days_ago(5), financial_status="pending"),
        "recorded",
    ),
    "no address": (order(1, COURSE, made_at=days_ago(5), email=None), "rejected"),
    "something that cannot be used": (
        {**order(1, COURSE, made_at=days_ago(5)), "cancelled_at": "soon"},
        "rejected",
    ),
}


@pytest.mark.parametrize("what", EARLIER)
def test_a_course_is_announced_in_an_order_that_was_met_while_new(
    database: Database, what: str
) -> None:
    event, outcome = EARLIER[what]
    assert recorded(database, 5, event) == outcome
    database.record_orders(order(1, COURSE, made_at=days_ago(5)))

    assert kinds(database) == {TRIGGER, COURSE_ACCESS}


def test_so_is_a_course_of_an_order_that_was_first_met_by_its_refund(database: Database) -> None:
    event = refund(5, 1, **{COURSE: 1})
    database.call("record_refunds", [event], days_ago(5))
    database.record_orders(order(1, line(1, COURSE, quantity=2), made_at=days_ago(5)))

    assert kinds(database) == {TRIGGER, COURSE_ACCESS}


def test_an_order_first_met_when_it_was_old_is_historic_whatever_was_in_it(
    database: Database,
) -> None:
    recorded(database, 1, order(1, line(1, COURSE, product_id=FOREIGN), made_at=days_ago(5)))
    database.record_orders(order(1, COURSE, made_at=days_ago(5)))

    assert kinds(database) == set()


def test_a_product_that_is_mapped_late_is_announced(database: Database) -> None:
    sold = order(1, line(1, COURSE, product_id=FOREIGN), made_at=days_ago(5))
    assert recorded(database, 5, sold) == "ignored"
    database.map_product(str(FOREIGN), COURSE)

    assert database.record_orders(sold) == ["recorded"]
    assert kinds(database) == {TRIGGER, COURSE_ACCESS}


def test_a_replay_counts_from_when_the_webhook_came(database: Database) -> None:
    """Also when later events were recorded before it, and found the order old."""
    sold = order(1, COURSE, made_at=days_ago(6))
    database.record_orders(sold)
    assert kinds(database) == set()

    assert recorded(database, 5, sold) == "unchanged"
    assert kinds(database) == {TRIGGER, COURSE_ACCESS}


def test_a_time_in_the_future_counts_as_now(database: Database) -> None:
    recorded(database, -30, order(1, COURSE, made_at=days_ago(6)))

    assert database.value("select first_recorded_at <= now() from thetis.orders")


def test_of_an_order_of_other_products_nothing_is_kept_but_that_there_is_one(
    database: Database,
) -> None:
    database.record_orders(order(1, line(1, COURSE, product_id=FOREIGN)))

    assert database.rows("select shopify_order_id, email from thetis.orders") == [
        {"shopify_order_id": "1", "email": None}
    ]
    assert database.rows("select * from thetis.order_lines") == []


def test_what_is_sold_and_not_in_the_catalogue_is_counted_and_named(database: Database) -> None:
    other = line(1, COURSE, product_id=FOREIGN)
    database.record_orders(order(1, other, COURSE), order(2, other), order(2, other))
    database.record_orders(order(3, line(3, COURSE, product_id=77)))
    database.record_orders(order(4, line(4, COURSE, product_id=None)))

    rows = database.call("list_unmapped_products", 10)
    assert {row["shopify_product_id"]: row["order_count"] for row in rows} == {
        str(FOREIGN): 2,
        "77": 1,
    }
    database.map_product("77", COURSE)
    assert [row["shopify_product_id"] for row in database.call("list_unmapped_products", 10)] == [
        str(FOREIGN)
    ]
