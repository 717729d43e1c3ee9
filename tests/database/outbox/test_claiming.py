from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.database.outbox.support import (
    CANCEL,
    COURSE_ACCESS,
    TRIGGER,
    claim_one,
    later,
    result_of,
    settle,
    statuses,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, order, refund


def test_a_claim_says_what_to_send(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    [row] = database.claim()

    assert row == {
        "id": database.notifications(1)[TRIGGER]["id"],
        "kind": TRIGGER,
        "attempt": 1,
        "shopify_order_id": "1",
        "payload": database.notifications(1)[TRIGGER]["payload"],
    }


def test_what_is_claimed_is_not_handed_out_again_while_the_lease_runs(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    assert len(database.claim(lease_seconds=60)) == 2

    assert database.claim() == []
    later(database, 59)
    assert database.claim() == []


def test_what_was_abandoned_is_due_again_when_the_lease_ends(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    [first] = database.claim(lease_seconds=60)
    later(database, 60)
    [second] = database.claim()

    assert second == {**first, "attempt": 2}


def test_a_claim_takes_no_more_than_asked_and_the_longest_due_first(database: Database) -> None:
    database.record_orders(*(order(n, SPLINT) for n in (1, 2, 3)))
    database.execute(
        "update thetis.notifications set due_at = now() - interval '1 minute'"
        " where shopify_order_id = '3'"
    )

    assert [
        row["shopify_order_id"] for row in database.call("claim_notifications", "knock", 1)
    ] == ["3"]
    assert len(database.call("claim_notifications", "knock", 1)) == 1
    assert len(database.call("claim_notifications", "knock", 5)) == 1


def test_a_claim_takes_one_providers_messages(database: Database) -> None:
    database.record_orders(order(1, COURSE))

    assert [row["kind"] for row in database.claim("resend")] == [COURSE_ACCESS]
    assert [row["kind"] for row in database.claim("knock")] == [TRIGGER]
    assert database.claim("carrier pigeon") == []


def test_the_backlog_of_one_provider_does_not_hold_up_the_other(database: Database) -> None:
    database.record_orders(*(order(n, SPLINT) for n in range(2, 52)), order(1, COURSE))
    database.execute(
        "update thetis.notifications set due_at = now() - interval '1 hour'"
        " where provider = 'knock'"
    )

    [row] = database.call("claim_notifications", "resend", 10)
    assert row["shopify_order_id"] == "1"


def test_what_is_not_due_yet_is_not_handed_out(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    database.execute("update thetis.notifications set due_at = now() + interval '1 second'")

    assert database.claim() == []


@pytest.mark.parametrize("result", ["sent", "dead"])
def test_what_is_settled_is_never_handed_out_again(database: Database, result: str) -> None:
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), result)
    later(database, 86400 * 30)

    assert database.claim() == []


def test_a_message_tried_for_23_hours_is_given_up(database: Database) -> None:
    """After 24 the provider would no longer know the key, and send it a second time."""
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), "retry", error="knock 503")
    later(database, 23 * 3600 + 1)

    assert database.claim() == []
    row = database.notifications(1)[TRIGGER]
    assert (row["status"], row["attempts"]) == ("dead", 1)
    assert row["last_error"] == "gave up: not accepted within 23 hours. knock 503"
    assert row["settled_at"] is not None


def test_of_more_than_are_given_up_at_once_none_is_handed_out(database: Database) -> None:
    database.record_orders(*(order(n, SPLINT) for n in range(1, 102)))
    claimed = database.call("claim_notifications", "knock", 101)
    database.settle(*(result_of(each, "retry") for each in claimed))
    later(database, 23 * 3600 + 1)

    assert database.call("claim_notifications", "knock", 101) == []
    assert database.call("claim_notifications", "knock", 101) == []
    assert database.value("select array_agg(distinct status) from thetis.notifications") == ["dead"]


def test_a_message_tried_for_less_is_tried_again(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), "retry")
    later(database, 22 * 3600)

    assert [row["attempt"] for row in database.claim()] == [2]


def test_the_23_hours_begin_with_the_first_attempt_of_unknown_outcome(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    database.execute(
        "update thetis.notifications"
        " set enqueued_at = now() - interval '30 days', due_at = now() - interval '30 days'"
    )
    settle(database, claim_one(database, TRIGGER), "retry", is_refused=True)
    later(database, 86400)
    assert [row["attempt"] for row in database.claim()] == [2]

    later(database, 3600)
    database.claim()
    later(database, 23 * 3600)
    assert database.claim() == []
    assert statuses(database) == {TRIGGER: "dead"}


def test_a_refusal_after_an_unknown_outcome_does_not_stop_the_clock(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), "retry")
    later(database, 3600)
    settle(database, claim_one(database, TRIGGER), "retry", is_refused=True)
    later(database, 22 * 3600 + 1)

    assert database.claim() == []
    assert statuses(database) == {TRIGGER: "dead"}


def test_what_only_a_paused_provider_refused_is_due_at_once_and_never_given_up(
    database: Database,
) -> None:
    database.record_orders(order(1, SPLINT))
    for _ in range(10):
        settle(database, claim_one(database, TRIGGER), "paused", is_refused=True)
        later(database, 86400)

    assert [row["attempt"] for row in database.claim()] == [11]


def test_a_pause_does_not_stop_the_clock_of_an_unknown_outcome(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), "retry")
    later(database, 3600)
    settle(database, claim_one(database, TRIGGER), "paused", is_refused=True)
    later(database, 22 * 3600 + 1)

    assert database.claim() == []
    assert statuses(database) == {TRIGGER: "dead"}


def test_a_cancellation_is_tried_for_as_long_as_the_workflow_may_run(database: Database) -> None:
    """To repeat it changes nothing at the provider, so a forgotten key is no reason to give up."""
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), "sent")
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    later(database, 60)
    settle(database, claim_one(database, CANCEL), "retry", error="knock 503")
    later(database, 13 * 86400)
    settle(database, claim_one(database, CANCEL), "retry", error="knock 503")
    later(database, 2 * 86400)

    assert database.claim() == []
    assert statuses(database)[CANCEL] == "dead"
    error = database.notifications(1)[CANCEL]["last_error"]
    assert error == "gave up: not accepted within 336 hours. knock 503"


def test_what_is_leased_is_not_given_up(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    claim_one(database, TRIGGER)
    database.execute(
        "update thetis.notifications set uncertain_since = now() - interval '24 hours'"
    )

    assert database.claim() == []
    assert statuses(database) == {TRIGGER: "pending"}


def test_the_lease_is_as_long_as_asked(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    database.claim(lease_seconds=300)

    row = database.notifications(1)[TRIGGER]
    until_end = row["leased_until"] - datetime.now(UTC)
    assert timedelta(seconds=290) < until_end <= timedelta(seconds=300)
    assert row["due_at"] == row["leased_until"]


@pytest.mark.parametrize(("max_count", "lease_seconds"), [(-1, 60), (1, None)])
def test_an_impossible_claim_is_an_error_and_takes_nothing(
    database: Database, max_count: int, lease_seconds: int | None
) -> None:
    database.record_orders(order(1, SPLINT))
    with pytest.raises((psycopg.DataError, psycopg.IntegrityError)):
        database.call("claim_notifications", "knock", max_count, lease_seconds)

    assert database.notifications(1)[TRIGGER]["attempts"] == 0
