from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, order, refund


def one_line(**fields: Any) -> dict[str, Any]:
    entry = {"line_item_id": 11, "quantity": 1, **fields}
    return {**refund(5, 1), "refund_line_items": [entry]}


UNUSABLE: dict[str, tuple[Any, str]] = {
    "null": (None, "not an object"),
    "text": ("refund", "not an object"),
    "no id": ({"order_id": 1, "refund_line_items": []}, "id: not a Shopify id"),
    "an id of zero": ({**refund(5, 1), "id": 0}, "id: not a Shopify id"),
    "no lines": ({"id": 5, "order_id": 1}, "refund_line_items: not an array"),
    "null lines": ({**refund(5, 1), "refund_line_items": None}, "refund_line_items: not an array"),
    "a number as a line": ({**refund(5, 1), "refund_line_items": [1]}, "is not usable"),
    "a line without an id": (one_line(line_item_id=None), "is not usable"),
    "a negative quantity": (one_line(quantity=-1), "is not usable"),
    "half a piece": (one_line(quantity=0.5), "is not usable"),
    "no order": ({**refund(5, 1, **{COURSE: 1}), "order_id": None}, "order_id: not a Shopify id"),
    "an amount of no order": ({**refund(5, 1), "order_id": "x"}, "order_id: not a Shopify id"),
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_an_unusable_refund_is_rejected_with_a_reason_and_alone(
    database: Database, fault: str
) -> None:
    unusable, reason = UNUSABLE[fault]
    database.record_orders(order(1, COURSE, SPLINT))
    rows = database.call(
        "record_refunds", [refund(6, 1, **{SPLINT: 1}), unusable, refund(7, 1, **{SPLINT: 1})]
    )

    assert [row["outcome"] for row in rows] == ["recorded", "rejected", "recorded"]
    assert reason in rows[1]["reason"]
    statuses = {row["product_slug"]: row["status"] for row in database.purchases(1)}
    assert statuses == {COURSE: "active", SPLINT: "refunded"}


@pytest.mark.parametrize("argument", ["{}", "5", '"refunds"', "null"])
def test_an_argument_that_is_no_array_is_an_error(database: Database, argument: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.rows("select * from public.record_refunds(%s::jsonb)", argument)


def test_no_argument_is_no_refunds(database: Database) -> None:
    assert database.call("record_refunds", None) == database.call("record_refunds", []) == []
