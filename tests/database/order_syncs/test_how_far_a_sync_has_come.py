"""A sync's row says how far it has come: if it is killed, it is resumed; each page counts once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, Json, days_ago, order

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def begin(
    database: Database,
    purpose: str = "backfill",
    since: datetime | None = SINCE,
    until: datetime | None = UNTIL,
    holder: str = "one",
) -> Json:
    [row] = database.call("begin_order_sync", purpose, since, until, holder, 60)
    return dict(row["begin_order_sync"])


def record(
    database: Database,
    sync: Json,
    page: int,
    *orders: Json,
    holder: str = "one",
    is_last: bool = False,
    unreadable: tuple[str, ...] = (),
) -> list[str]:
    reached = max((each["updated_at"] for each in orders), default=None)
    faults = [{"order_id": each, "reason": "a fault"} for each in unreadable]
    rows = database.call(
        "record_order_page",
        *(sync["id"], holder, page, list(orders), faults, reached, is_last, "grant", 60),
    )
    return [row["outcome"] for row in rows]


def kill(database: Database) -> None:
    """Let the lease of whoever runs be over."""
    database.execute("update thetis.order_syncs set leased_until = now()")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def finish(database: Database, purpose: str = "reconcile", **fields: Any) -> None:
    sync = begin(database, purpose, **{"since": None, "until": None, **fields})
    record(database, sync, 1, is_last=True)


def test_a_page_and_how_far_it_goes_are_committed_together(database: Database) -> None:
    sync = begin(database)
    assert (sync["state"], moment(sync["reached"]), sync["pages"]) == ("begun", SINCE, 0)
    first = order(1, COURSE, updated_at="2026-01-05T10:00:00Z")

    assert record(database, sync, 1, first, order(2), order(3, SPLINT, email=None)) == [
        "recorded",
        "ignored",
        "rejected",
    ]

    kill(database)
    again = begin(database, holder="two")
    assert again["state"] == "resumed"
    told = {name: again[name] for name in ("seen", "recorded", "unchanged", "ignored", "rejected")}
    assert told == {"seen": 3, "recorded": 1, "unchanged": 0, "ignored": 1, "rejected": 1}
    assert again["pages"] == 1


def test_a_page_that_fails_is_neither_recorded_nor_counted(database: Database) -> None:
    sync = begin(database)
    with pytest.raises(psycopg.errors.DataError):
        database.call(
            "record_order_page",
            *(sync["id"], "one", 1, [order(1, COURSE)], [], "no time", False, "grant", 60),
        )

    assert database.purchases() == []
    assert begin(database)["pages"] == 0


def test_a_run_that_was_stopped_gives_back_what_it_holds_though_its_page_was_recorded(
    database: Database,
) -> None:
    """It gave the call up, and does not know that the page counted."""
    sync = begin(database)
    record(database, sync, 1, order(1, COURSE))

    database.call("record_order_page", sync["id"], "one", 1, [], [], None, False, "grant", 0)

    assert begin(database, holder="two")["state"] == "resumed"


def test_a_page_that_is_told_again_counts_once(database: Database) -> None:
    """As a transport does that does not know whether the call was carried out."""
    sync = begin(database)
    page = order(1, COURSE, updated_at="2026-01-05T10:00:00Z")
    assert record(database, sync, 1, page, is_last=True) == ["recorded"]
    assert record(database, sync, 1, page, is_last=True) == ["unchanged"]

    counted = database.rows("select seen, recorded, unchanged, status from thetis.order_syncs")
    assert counted == [{"seen": 1, "recorded": 1, "unchanged": 0, "status": "finished"}]


def test_what_could_not_be_translated_counts_as_rejected_and_is_kept_by_its_id(
    database: Database,
) -> None:
    sync = begin(database)
    record(database, sync, 1, unreadable=("7", "8"))

    again = begin(database)
    assert (again["seen"], again["rejected"]) == (2, 2)
    assert kept(database) == [({"id": "7"}, "a fault"), ({"id": "8"}, "a fault")]


def test_what_is_rejected_is_kept_so_that_it_can_be_replayed(database: Database) -> None:
    nameless = order(1, COURSE, email=None)
    sync = begin(database)
    for page in (1, 2):
        assert record(database, sync, page, order(2, COURSE), nameless)[1] == "rejected"

    assert kept(database) == [(nameless, "no email address")]


def kept(database: Database) -> list[tuple[Json, str]]:
    rows = database.rows("select body, reason from thetis.rejected_webhooks order by id")
    return [(json.loads(row["body"]), row["reason"]) for row in rows]


def test_it_never_goes_back(database: Database) -> None:
    sync = begin(database)
    for page, day in ((1, 9), (2, 5)):
        record(database, sync, page, order(page, COURSE, updated_at=f"2026-01-0{day}T10:00:00Z"))

    assert moment(begin(database)["reached"]) == datetime(2026, 1, 9, 10, tzinfo=UTC)


def test_one_that_runs_is_left_to_its_holder(database: Database) -> None:
    sync = begin(database)

    assert begin(database, holder="two")["state"] == "busy"
    assert begin(database, "reconcile", holder="two")["state"] == "begun"
    with pytest.raises(psycopg.DatabaseError, match="another run has taken over") as told:
        record(database, sync, 1, order(1, COURSE), holder="two")
    assert told.value.sqlstate == "TH005"
    assert database.purchases() == []


def test_who_lost_the_lease_records_nothing_more(database: Database) -> None:
    sync = begin(database)
    kill(database)
    begin(database, holder="two")

    with pytest.raises(psycopg.DatabaseError, match="another run has taken over"):
        record(database, sync, 1, order(1, COURSE))


def test_a_page_renews_the_lease(database: Database) -> None:
    sync = begin(database)
    kill(database)
    record(database, sync, 1)

    assert begin(database, holder="two")["state"] == "busy"


def test_a_backfill_of_another_time_takes_the_place_of_the_unfinished_one(
    database: Database,
) -> None:
    first = begin(database)
    kill(database)
    other = begin(database, since=SINCE - timedelta(days=1), holder="two")

    assert (other["state"], other["id"] > first["id"]) == ("begun", True)
    assert database.value("select status from thetis.order_syncs where id = %s", first["id"]) == (
        "abandoned"
    )


def test_a_backfill_without_an_end_is_resumed_with_the_one_that_it_had(database: Database) -> None:
    first = begin(database, until=None)
    kill(database)

    again = begin(database, until=None, holder="two")
    assert (again["state"], again["until"]) == ("resumed", first["until"])


def test_a_backfill_without_a_beginning_begins_with_shopify(database: Database) -> None:
    first = begin(database, since=None)
    assert moment(first["since"]) == datetime(2006, 1, 1, tzinfo=UTC)
    assert begin(database, since=None)["state"] == "resumed"


def test_the_first_reconcile_goes_back_for_as_long_as_messages_are_owed(
    database: Database,
) -> None:
    first = begin(database, "reconcile", None, None)
    assert moment(first["until"]) - moment(first["since"]) == timedelta(days=3)


def test_a_reconcile_goes_on_an_hour_before_the_end_of_the_last_one(database: Database) -> None:
    finish(database, until=days_ago(0.5))
    unfinished = begin(database, "reconcile", None, None)

    assert abs(moment(unfinished["since"]) - days_ago(0.5) + timedelta(hours=1)) < timedelta(
        minutes=1
    )


def test_no_time_is_left_out_by_one_that_was_killed_long_ago(database: Database) -> None:
    killed = begin(database, "reconcile", None, None)
    database.execute(
        "update thetis.order_syncs set since = since - interval '9 days',"
        " reached = reached - interval '9 days', through = through - interval '9 days',"
        " leased_until = now()"
    )
    resumed = begin(database, "reconcile", None, None, holder="two")
    record(database, resumed, 1, is_last=True, holder="two")
    following = begin(database, "reconcile", None, None, holder="two")

    assert (resumed["id"], resumed["state"]) == (killed["id"], "resumed")
    assert moment(following["since"]) < moment(resumed["until"])


def test_news_that_a_webhook_should_have_told_is_missed(database: Database) -> None:
    finish(database)
    sync = begin(database, "reconcile", None, None)
    old, fresh = (order(n, COURSE, made_at=days_ago(age)) for n, age in ((1, 0.1), (2, 0)))
    database.record_orders(known := order(3, COURSE, made_at=days_ago(0.1)))

    record(database, sync, 1, old, fresh, known, is_last=True)

    [status] = database.call("reconcile_status")
    assert (status["missed"], 0 <= status["lag_seconds"] < 60) == (1, True)


def test_before_the_first_reconcile_nothing_was_missed(database: Database) -> None:
    sync = begin(database, "reconcile", None, None)
    record(database, sync, 1, order(1, COURSE, made_at=days_ago(0.1)), is_last=True)

    assert [row["missed"] for row in database.call("reconcile_status")] == [0]


def test_a_backfill_counts_nothing_as_missed_and_is_no_reconcile(database: Database) -> None:
    finish(database, "backfill")
    record(database, begin(database), 1, order(1, COURSE, made_at=days_ago(0.1)), is_last=True)

    assert database.call("reconcile_status") == []


def test_what_is_long_over_is_dropped_but_not_where_the_next_one_begins(
    database: Database,
) -> None:
    for _ in range(2):
        finish(database)
        database.execute(
            "update thetis.order_syncs set ended_at = ended_at - interval '60 days',"
            " through = through - interval '60 days'"
        )
    finish(database)
    begin(database, "reconcile", None, None)

    assert database.value("select count(*) from thetis.order_syncs") == 3


def test_a_preview_says_the_same_and_changes_nothing(database: Database) -> None:
    orders = [order(1, COURSE), order(2), order(3, SPLINT, email=None)]
    rows = database.call("preview_orders", orders)

    assert database.rows("select from thetis.orders") == []
    assert [row["outcome"] for row in rows] == database.record_orders(*orders)
    assert [row["reason"] for row in rows] == [None, None, "no email address"]


def test_a_purpose_that_nobody_knows_is_refused(database: Database) -> None:
    with pytest.raises(psycopg.DatabaseError, match="purpose: say"):
        begin(database, "repair")
