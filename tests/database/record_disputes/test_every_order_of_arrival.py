"""An order and its disputes may be told in any order, alone or together: the end is the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.database import Database, Row
from tests.support.shopify import COURSE, SPLINT, dispute, order, refund, summary

MADE_AT = datetime.now(UTC)

Event = Callable[[Database], object]


def _order(**changes: Any) -> Event:
    told = order(1, COURSE, SPLINT, made_at=MADE_AT, **changes)
    return lambda database: database.record_orders(told)


def _dispute(*args: str) -> Event:
    return lambda database: database.record_disputes(dispute(5, 1, *args))


HISTORIES: dict[str, tuple[list[Event], str]] = {
    "lost": (
        [_order(), _dispute("needs_response"), _dispute("under_review"), _dispute("lost")],
        "cancelled",
    ),
    "won": (
        [_order(), _dispute("needs_response"), _dispute("under_review"), _dispute("won")],
        "active",
    ),
    "both ends are told, and the shop's counts": (
        [_order(), _dispute("needs_response"), _dispute("lost"), _dispute("won")],
        "active",
    ),
    "an inquiry that becomes a chargeback": (
        [_order(), _dispute("won", "inquiry"), _dispute("under_review")],
        "cancelled",
    ),
    "an inquiry that becomes a chargeback, and is won": (
        [
            _order(),
            _dispute("under_review", "inquiry"),
            _dispute("needs_response"),
            _dispute("won"),
        ],
        "active",
    ),
    "an order tells of its dispute, and a later one that it is won": (
        [_order(disputes=[summary(5)]), _order(), _order(disputes=[summary(5, "won")])],
        "active",
    ),
    "the order tells less than the webhook": (
        [_order(disputes=[summary(5, "needs_response", "inquiry")]), _dispute("lost"), _order()],
        "cancelled",
    ),
    "cancelled during a dispute that is won": (
        [_order(), _dispute("lost"), _order(cancelled_at="2026-11-20T10:00:00Z"), _dispute("won")],
        "cancelled",
    ),
    "paid back and charged back": (
        [
            _order(),
            _dispute("lost"),
            _dispute("won"),
            lambda database: database.record_refunds(refund(9, 1, standard_course=1, splint=1)),
        ],
        "refunded",
    ),
}


def _heard(database: Database) -> list[Row]:
    changing = {"id", "created_at", "updated_at"}
    return [
        {name: value for name, value in row.items() if name not in changing}
        for row in database.purchases()
    ]


def _facts(database: Database) -> list[Row]:
    return database.rows(
        "select shopify_dispute_id, shopify_order_id, is_chargeback, status, inquiry_status"
        " from thetis.disputes"
    )


@pytest.mark.parametrize("history", HISTORIES)
def test_the_end_does_not_depend_on_the_order_of_arrival(database: Database, history: str) -> None:
    events, status = HISTORIES[history]
    ends = []
    for arrival in itertools.permutations(events):
        database.execute("delete from thetis.orders")
        database.execute("delete from public.purchases")
        for table in ("order_lines", "refunds", "disputes", "notifications"):
            database.execute(f"delete from thetis.{table}")
        for event in arrival:
            event(database)
        ends.append((_heard(database), _facts(database)))
        for event in arrival:
            event(database)
        assert (_heard(database), _facts(database)) == ends[-1]

    assert {row["status"] for row in ends[0][0]} == {status}
    assert all(end == ends[0] for end in ends)
