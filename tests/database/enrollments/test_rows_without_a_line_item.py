"""An old row may name its order and no line item. It ends when the whole order ends."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.database.enrollments.old_table import BOUGHT, OldTable
from tests.support.shopify import COURSE, SPLINT, Json, line, order, refund

CANCELLED: Json = {"cancelled_at": "2025-05-05T00:00:00Z"}
REFUNDED: Json = {"financial_status": "refunded", "total_outstanding": "0.00"}


def an_order(*lines: str | Json, **fields: Any) -> Json:
    return order(5001, *(lines or (COURSE,)), made_at=BOUGHT, **fields)


@pytest.fixture
def row_id(old: OldTable) -> str:
    """A row that its customer owns."""
    row_id = old.add(
        user_id=old.database.accounts.sign_up("ada@example.com"), shopify_line_item_id=None
    )
    old.copy()
    old.database.map_product("9846188966216", SPLINT)
    return row_id


def status(old: OldTable, row_id: str) -> str:
    return str(old.purchase(row_id)["status"])


@pytest.mark.parametrize(
    ("end", "expected"),
    [(CANCELLED, "cancelled"), (REFUNDED, "refunded"), ({**CANCELLED, **REFUNDED}, "refunded")],
)
def test_it_ends_with_its_order(old: OldTable, row_id: str, end: Json, expected: str) -> None:
    owner = str(old.purchase(row_id)["user_id"])
    assert old.database.accounts.has_access(owner, COURSE)

    assert old.database.record_orders(an_order(**end)) == ["recorded"]

    assert status(old, row_id) == expected
    assert not old.database.accounts.has_access(owner, COURSE)
    assert old.database.rows("table thetis.notifications") == []


@pytest.mark.parametrize("end", [CANCELLED, REFUNDED])
def test_its_end_stays_whatever_comes_later(old: OldTable, row_id: str, end: Json) -> None:
    old.database.record_orders(an_order(**end))
    before = old.purchase(row_id)

    old.database.record_orders(an_order(), an_order(tags="vip"))

    assert old.purchase(row_id) == before


@pytest.mark.parametrize(
    "event",
    [
        {"financial_status": "partially_refunded", "total_outstanding": "0.00"},
        {"financial_status": "pending"},
        {"tags": "vip"},
    ],
)
def test_it_does_not_end_with_a_part_of_its_order(old: OldTable, row_id: str, event: Json) -> None:
    old.database.record_orders(an_order(COURSE, line(5001, SPLINT, current_quantity=0), **event))
    old.database.record_refunds(refund(1, 5001, splint=1))

    assert status(old, row_id) == "active"


@pytest.mark.parametrize("product_id", [None, 424242])
@pytest.mark.parametrize("end", [CANCELLED, REFUNDED])
def test_it_ends_with_its_order_even_if_the_shopify_product_is_not_in_the_catalogue(
    old: OldTable, product_id: int | None, end: Json
) -> None:
    row_id = old.add(course_type="essentials", shopify_line_item_id=None)
    old.copy()
    event = an_order(line(5001, COURSE, product_id=product_id), **end)

    assert old.database.record_orders(event) == ["recorded"]
    assert status(old, row_id) != "active"
    assert old.database.record_orders(event) == ["unchanged"]


def test_its_end_is_the_same_whichever_comes_first(old: OldTable) -> None:
    cancelled, refunded = CANCELLED, {**CANCELLED, **REFUNDED}
    ends = {}
    for order_id in (1, 2):
        ends[order_id] = old.add(shopify_order_id=str(order_id), shopify_line_item_id=None)
    old.copy()
    for order_id, events in enumerate(permutations((cancelled, refunded)), 1):
        for event in events:
            old.database.record_orders(order(order_id, COURSE, made_at=BOUGHT, **event))

    assert {status(old, each) for each in ends.values()} == {"refunded"}


def test_another_order_of_the_same_customer_does_not_end_it(old: OldTable, row_id: str) -> None:
    old.database.record_orders(order(5002, COURSE, made_at=BOUGHT, **CANCELLED))

    assert status(old, row_id) == "active"


@pytest.mark.parametrize("without_address_first", [True, False])
def test_an_old_row_without_an_address_takes_none_from_its_neighbour(
    old: OldTable, *, without_address_first: bool
) -> None:
    """They are of one order; an event that tells no address must not spread the missing one."""
    rows: list[Json] = [
        {"shopify_line_item_id": "7001", "shopify_customer_email": None},
        {"shopify_line_item_id": "7002"},
    ]
    kept = [old.add(**each) for each in (rows if without_address_first else rows[::-1])]
    old.copy()
    old.database.record_refunds(
        {
            "id": 1,
            "order_id": 5001,
            "refund_line_items": [{"line_item_id": 7001, "quantity": 1}],
        }
    )
    ada = old.database.accounts.sign_up("ada@example.com")

    assert ada in {str(old.purchase(each)["user_id"]) for each in kept}
    assert old.database.accounts.has_access(ada, COURSE)
