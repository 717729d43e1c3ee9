from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, dispute, order, summary

UNUSABLE: dict[str, tuple[Any, str]] = {
    "null": (None, "not an object"),
    "text": ("dispute", "not an object"),
    "no id": ({**dispute(5, 1), "id": None}, "id: not a Shopify id"),
    "an id of zero": ({**dispute(5, 1), "id": 0}, "id: not a Shopify id"),
    "an order that is none": ({**dispute(5, 1), "order_id": "x"}, "order_id: not a Shopify id"),
    "no type": ({**dispute(5, 1), "type": None}, "type: neither inquiry nor chargeback"),
    "a new type": (dispute(5, 1, kind="retrieval"), "type: neither inquiry nor chargeback"),
    "no status": ({**dispute(5, 1), "status": None}, "status: not one that is known"),
    "a new status": (dispute(5, 1, "escalated"), "status: not one that is known"),
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_an_unusable_dispute_is_rejected_with_a_reason_and_alone(
    database: Database, fault: str
) -> None:
    unusable, reason = UNUSABLE[fault]
    database.record_orders(order(1, COURSE))
    rows = database.call("record_disputes", [dispute(6, 1), unusable, dispute(7, 1)])

    assert [row["outcome"] for row in rows] == ["recorded", "rejected", "recorded"]
    assert rows[1]["reason"] == reason
    assert database.value("select count(*) from thetis.disputes") == 2


@pytest.mark.parametrize(
    ("disputes", "reason"),
    [
        ("none", "disputes: not an array"),
        ({}, "disputes: not an array"),
        ([None], "disputes: one is not usable"),
        (
            [{**summary(5), "id": "gid://shopify/OrderDisputeSummary/5"}],
            "disputes: one is not usable",
        ),
        ([{**summary(5), "id": None}], "disputes: one is not usable"),
    ],
)
def test_an_order_with_unusable_disputes_is_rejected_with_a_reason_and_alone(
    database: Database, disputes: Any, reason: str
) -> None:
    rows = database.call(
        "record_orders", [order(1, COURSE), order(2, COURSE, disputes=disputes), order(3, COURSE)]
    )

    assert [row["outcome"] for row in rows] == ["recorded", "rejected", "recorded"]
    assert rows[1]["reason"] == reason


@pytest.mark.parametrize("told", [summary(5, "escalated"), summary(5, kind="retrieval"), {"id": 5}])
def test_a_word_that_is_new_to_us_costs_neither_the_order_nor_access(
    database: Database, told: dict[str, Any]
) -> None:
    assert database.record_orders(order(1, COURSE, disputes=[told])) == ["recorded"]
    assert [row["status"] for row in database.purchases()] == ["active"]


@pytest.mark.parametrize("argument", ["{}", "5", '"disputes"', "null"])
def test_an_argument_that_is_no_array_is_an_error(database: Database, argument: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.rows("select * from public.record_disputes(%s::jsonb)", argument)


def test_no_argument_is_no_disputes(database: Database) -> None:
    assert database.call("record_disputes", None) == database.call("record_disputes", []) == []
