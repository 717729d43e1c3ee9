"""A provider that refuses has not taken the message, so that nothing about it is uncertain."""

from __future__ import annotations

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
from tests.support.database import Database, Row
from tests.support.shopify import COURSE, SPLINT, order, refund

HOUR, DAY = 3600, 86400


@pytest.fixture
def claimed(database: Database) -> Row:
    database.record_orders(order(1, SPLINT))
    return claim_one(database, TRIGGER)


def stored(database: Database, kind: str = TRIGGER) -> Row:
    return database.notifications(1)[kind]


def is_uncertain(database: Database) -> bool:
    return stored(database)["uncertain_since"] is not None


def refuse(database: Database, claimed: Row) -> None:
    assert settle(database, claimed, "retry", is_refused=True, error="429") == ["pending"]


def test_an_attempt_is_uncertain_until_somebody_settles_it(
    database: Database, claimed: Row
) -> None:
    assert is_uncertain(database)
    refuse(database, claimed)

    assert not is_uncertain(database)
    assert stored(database)["last_error"] == "429"


@pytest.mark.parametrize("fields", [{}, {"is_refused": None}, {"is_refused": False}])
def test_whatever_is_not_said_to_be_a_refusal_stays_uncertain(
    database: Database, claimed: Row, fields: Row
) -> None:
    settle(database, claimed, "retry", **fields)

    assert is_uncertain(database)


def test_refusals_for_a_month_do_not_give_a_message_up(database: Database, claimed: Row) -> None:
    refuse(database, claimed)
    for attempt in range(2, 32):
        later(database, DAY)
        again = claim_one(database, TRIGGER)
        assert again["attempt"] == attempt
        refuse(database, again)

    assert statuses(database) == {TRIGGER: "pending"}


def test_the_clock_of_an_uncertain_attempt_runs_on_through_refusals(
    database: Database, claimed: Row
) -> None:
    settle(database, claimed, "retry")
    began = stored(database)["uncertain_since"]
    for _ in range(3):
        database.execute("update thetis.notifications set due_at = now()")
        refuse(database, claim_one(database, TRIGGER))

    assert stored(database)["uncertain_since"] == began


def test_an_abandoned_attempt_starts_the_clock_that_a_refusal_does_not_stop(
    database: Database, claimed: Row
) -> None:
    assert claimed["attempt"] == 1
    later(database, HOUR)
    refuse(database, claim_one(database, TRIGGER))
    assert is_uncertain(database)

    later(database, 22 * HOUR + 1)
    assert database.claim() == []
    assert statuses(database) == {TRIGGER: "dead"}


def test_a_refusal_of_an_attempt_whose_lease_went_to_another_changes_nothing(
    database: Database, claimed: Row
) -> None:
    later(database, 60)
    claim_one(database, TRIGGER)
    before = stored(database)

    assert settle(database, claimed, "retry", is_refused=True) == []
    assert stored(database) == before


def test_a_refusal_comes_again_no_sooner_than_the_provider_asked(
    database: Database, claimed: Row
) -> None:
    settle(database, claimed, "retry", is_refused=True, retry_after_seconds=600)
    later(database, 599)
    assert database.claim() == []
    later(database, 1)

    assert [row["attempt"] for row in database.claim()] == [2]


def test_a_refusal_for_good_is_the_end(database: Database, claimed: Row) -> None:
    assert settle(database, claimed, "dead", is_refused=True, error="knock 404") == ["dead"]
    later(database, DAY)

    assert database.claim() == []
    assert stored(database)["last_error"] == "knock 404"


def test_each_result_of_a_call_is_taken_by_itself(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    trigger, email = claim_one(database, TRIGGER), claim_one(database, COURSE_ACCESS)
    database.settle(
        result_of(trigger, "retry", is_refused=True), result_of(email, "retry", is_refused=False)
    )

    assert stored(database, TRIGGER)["uncertain_since"] is None
    assert stored(database, COURSE_ACCESS)["uncertain_since"] is not None


def test_a_cancellation_that_is_refused_starts_no_clock_either(
    database: Database, claimed: Row
) -> None:
    settle(database, claimed, "sent")
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    later(database, 60)
    for _ in range(20):
        refuse(database, claim_one(database, CANCEL))
        later(database, DAY)

    assert statuses(database)[CANCEL] == "pending"
