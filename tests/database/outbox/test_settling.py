from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from tests.database.outbox.support import (
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


@pytest.fixture
def claimed(database: Database) -> Row:
    """A trigger that was claimed."""
    database.record_orders(order(1, SPLINT))
    return claim_one(database, TRIGGER)


def stored(database: Database) -> Row:
    return database.notifications(1)[TRIGGER]


def wait_for_retry(database: Database, **fields: object) -> float:
    """Seconds until the next attempt, after this one failed."""
    [row] = database.claim()
    before = datetime.now(UTC)
    assert settle(database, row, "retry", **fields) == ["pending"]
    waiting: datetime = stored(database)["due_at"]
    return (waiting - before).total_seconds()


@pytest.mark.parametrize(("result", "status"), [("sent", "sent"), ("dead", "dead")])
def test_a_result_settles_a_message(
    database: Database, claimed: Row, result: str, status: str
) -> None:
    assert settle(database, claimed, result) == [status]

    assert stored(database)["settled_at"] is not None
    assert stored(database)["leased_until"] is None


@pytest.mark.parametrize("result", ["sent", "dead", "retry", "paused"])
def test_settling_again_changes_nothing(database: Database, claimed: Row, result: str) -> None:
    settle(database, claimed, result, error="first")
    before = stored(database)

    if result in {"sent", "dead"}:
        assert settle(database, claimed, result, error="second") == []
        assert stored(database) == before
    for stale in ("retry", "paused", "dead"):
        later_attempt = {**claimed, "attempt": claimed["attempt"] + 1}
        assert settle(database, later_attempt, stale) == []
    assert stored(database) == before


def test_the_providers_words_are_kept_but_not_a_novel(database: Database, claimed: Row) -> None:
    settle(database, claimed, "dead", error="knock 404 workflow_missing " + "x" * 5000)

    assert stored(database)["last_error"].startswith("knock 404 workflow_missing")
    assert len(stored(database)["last_error"]) == 1000


def test_a_message_that_was_sent_after_all_keeps_no_error(database: Database, claimed: Row) -> None:
    settle(database, claimed, "retry", error="knock 503")
    later(database, 60)
    settle(database, claim_one(database, TRIGGER), "sent")

    assert stored(database)["last_error"] is None


class TestALateResult:
    """Its lease has ended and another attempt is under way."""

    @pytest.fixture
    def second(self, database: Database, claimed: Row) -> Row:  # noqa: ARG002 - comes first
        later(database, 60)
        return claim_one(database, TRIGGER)

    @pytest.mark.parametrize("result", ["retry", "paused", "dead"])
    def test_that_failed_is_not_heard(
        self, database: Database, claimed: Row, second: Row, result: str
    ) -> None:
        assert settle(database, claimed, result) == []
        assert settle(database, second, result) == ["dead" if result == "dead" else "pending"]

    def test_that_succeeded_is_believed(
        self, database: Database, claimed: Row, second: Row
    ) -> None:
        assert settle(database, claimed, "sent") == ["sent"]
        assert settle(database, second, "retry") == []
        assert settle(database, second, "dead") == []
        assert statuses(database) == {TRIGGER: "sent"}


def test_what_was_sent_is_believed_of_a_message_given_up(database: Database, claimed: Row) -> None:
    later(database, 24 * 3600)
    database.claim()
    assert statuses(database) == {TRIGGER: "dead"}

    assert settle(database, claimed, "sent") == ["sent"]


def test_what_was_sent_is_believed_of_a_message_withdrawn_meanwhile(
    database: Database, claimed: Row
) -> None:
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))

    assert settle(database, claimed, "retry") == settle(database, claimed, "dead") == []
    assert settle(database, claimed, "sent") == ["sent"]


def test_several_results_come_in_one_call(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))
    rows = database.claim()
    results = [
        result_of(row, {TRIGGER: "sent", COURSE_ACCESS: "dead"}[row["kind"]]) for row in rows
    ]

    assert len(database.settle(*results)) == 4
    assert statuses(database, 1) == statuses(database, 2)
    assert statuses(database, 1) == {TRIGGER: "sent", COURSE_ACCESS: "dead"}


def test_a_result_of_a_message_that_is_not_ours_is_nothing(database: Database) -> None:
    unknown = {"id": "00000000-0000-4000-8000-000000000000", "attempt": 1, "result": "sent"}

    assert database.settle(unknown) == database.settle() == []


@pytest.mark.parametrize(
    "change", [{"result": "maybe"}, {"result": None}, {"result": "retry", "attempt": None}]
)
def test_a_result_that_says_nothing_changes_nothing(
    database: Database, claimed: Row, change: Row
) -> None:
    before = stored(database)

    assert database.settle({**result_of(claimed, "sent"), **change}) == []
    assert stored(database) == before


@pytest.mark.parametrize("results", ["{}", "5", "null", "[5]", '[{"id": "x", "result": "sent"}]'])
def test_unusable_results_are_an_error_and_settle_nothing(
    database: Database, claimed: Row, results: str
) -> None:
    before = stored(database)
    with pytest.raises(psycopg.DataError):
        database.rows("select * from public.settle_notifications(%s::jsonb)", results)

    assert stored(database) == before


@pytest.mark.usefixtures("claimed")
class TestWaitingForARetry:
    def after(self, database: Database, attempts: int, **fields: object) -> float:
        database.execute(
            "update thetis.notifications set attempts = %s, due_at = now()", attempts - 1
        )
        return wait_for_retry(database, **fields)

    def test_begins_with_seconds_and_grows(self, database: Database) -> None:
        waits = [self.after(database, attempts) for attempts in (1, 4, 7, 10)]

        # 5 s, doubled at each attempt, and a quarter more or less
        for wait, middle in zip(waits, (5, 40, 320, 2560), strict=True):
            assert middle * 0.75 <= wait <= middle * 1.25 + 5

    def test_ends_at_about_an_hour(self, database: Database) -> None:
        for attempts in (11, 12, 50, 5000):
            assert 3600 * 0.75 <= self.after(database, attempts) <= 3600 * 1.25 + 5

    def test_differs_for_what_failed_together(self, database: Database) -> None:
        assert len({self.after(database, 10) for _ in range(5)}) == 5

    def test_is_never_shorter_than_the_provider_asked(self, database: Database) -> None:
        assert 600 <= self.after(database, 1, retry_after_seconds=600) <= 605

    def test_is_not_shorter_than_ours_if_the_provider_asks_for_less(
        self, database: Database
    ) -> None:
        for asked in (0, 1, -100, None):
            assert 1920 <= self.after(database, 10, retry_after_seconds=asked) <= 3205

    def test_is_half_a_day_at_most_whatever_the_provider_asked(self, database: Database) -> None:
        wait = self.after(database, 1, retry_after_seconds=1e12)
        assert 12 * 3600 <= wait <= 12 * 3600 + 5

    def test_lets_go_of_the_lease(self, database: Database) -> None:
        self.after(database, 1)

        assert stored(database)["leased_until"] is None
        assert stored(database)["status"] == "pending"


def test_of_two_results_for_one_notification_the_one_that_was_sent_counts(
    database: Database, claimed: Row
) -> None:
    database.settle(result_of(claimed, "retry"), result_of(claimed, "sent"))
    assert stored(database)["status"] == "sent"
