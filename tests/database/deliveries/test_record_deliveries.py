"""The furthest word about an email stands, in whatever order the words come."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.outbox.support import COURSE_ACCESS, claim_one, settle
from tests.support.database import Database
from tests.support.shopify import COURSE, order

RANKS = ["sent", "delayed", "delivered", "failed", "suppressed", "bounced", "complained"]


def event(state: str, second: int = 0, **fields: Any) -> dict[str, Any]:
    return {"state": state, "occurred_at": f"2026-11-20T10:00:{second:02}Z", **fields}


@pytest.fixture
def email(database: Database) -> str:
    """The id of a course email that Resend took as `re_1`."""
    database.record_orders(order(1, COURSE))
    claimed = claim_one(database, COURSE_ACCESS)
    settle(database, claimed, "sent", provider_message_id="re_1")
    return str(claimed["id"])


def record(database: Database, *events: dict[str, Any]) -> list[str]:
    return [row["outcome"] for row in database.call("record_deliveries", list(events))]


def state(database: Database) -> tuple[str, str | None]:
    [row] = database.rows("select state::text, reason from thetis.email_deliveries")
    return row["state"], row["reason"]


def undelivered(database: Database, days: int = 7) -> dict[str, int]:
    rows = database.call("undelivered_emails", days)
    return {row["state"]: row["total"] for row in rows if row["total"]}


@pytest.mark.parametrize(
    "told", [*itertools.permutations(["sent", "delayed", "delivered", "bounced"])], ids=" ".join
)
def test_the_order_of_arrival_does_not_matter(
    database: Database, email: str, told: tuple[str, ...]
) -> None:
    for each in told:
        record(database, event(each, RANKS.index(each), notification_id=email, reason=each))
    assert state(database) == ("bounced", "bounced")


WORDS = st.tuples(
    st.sampled_from(["delayed", "delivered", "bounced"]),
    st.integers(0, 1),
    st.sampled_from([None, "a", "b"]),
)


@settings(
    max_examples=50,
    deadline=None,
    # Each example deletes what the one before has recorded.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(told=st.lists(WORDS, min_size=2, max_size=6), data=st.data())
def test_any_order_and_any_grouping_come_to_the_same(
    database: Database, email: str, told: list[tuple[str, int, str | None]], data: st.DataObject
) -> None:
    events = [
        event(state, second, notification_id=email, reason=reason) for state, second, reason in told
    ]
    shuffled = data.draw(st.permutations(events))
    cut = data.draw(st.integers(0, len(events)))

    one_by_one = _after(database, [[each] for each in events])
    in_groups = _after(database, [shuffled[:cut], shuffled[cut:], shuffled])
    assert one_by_one == in_groups


def _after(database: Database, groups: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    database.execute("delete from thetis.email_deliveries")
    for each in groups:
        record(database, *each)
    [row] = database.rows("select state::text, reason, occurred_at from thetis.email_deliveries")
    return row


def test_events_that_come_together_come_to_the_same(database: Database, email: str) -> None:
    told = [event(each, notification_id=email) for each in ("delivered", "complained", "sent")]
    assert record(database, *told) == ["recorded"] * 3
    assert state(database)[0] == "complained"


@pytest.mark.parametrize(("earlier", "later"), [*itertools.pairwise(RANKS)])
def test_each_word_is_further_than_the_one_before(
    database: Database, email: str, earlier: str, later: str
) -> None:
    assert record(database, event(later, notification_id=email)) == ["recorded"]
    assert record(database, event(earlier, 59, notification_id=email)) == ["unchanged"]
    assert state(database)[0] == later


@pytest.mark.parametrize("told", [*itertools.permutations(["a", "b", None])], ids=str)
def test_two_reasons_of_one_moment_come_to_the_same_in_any_order(
    database: Database, email: str, told: tuple[str | None, ...]
) -> None:
    for reason in told:
        record(database, event("bounced", notification_id=email, reason=reason))
    one_by_one = state(database)
    database.execute("delete from thetis.email_deliveries")
    record(database, *(event("bounced", notification_id=email, reason=each) for each in told))
    assert one_by_one == state(database) == ("bounced", "b")


def test_a_repetition_changes_nothing(database: Database, email: str) -> None:
    told = event("bounced", notification_id=email, reason="no such mailbox")
    assert [record(database, told) for _ in range(2)] == [["recorded"], ["unchanged"]]


def test_an_email_is_known_by_its_providers_id_too(database: Database, email: str) -> None:
    assert record(database, event("delivered", provider_message_id="re_1")) == ["recorded"]
    assert database.value("select notification_id::text from thetis.email_deliveries") == email


def test_an_email_is_known_by_our_id_before_it_is_settled(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    claimed = claim_one(database, COURSE_ACCESS)
    told = event("bounced", notification_id=str(claimed["id"]), provider_message_id="re_9")

    assert record(database, told) == ["recorded"]
    assert settle(database, claimed, "sent", provider_message_id="re_9") == ["sent"]


@pytest.mark.parametrize("name", ["notification_id", "provider_message_id"])
def test_a_connection_from_when_the_outbox_was_small_still_goes_by_key(
    database: Database, email: str, name: str
) -> None:
    known = {"notification_id": email, "provider_message_id": "re_1"}[name]
    call = sql.SQL("select * from public.record_deliveries(%s)")
    told = [Jsonb([event("delivered", second, **{name: known})]) for second in range(8)]
    reads = sql.SQL(
        "select seq_tup_read from pg_stat_xact_user_tables"
        " where schemaname = 'thetis' and relname = 'notifications'"
    )
    with database.connect() as connection:
        for each in told[:-1]:
            connection.execute(call, [each])
        database.execute(
            "insert into thetis.notifications"
            " (kind, shopify_order_id, payload, status, settled_at, provider_message_id)"
            " select 'course_access', n, '{}', 'sent', now(), 'other_' || n"
            " from generate_series(1, 5000) as n"
        )
        with connection.transaction():
            before = connection.execute(reads).fetchall()
            [row] = connection.execute(call, [told[-1]]).fetchall()
            after = connection.execute(reads).fetchall()
    assert row["outcome"] == "recorded"
    assert after == before


def test_an_email_of_somebody_elses_is_ignored(database: Database, email: str) -> None:
    others = [
        event("bounced", notification_id=str(uuid4()), provider_message_id="re_2"),
        event("bounced", provider_message_id="re_2"),
        event("bounced"),
    ]
    assert record(database, *others) == ["ignored"] * 3
    assert database.rows("select * from thetis.email_deliveries") == []


def test_a_message_that_is_no_email_is_ignored(database: Database, email: str) -> None:
    trigger = str(database.notifications(1)["post_purchase"]["id"])
    assert record(database, event("bounced", notification_id=trigger)) == ["ignored"]


@pytest.mark.parametrize(
    "unusable",
    [{"state": "opened"}, {"state": "sent", "occurred_at": None}, {"notification_id": "1"}],
)
def test_what_cannot_be_is_an_error_and_records_nothing(
    database: Database, email: str, unusable: dict[str, Any]
) -> None:
    with pytest.raises(psycopg.Error):
        record(
            database,
            event("sent", notification_id=email),
            {**event("sent", notification_id=email), **unusable},
        )
    assert database.rows("select * from thetis.email_deliveries") == []


def test_what_did_not_arrive_is_counted_for_a_week(database: Database, email: str) -> None:
    record(database, event("bounced", notification_id=email))
    database.execute("update thetis.email_deliveries set occurred_at = now() - interval '8 days'")
    assert undelivered(database) == {}
    database.execute("update thetis.email_deliveries set occurred_at = now()")
    assert undelivered(database) == {"bounced": 1}
    assert len(database.call("undelivered_emails", 7)) == 4


@pytest.mark.parametrize("told", ["sent", "delayed", "delivered"])
def test_what_may_still_arrive_is_not_counted(database: Database, email: str, told: str) -> None:
    record(database, event(told, notification_id=email))
    database.execute("update thetis.email_deliveries set occurred_at = now()")
    assert undelivered(database) == {}


def test_test_orders_are_left_out_of_the_figures(database: Database, email: str) -> None:
    record(database, event("bounced", notification_id=email))
    database.execute("update thetis.email_deliveries set occurred_at = now()")
    database.execute("update thetis.notifications set is_test = true")
    assert undelivered(database) == {}


def test_the_state_is_shown_beside_the_message(database: Database, email: str) -> None:
    record(database, event("bounced", notification_id=email, reason="no such mailbox"))
    listed = database.call("list_notifications", "1", "sent", None, 10)
    assert [(row["delivery"], row["delivery_reason"]) for row in listed] == [
        ("bounced", "no such mailbox")
    ]
    [row] = database.call("get_notification", email)
    assert row["get_notification"]["delivery"]["state"] == "bounced"
