"""Of two runs of a sync that begin at once, one has it; and what they record takes turns."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from tests.support.database import Connection, Database
from tests.support.sessions import background, record_orders, session, wait_until_blocked
from tests.support.shopify import COURSE, days_ago, order


def begin(connection: Connection, holder: str) -> dict[str, Any]:
    query = "select public.begin_order_sync('reconcile', null, null, %s, 60) as begun"
    row = connection.execute(query, [holder]).fetchone()
    assert row is not None
    return dict(row["begun"])


def record(connection: Connection, sync_id: int, holder: str, *orders: Any) -> list[str]:
    query = "select * from public.record_order_page(%s, %s, 1, %s, '[]', null, true, 'grant', 60)"
    rows = connection.execute(query, [sync_id, holder, Jsonb(list(orders))]).fetchall()
    return [row["outcome"] for row in rows]


def test_of_two_that_begin_at_once_one_is_told_that_the_other_is_at_it(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            assert begin(one, "one")["state"] == "begun"
            second = run(begin, two, "two")
            wait_until_blocked(database, two)
        assert second.result()["state"] == "busy"

    assert database.value("select count(*) from thetis.order_syncs") == 1


def test_one_that_is_rolled_back_is_begun_by_the_other(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction(force_rollback=True):
            begin(one, "one")
            second = run(begin, two, "two")
            wait_until_blocked(database, two)
        assert second.result()["state"] == "begun"


def test_a_lease_that_is_taken_over_meanwhile_waits_for_the_page_and_is_then_renewed(
    database: Database,
) -> None:
    with session(database) as one, session(database) as two, background() as run:
        sync = begin(one, "one")
        database.execute("update thetis.order_syncs set leased_until = now()")
        with one.transaction():
            assert record(one, sync["id"], "one", order(1, COURSE)) == ["recorded"]
            second = run(begin, two, "two")
            wait_until_blocked(database, two)
        assert second.result()["state"] == "begun"  # the first has ended


def test_a_page_and_a_webhook_about_the_same_order_take_turns(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        sync = begin(one, "one")
        with one.transaction():
            record(one, sync["id"], "one", order(1, COURSE, made_at=days_ago(0.1)))
            webhook = run(record_orders, two, order(1, COURSE, made_at=days_ago(0.1)))
            wait_until_blocked(database, two)
        assert webhook.result() == ["unchanged"]

    assert len(database.purchases(1)) == 1
