"""A workflow run that was started must stop once nothing of its order is active any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.database.outbox.support import (
    CANCEL,
    TRIGGER,
    claim_one,
    later,
    send_everything,
    settle,
    statuses,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, line, order, refund

EVERYTHING = refund(5, 1, **{COURSE: 1})


def wait_for(database: Database) -> timedelta:
    """How long until the cancellation is due."""
    due_at: datetime = database.notifications(1)[CANCEL]["due_at"]
    return due_at - datetime.now(UTC)


def start_run(database: Database, *lines: str) -> None:
    database.record_orders(order(1, *lines))
    send_everything(database)


def test_a_run_that_was_never_started_is_not_cancelled(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_refunds(EVERYTHING)

    assert CANCEL not in statuses(database)


def test_a_run_that_was_started_is_cancelled(database: Database) -> None:
    start_run(database, COURSE)
    database.record_refunds(EVERYTHING)

    assert database.notifications(1)[CANCEL]["payload"] == {
        "order_id": "1",
        "run": 1,
        "email": "ada@example.com",
    }


def test_who_started_the_run_is_cancelled_whatever_the_address_is_now(database: Database) -> None:
    start_run(database, COURSE)
    database.record_orders(
        order(1, COURSE, email="new@example.com", updated_at="2999-01-01T00:00Z")
    )
    database.record_refunds(EVERYTHING)

    assert database.notifications(1)[CANCEL]["payload"]["email"] == "ada@example.com"


@pytest.mark.parametrize("end", [{"financial_status": "refunded"}, {"cancelled_at": "2026-11-20"}])
def test_every_kind_of_end_cancels(database: Database, end: dict[str, str]) -> None:
    start_run(database, COURSE, SPLINT)
    database.record_orders(order(1, COURSE, SPLINT, **end))

    assert CANCEL in statuses(database)


def test_a_run_is_not_cancelled_while_anything_of_its_order_is_active(database: Database) -> None:
    start_run(database, COURSE, SPLINT)
    database.record_refunds(EVERYTHING)
    assert CANCEL not in statuses(database)

    database.record_refunds(refund(6, 1, **{SPLINT: 1}))
    assert CANCEL in statuses(database)


def test_a_cancellation_waits_until_knock_can_know_of_the_run(database: Database) -> None:
    start_run(database, COURSE)
    database.record_refunds(EVERYTHING)
    assert timedelta(seconds=4) < wait_for(database) <= timedelta(seconds=6)
    assert database.claim() == []

    later(database, 6)
    assert send_everything(database) == [CANCEL]


def test_a_run_started_long_ago_is_cancelled_at_once(database: Database) -> None:
    start_run(database, COURSE)
    later(database, 3600)
    database.record_refunds(EVERYTHING)

    assert send_everything(database) == [CANCEL]


def test_while_the_trigger_is_under_way_the_wait_begins_at_the_end_of_its_lease(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    database.claim(lease_seconds=30)
    database.record_refunds(EVERYTHING)

    assert statuses(database)[TRIGGER] == "skipped"
    assert timedelta(seconds=34) < wait_for(database) <= timedelta(seconds=36)


@pytest.mark.parametrize("result", ["retry", "dead"])
def test_a_trigger_that_seemed_to_fail_may_have_started_a_run(
    database: Database, result: str
) -> None:
    database.record_orders(order(1, COURSE))
    settle(database, claim_one(database, TRIGGER), result, error="no answer")
    database.record_refunds(EVERYTHING)

    assert timedelta(seconds=4) < wait_for(database) <= timedelta(seconds=6)


def test_a_run_is_cancelled_once(database: Database) -> None:
    start_run(database, COURSE)
    database.record_refunds(EVERYTHING)
    later(database, 6)
    assert send_everything(database) == [CANCEL]

    database.record_orders(order(1, COURSE, cancelled_at="2026-11-20"))
    database.record_orders(order(1, COURSE, financial_status="refunded"))
    later(database, 6)
    assert send_everything(database) == []


def test_a_cancellation_not_sent_yet_is_withdrawn_when_something_is_active_again(
    database: Database,
) -> None:
    """We hear within those seconds that more was bought than was given back."""
    start_run(database, SPLINT)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    database.record_orders(order(1, line(1, SPLINT, quantity=2)))
    later(database, 6)

    assert statuses(database)[CANCEL] == "skipped"
    assert send_everything(database) == []


def test_a_withdrawn_cancellation_is_enqueued_again_when_that_is_lost_too(
    database: Database,
) -> None:
    start_run(database, SPLINT)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    database.record_orders(order(1, line(1, SPLINT, quantity=2)))
    database.record_refunds(refund(6, 1, **{SPLINT: 1}))
    later(database, 6)

    assert send_everything(database) == [CANCEL]


def test_the_end_of_one_order_leaves_the_runs_of_others(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))
    send_everything(database)
    database.record_refunds(EVERYTHING)

    assert CANCEL not in statuses(database, 2)


def test_whether_a_run_is_cancelled_does_not_depend_on_the_other_orders_of_an_array(
    database: Database,
) -> None:
    for order_id in (1, 2):
        database.record_orders(order(order_id, SPLINT))
        settle(database, claim_one(database, TRIGGER), "sent")
    database.execute("update public.purchases set status = 'expired'")
    database.record_orders(order(1, SPLINT))
    database.record_orders(order(2, SPLINT), order(3, COURSE))

    assert CANCEL in statuses(database, 1) and CANCEL in statuses(database, 2)
