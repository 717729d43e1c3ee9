"""Orders made with a test gateway: marked, and left out if the shop wants it so."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.database import Database
from tests.support.everything import everything
from tests.support.shopify import COURSE, SPLINT, Json, order, refund


def record(database: Database, test_orders: str | None, *orders: Json) -> list[str]:
    rows = database.call("record_orders", list(orders), test_orders)
    return [row["outcome"] for row in rows]


def is_test(database: Database) -> dict[str, bool]:
    rows = database.rows("select * from thetis.orders order by shopify_order_id")
    return {row["shopify_order_id"]: row["is_test"] for row in rows}


@pytest.mark.parametrize("fields", [{"test": False}, {"test": None}, {}])
def test_an_order_is_marked_only_if_it_says_so(database: Database, fields: Json) -> None:
    database.record_orders(order(1, COURSE, test=True), order(2, COURSE, **fields))

    assert is_test(database) == {"1": True, "2": False}


@pytest.mark.parametrize("first", [True, False])
def test_the_mark_does_not_hang_on_the_order_of_arrival(database: Database, *, first: bool) -> None:
    database.record_orders(order(1, COURSE, test=first))
    database.record_orders(order(1, COURSE, test=not first))

    assert is_test(database) == {"1": True}


def test_a_test_order_grants_and_tells_like_any_other(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    assert record(database, "grant", order(1, COURSE, test=True)) == ["recorded"]

    assert database.accounts.has_access(ada, COURSE)
    assert sorted(row["kind"] for row in database.claim()) == ["course_access", "post_purchase"]


def test_ignored_test_orders_leave_nothing(database: Database) -> None:
    before = everything(database)
    test = order(1, COURSE, test=True, refunds=[refund(5, 1, **{COURSE: 1})])

    assert record(database, "ignore", test, test) == ["ignored", "ignored"]
    assert everything(database) == before


@pytest.mark.parametrize("fields", [{"test": False}, {"test": None}, {}])
def test_other_orders_of_the_array_are_recorded(database: Database, fields: Json) -> None:
    outcomes = record(
        database,
        "ignore",
        order(1, COURSE, test=True),
        order(2, COURSE, **fields),
        {**order(3, COURSE), "line_items": None},
    )

    assert outcomes == ["ignored", "recorded", "rejected"]
    assert is_test(database) == {"2": False, "3": False}  # of the last we have heard


@pytest.mark.parametrize("test_orders", ["", "Grant", "refuse", None])
@pytest.mark.parametrize("fields", [{"test": True}, {"test": False}, {"test": None}, {}])
def test_another_word_for_what_to_do_with_them_is_refused(
    database: Database, test_orders: str | None, fields: Json
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        record(database, test_orders, order(1, COURSE, **fields))

    assert refused.value.sqlstate == "TH004"
    assert refused.value.diag.message_primary == 'test orders: say "grant" or "ignore"'
    assert database.purchases() == []


def test_without_a_word_they_grant(database: Database) -> None:
    assert database.record_orders(order(1, COURSE, test=True)) == ["recorded"]
    assert len(database.purchases()) == 1


@pytest.mark.parametrize("said", ["yes", 2, [], {}])
def test_a_mark_that_is_neither_true_nor_false_is_refused(database: Database, said: Any) -> None:
    [row] = database.call("record_orders", [order(1, COURSE, test=said)])

    if said == "yes":  # a word that Postgres takes for true
        assert row["outcome"] == "recorded"
    else:
        assert (row["outcome"], row["reason"]) == ("rejected", "test: neither true nor false")


def test_their_notifications_are_not_in_the_figures(database: Database) -> None:
    database.record_orders(order(1, COURSE, test=True), order(2, SPLINT))
    backlog = {row["provider"]: row for row in database.call("notification_backlog")}

    assert backlog["knock"]["pending"] == 1
    assert backlog["resend"]["pending"] == 0
    assert backlog["resend"]["oldest_due_seconds"] in (None, 0)


def test_their_dead_notifications_and_cancellations_are_not_in_the_figures(
    database: Database,
) -> None:
    database.record_orders(order(1, SPLINT, test=True))
    [claimed] = database.claim()
    said: Json = {"id": str(claimed["id"]), "attempt": claimed["attempt"]}
    database.settle({**said, "result": "sent"})
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    assert database.notifications(1)["post_purchase_cancel"]["is_test"]
    database.execute("update thetis.notifications set status = 'dead', settled_at = now()")

    backlog = database.call("notification_backlog")
    assert {(row["pending"], row["dead"]) for row in backlog} == {(0, 0)}


@pytest.mark.parametrize(("is_test", "counted"), [(True, 0), (False, 1)])
def test_their_address_conflicts_are_not_in_the_figures(
    database: Database, counted: int, *, is_test: bool
) -> None:
    database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, test=is_test))
    database.record_orders(
        order(1, COURSE, email="grace@example.com", test=is_test, updated_at="2999-01-01T00:00Z")
    )

    [row] = database.call("count_address_conflicts")
    assert row["count_address_conflicts"] == counted


def test_an_array_of_test_orders_as_jsonb_is_taken_by_name(database: Database) -> None:
    with database.as_role("service_role") as service:
        query = "select * from public.record_orders(orders => %s, test_orders => 'ignore')"
        [row] = service.execute(query, [Jsonb([order(1, COURSE, test=True)])]).fetchall()

    assert row["outcome"] == "ignored"
