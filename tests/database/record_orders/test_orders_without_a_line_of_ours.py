"""Of an order that holds nothing of ours we keep what a later line may need, but no person."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.everything import everything
from tests.support.shopify import COURSE, Json, line, order, refund

EARLIER, LATER = "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"
PERSON: Json = {"contact_email": "ada@example.com", "customer": {"email": "ada@example.com"}}

CUSTOM: Json = {"id": 7001, "product_id": None, "quantity": 1, "current_quantity": 1}
STRANGERS: Json = {**CUSTOM, "id": 7002, "product_id": 999}
"""A product of somebody else's."""

LINES: dict[str, list[Json]] = {
    "a custom line": [CUSTOM],
    "a tip": [{**CUSTOM, "tip": {"payment_gateway": "bogus"}}],
    "a deleted product": [{**CUSTOM, "product_exists": False}],
    "two of them": [CUSTOM, {**CUSTOM, "id": 7003}],
    "one beside another shop's product": [CUSTOM, STRANGERS],
    "another shop's product": [STRANGERS],
    "nothing": [],
}


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("status", ["paid", "pending", "refunded"])
def test_no_address_of_it_is_stored_anywhere(database: Database, lines: str, status: str) -> None:
    event = order(1, *LINES[lines], financial_status=status, **PERSON)

    assert database.record_orders(event, event) == ["ignored", "ignored"]
    assert database.record_orders({**event, "updated_at": LATER}) == ["ignored"]
    assert "@" not in str(everything(database))


def test_a_refund_of_it_stores_no_address(database: Database) -> None:
    back = {**refund(5, 1), "refund_line_items": [{"line_item_id": 7001, "quantity": 1}]}
    database.record_orders(order(1, CUSTOM, refunds=[back], **PERSON))
    database.record_refunds(back)

    assert "@" not in str(everything(database))


@pytest.mark.parametrize("is_earlier_last", [True, False])
def test_a_line_of_ours_that_is_added_later_brings_the_address(
    database: Database, *, is_earlier_last: bool
) -> None:
    without = order(1, CUSTOM, updated_at=EARLIER)
    with_ours = order(1, CUSTOM, line(1, COURSE), updated_at=LATER)
    for event in (with_ours, without) if is_earlier_last else (without, with_ours):
        database.record_orders(event)

    [row] = database.purchases(1)
    assert row["shopify_customer_email"] == "ada@example.com"
    assert set(database.notifications(1)) == {"post_purchase", "course_access"}


def test_in_one_call_a_line_of_ours_brings_the_newest_address(database: Database) -> None:
    database.record_orders(
        order(1, CUSTOM, email="ada.king@example.com", updated_at=LATER),
        order(1, CUSTOM, line(1, COURSE), updated_at=EARLIER),
    )

    [row] = database.purchases(1)
    assert row["shopify_customer_email"] == "ada.king@example.com"


def test_an_order_with_a_line_of_ours_keeps_its_address_up_to_date(database: Database) -> None:
    """Its product was deleted since, so that the event does not name it."""
    database.record_orders(order(1, COURSE, email="adda@example.com", updated_at=EARLIER))
    gone = line(1, COURSE, product_id=None)

    assert database.record_orders(order(1, gone, updated_at=LATER)) == ["recorded"]
    [row] = database.purchases(1)
    assert row["shopify_customer_email"] == "ada@example.com"
