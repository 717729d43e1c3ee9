"""`financial_status` is a summary; whether a line was paid also hangs on `total_outstanding`."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, Json, line, order, refund

SECONDS = [f"2026-11-20T10:00:{second:02}Z" for second in range(10)]


def statuses(database: Database, order_id: int = 1) -> dict[str, str]:
    return {row["product_slug"]: row["status"] for row in database.purchases(order_id)}


def told(second: int, *lines: str | Json, **fields: Any) -> Json:
    return order(1, *lines, updated_at=SECONDS[second], **fields)


def everything_as(database: Database, events: tuple[Json, ...], order_id: int) -> dict[str, str]:
    """The end of an order of this id of which these events came, one by one."""
    for event in events:
        lines = [{**each, "id": 100 * order_id + index} for index, each in _lines(event)]
        database.record_orders({**event, "id": order_id, "line_items": lines})
    return statuses(database, order_id)


def _lines(event: Json) -> list[tuple[int, Json]]:
    return list(enumerate(event["line_items"], 1))


@pytest.mark.parametrize("total_outstanding", ["50.00", "0.01", 50, "49"])
@pytest.mark.parametrize("status", ["partially_refunded", "refunded"])
def test_what_is_not_wholly_paid_grants_nothing_whatever_was_paid_back(
    database: Database, status: str, total_outstanding: object
) -> None:
    database.record_orders(
        order(1, COURSE, financial_status=status, total_outstanding=total_outstanding)
    )

    assert database.purchases() == []
    assert database.notifications(1) == {}


@pytest.mark.parametrize("total_outstanding", ["0.00", "0", 0, None, "-5.00"])
def test_a_partially_refunded_order_of_which_nothing_is_outstanding_grants(
    database: Database, total_outstanding: object
) -> None:
    database.record_orders(
        order(
            1,
            COURSE,
            financial_status="partially_refunded",
            total_outstanding=total_outstanding,
        )
    )

    assert statuses(database) == {COURSE: "active"}


def test_a_partially_refunded_order_that_does_not_tell_what_is_outstanding_grants(
    database: Database,
) -> None:
    """Older payloads lack the field."""
    told_little = order(1, COURSE, financial_status="partially_refunded")
    assert "total_outstanding" not in told_little
    database.record_orders(told_little)

    assert statuses(database) == {COURSE: "active"}


def test_a_paid_order_grants_whatever_it_says_is_outstanding(database: Database) -> None:
    database.record_orders(order(1, COURSE, total_outstanding="0.01"))

    assert statuses(database) == {COURSE: "active"}


@pytest.mark.parametrize("total_outstanding", ["", "some", "1.2.3", {}])
def test_an_outstanding_amount_that_is_none_is_refused(
    database: Database, total_outstanding: object
) -> None:
    [row] = database.call("record_orders", [order(1, COURSE, total_outstanding=total_outstanding)])

    assert (row["outcome"], row["reason"]) == ("rejected", "total_outstanding: not an amount")


def test_a_deposit_of_which_a_part_went_back_grants_nothing_until_the_rest_is_paid(
    database: Database,
) -> None:
    deposit = told(0, COURSE, financial_status="partially_paid", total_outstanding="150.00")
    returned = told(1, COURSE, financial_status="partially_refunded", total_outstanding="170.00")
    paid = told(2, COURSE, total_outstanding="0.00")
    for number, events in enumerate(permutations((deposit, returned)), 1):
        assert everything_as(database, events, number) == {}
    for number, events in enumerate(permutations((deposit, returned, paid)), 10):
        assert everything_as(database, events, number) == {COURSE: "active"}


def test_an_unpaid_line_added_to_a_partially_refunded_order_waits_for_its_payment(
    database: Database,
) -> None:
    bought = told(0, COURSE, SPLINT)
    back = told(
        1,
        COURSE,
        line(1, SPLINT, current_quantity=0),
        financial_status="partially_refunded",
        total_outstanding="0.00",
    )
    added = told(
        2,
        COURSE,
        line(1, SPLINT, current_quantity=0),
        PREMIUM,
        financial_status="partially_refunded",
        total_outstanding="300.00",
    )
    paid = told(
        3,
        COURSE,
        line(1, SPLINT, current_quantity=0),
        PREMIUM,
        financial_status="partially_refunded",
        total_outstanding="0.00",
    )
    for number, events in enumerate(permutations((bought, back, added)), 1):
        assert everything_as(database, events, number) == {COURSE: "active", SPLINT: "refunded"}
    for number, events in enumerate(permutations((bought, back, added, paid)), 10):
        assert everything_as(database, events, number) == {
            COURSE: "active",
            SPLINT: "refunded",
            PREMIUM: "active",
        }


@pytest.mark.parametrize("last", ["paid", "partially_refunded"])
@pytest.mark.parametrize("added_as", ["refunded", "partially_refunded", "partially_paid"])
def test_a_line_added_to_a_refunded_order_is_active_once_paid_and_the_old_one_stays_refunded(
    database: Database, added_as: str, last: str
) -> None:
    """All was paid back as an amount, so the old line still shows its quantity."""
    bought = told(0, COURSE)
    back = told(1, COURSE, financial_status="refunded", total_outstanding="0.00")
    added = told(2, COURSE, PREMIUM, financial_status=added_as, total_outstanding="300.00")
    paid = told(3, COURSE, PREMIUM, financial_status=last, total_outstanding="0.00")
    for number, events in enumerate(permutations((bought, back, added)), 1):
        assert everything_as(database, events, number) == {COURSE: "refunded"}
    for number, events in enumerate(permutations((bought, back, added, paid)), 10):
        assert everything_as(database, events, number) == {COURSE: "refunded", PREMIUM: "active"}


def test_all_of_it_paid_back_at_last_ends_the_added_line_too(database: Database) -> None:
    events = (
        told(0, COURSE),
        told(1, COURSE, financial_status="refunded", total_outstanding="0.00"),
        told(3, COURSE, PREMIUM, total_outstanding="0.00"),
        told(4, COURSE, PREMIUM, financial_status="refunded", total_outstanding="0.00"),
    )
    for number, arrival in enumerate(permutations(events), 1):
        assert everything_as(database, arrival, number) == {COURSE: "refunded", PREMIUM: "refunded"}


@pytest.mark.parametrize("first", ["void", "payment"])
@pytest.mark.parametrize("at_once", [True, False])
def test_of_a_void_and_a_payment_in_one_second_the_payment_wins(
    database: Database, first: str, *, at_once: bool
) -> None:
    void, payment = told(1, COURSE, financial_status="voided"), told(1, COURSE)
    events = [void, payment] if first == "void" else [payment, void]
    if at_once:
        database.record_orders(*events)
    else:
        for event in events:
            database.record_orders(event)

    assert statuses(database) == {COURSE: "active"}
    assert set(database.notifications(1)) == {"post_purchase", "course_access"}


def test_a_void_a_second_after_the_payment_ends_it(database: Database) -> None:
    for number, events in enumerate(
        permutations((told(1, COURSE), told(2, COURSE, financial_status="voided"))), 1
    ):
        assert everything_as(database, events, number) == {COURSE: "cancelled"}


def test_a_refund_of_the_whole_in_the_second_of_the_payment_counts(database: Database) -> None:
    events = (
        told(1, COURSE),
        told(1, COURSE, financial_status="refunded", refunds=[refund(5, 1)]),
    )
    for number, arrival in enumerate(permutations(events), 1):
        assert everything_as(database, arrival, number) == {COURSE: "refunded"}
