"""Shopify goes on telling of orders that came from the old table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.database.enrollments.old_table import BOUGHT, OldTable
from tests.support.shopify import COURSE, PREMIUM, SPLINT, Json, line, line_id, order, refund

LINE = str(line_id(5001, COURSE))


@pytest.fixture
def owner(old: OldTable) -> str:
    return old.database.accounts.sign_up("ada@example.com")


def has_access(old: OldTable, user_id: str) -> bool:
    return old.database.accounts.has_access(user_id, COURSE)


def an_order(*lines: str | Json, **fields: Any) -> Json:
    return order(5001, *(lines or (COURSE,)), made_at=BOUGHT, **fields)


def test_a_refund_alone_ends_the_purchase(old: OldTable, owner: str) -> None:
    row_id = old.add(user_id=owner, shopify_line_item_id=LINE)
    old.copy()

    assert old.database.record_refunds(refund(1, 5001, standard_course=1)) == ["recorded"]

    assert old.purchase(row_id)["status"] == "refunded"
    assert not has_access(old, owner)


def test_a_refund_of_one_does_not_once_an_event_says_that_two_were_bought(
    old: OldTable, owner: str
) -> None:
    old.add(user_id=owner, shopify_line_item_id=LINE)
    old.copy()

    old.database.record_refunds(refund(1, 5001, standard_course=1))
    old.database.record_orders(an_order(line(5001, COURSE, quantity=2)))

    assert has_access(old, owner)


def test_a_cancellation_ends_it(old: OldTable, owner: str) -> None:
    row_id = old.add(user_id=owner, shopify_line_item_id=LINE)
    old.copy()

    old.database.record_orders(an_order(cancelled_at="2025-05-05T00:00:00Z"))

    assert old.purchase(row_id)["status"] == "cancelled"
    assert not has_access(old, owner)


def test_a_repeated_paid_order_changes_nothing_and_brings_back_nothing(old: OldTable) -> None:
    statuses = {1: "active", 2: "expired", 3: "cancelled", 4: "refunded"}
    for order_id, status in statuses.items():
        old.add(
            status=status,
            shopify_order_id=str(order_id),
            shopify_line_item_id=str(line_id(order_id, COURSE)),
        )
    old.copy()
    before = old.database.purchases()

    old.database.record_orders(*(order(each, COURSE, made_at=BOUGHT) for each in statuses))

    assert old.database.purchases() == before
    assert [row["status"] for row in before] == [*statuses.values()]


def test_an_end_that_a_repetition_had_does_not_come_back_with_the_next_event(
    old: OldTable, owner: str
) -> None:
    old.add(user_id=owner, shopify_line_item_id=LINE)
    old.add(user_id=owner, shopify_line_item_id=LINE, status="refunded")
    old.copy()

    old.database.record_orders(an_order(tags="edited"))
    assert has_access(old, owner)

    old.database.record_refunds(refund(1, 5001, standard_course=1))
    assert not has_access(old, owner)


def test_the_name_of_an_unknown_course_stays(old: OldTable, owner: str) -> None:
    row_id = old.add(user_id=owner, course_type="workshop", shopify_line_item_id=LINE)
    old.copy()

    old.database.record_orders(an_order())

    assert old.purchase(row_id)["product_slug"] == "workshop"
    assert len(old.database.purchases()) == 1


def test_a_missing_address_is_added(old: OldTable, owner: str) -> None:
    row_id = old.add(shopify_customer_email=None, shopify_line_item_id=LINE)
    old.copy()

    old.database.record_orders(an_order())

    assert old.purchase(row_id)["shopify_customer_email"] == "ada@example.com"
    assert has_access(old, owner)


def test_what_was_set_aside_is_made_anew(old: OldTable, owner: str) -> None:
    old.add(user_id=owner, status="pending", shopify_line_item_id=LINE)
    old.copy()
    assert not has_access(old, owner)

    old.database.record_orders(an_order())

    assert has_access(old, owner)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"purchased_at": None},
        {"shopify_line_item_id": None},
        {"shopify_line_item_id": None, "purchased_at": None},
        {"status": "refunded"},
    ],
)
def test_a_copied_order_enqueues_no_notification_however_new_it_is(
    old: OldTable, fields: dict[str, object]
) -> None:
    now = datetime.now(UTC) - timedelta(hours=1)
    old.add(**{"shopify_line_item_id": LINE, "purchased_at": now, **fields})
    old.copy()
    old.database.map_product("9846188966216", SPLINT)

    old.database.record_orders(order(5001, COURSE, PREMIUM, SPLINT, made_at=now))
    old.database.record_refunds(refund(1, 5001, standard_course=1))

    assert len(old.database.purchases()) >= 3
    assert old.database.rows("table thetis.notifications") == []


def test_the_next_order_of_an_old_customer_enqueues_its_notifications(old: OldTable) -> None:
    old.add(shopify_line_item_id=LINE)
    old.copy()

    old.database.record_orders(order(5002, COURSE))

    assert old.database.notifications(5002).keys() == {"post_purchase", "course_access"}
