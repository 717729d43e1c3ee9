"""A body that is rejected leaves nothing, and keeps none of its array from being recorded."""

from __future__ import annotations

import pytest

from tests.database.record_orders.test_unusable_orders import UNUSABLE
from tests.database.record_refunds.test_unusable_refunds import UNUSABLE as UNUSABLE_REFUNDS
from tests.support.database import Database, Row
from tests.support.everything import everything
from tests.support.shopify import COURSE, SPLINT, order, refund

VOLATILE = {
    "id",
    "created_at",
    "updated_at",
    "first_recorded_at",
    "enqueued_at",
    "due_at",
    "settled_at",
    "purchase_ids",
}


def lasting(database: Database) -> dict[str, list[Row]]:
    """Everything but what differs whenever the same is recorded, and that we heard of an order."""
    stored = everything(database)
    stored["thetis.orders"] = [row for row in stored["thetis.orders"] if row["purchased_at"]]
    for row in stored["thetis.notifications"]:
        row["payload"].pop("purchases", None)  # they name ids
    return {
        table: sorted(
            ({name: row[name] for name in row if name not in VOLATILE} for row in rows), key=str
        )
        for table, rows in stored.items()
    }


@pytest.fixture
def life(database: Database) -> Database:
    """Orders with an owner, a refund and an outbox, of which the unusable bodies speak."""
    database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, SPLINT), order(9, COURSE))
    database.record_refunds(refund(90, 1, **{SPLINT: 1}))
    return database


@pytest.mark.parametrize("fault", UNUSABLE)
def test_an_unusable_order_changes_nothing_that_is_stored(life: Database, fault: str) -> None:
    unusable, _ = UNUSABLE[fault]
    before = everything(life)

    assert life.record_orders(unusable) == ["rejected"]
    assert life.record_orders(unusable, unusable) == ["rejected", "rejected"]
    assert everything(life) == before


@pytest.mark.parametrize("fault", UNUSABLE_REFUNDS)
def test_an_unusable_refund_changes_nothing_that_is_stored(life: Database, fault: str) -> None:
    unusable, _ = UNUSABLE_REFUNDS[fault]
    before = everything(life)

    assert life.record_refunds(unusable) == ["rejected"]
    assert life.record_refunds(unusable, unusable) == ["rejected", "rejected"]
    assert everything(life) == before


@pytest.mark.parametrize("fault", UNUSABLE)
def test_the_others_of_its_array_are_recorded_as_if_it_had_not_come(
    database: Database, fault: str
) -> None:
    unusable, _ = UNUSABLE[fault]
    good = [order(2, COURSE), order(3, SPLINT, refunds=[refund(5, 3)]), order(2, COURSE, SPLINT)]
    assert database.record_orders(*good) == ["recorded"] * 3
    expected = lasting(database)
    empty(database)

    rows = database.record_orders(good[0], unusable, good[1], unusable, good[2])
    assert rows == ["recorded", "rejected", "recorded", "rejected", "recorded"]
    assert lasting(database) == expected


@pytest.mark.parametrize("fault", UNUSABLE_REFUNDS)
def test_the_other_refunds_of_its_array_are_recorded_as_if_it_had_not_come(
    database: Database, fault: str
) -> None:
    unusable, _ = UNUSABLE_REFUNDS[fault]
    bought = order(2, COURSE, SPLINT)
    good = [refund(5, 2, **{COURSE: 1}), refund(6, 3, **{SPLINT: 1})]
    database.record_orders(bought)
    assert database.record_refunds(*good) == ["recorded"] * 2
    expected = lasting(database)
    empty(database)

    database.record_orders(bought)
    outcomes = database.record_refunds(unusable, good[0], unusable, good[1])
    assert outcomes == ["rejected", "recorded", "rejected", "recorded"]
    assert lasting(database) == expected


def empty(database: Database) -> None:
    for table in (
        "public.purchases",
        "thetis.orders",
        "thetis.order_lines",
        "thetis.refunds",
        "thetis.notifications",
    ):
        database.execute(f"delete from {table}")
