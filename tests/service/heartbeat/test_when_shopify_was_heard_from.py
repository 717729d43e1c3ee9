"""The database knows when Shopify was last heard from, whatever became of the webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, LiteralString

import pytest

from tests.support.cluster import Cluster
from tests.support.database import Database, Row
from tests.support.service import SECRET, Service, eventually, running
from tests.support.shopify import COURSE, order
from thetis.cli import shopify_payloads
from thetis.database import Database as Client
from thetis.errors import DatabaseUnavailable
from thetis.heartbeat import TEST_PREFIX, Heartbeat
from thetis.transports import Transport


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    with cluster.database() as fresh:
        yield fresh


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with running({"database_url": database.url}) as started:
        yield started


def heard(database: Database) -> dict[str, str | None]:
    rows = database.rows("select topic, webhook_id from thetis.webhook_heartbeats")
    return {row["topic"]: row["webhook_id"] for row in rows}


def is_heard(database: Database, noted: dict[str, str]) -> bool:
    return heard(database) == noted


def test_each_topic_is_noted_even_if_nothing_in_it_was_new(
    service: Service, database: Database
) -> None:
    before = datetime.now(UTC)

    assert service.outcome("orders/updated", order(1)) == "ignored"
    assert service.outcome("orders/paid", b"{}") == "rejected"
    eventually(lambda: heard(database).keys() == {"orders/updated", "orders/paid"})

    [oldest] = database.rows("select min(received_at) as at from thetis.webhook_heartbeats")
    assert before <= oldest["at"] <= datetime.now(UTC)


def test_what_is_not_authentic_is_not_heard(service: Service, database: Database) -> None:
    assert service.send("orders/paid", order(1, COURSE), secret="another").status_code == 401
    assert service.outcome("thetis/doctor", b"{}") == "ignored"  # a topic that nobody sends
    assert service.outcome("orders/create", order(2, COURSE)) == "recorded"

    eventually(lambda: heard(database))
    assert heard(database).keys() == {"orders/create"}


def test_a_test_webhook_is_noted_apart_each_time(service: Service, database: Database) -> None:
    body = shopify_payloads.encode(order(1))
    for number in range(3):
        sent = shopify_payloads.headers("orders/updated", body, SECRET)
        sent["X-Shopify-Webhook-Id"] = f"{TEST_PREFIX}{number}"
        assert service.send("orders/updated", body, headers=sent).status_code == 200
        noted = {"test": f"{TEST_PREFIX}{number}"}
        eventually(partial(is_heard, database, noted))


class _Noting(Transport):
    """Counts notes, and fails as it is told to."""

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = []
        self.is_down = False

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        assert function == "note_webhook"
        self.notes.append(arguments)
        if self.is_down:
            raise DatabaseUnavailable("no connection")
        return []


def test_of_a_thousand_webhooks_in_a_minute_one_is_noted() -> None:
    transport = _Noting()

    async def hear() -> None:
        heartbeat = Heartbeat(Client(transport, timeout=4))
        for number in range(1000):
            heartbeat.heard("orders/paid", str(number))
        heartbeat.heard("orders/create", None)
        await heartbeat.close()

    asyncio.run(hear())
    assert [each["topic"] for each in transport.notes] == ["orders/paid", "orders/create"]


def test_a_note_that_failed_is_made_anew_soon_and_fails_no_webhook() -> None:
    transport, now = _Noting(), [0.0]

    async def hear() -> None:
        heartbeat = Heartbeat(Client(transport, timeout=4), clock=lambda: now[0])
        transport.is_down = True
        heartbeat.heard("orders/paid", "1")
        await heartbeat.close()
        transport.is_down = False
        for moment, webhook_id in ((1, "2"), (5, "3"), (6, "4"), (64, "5"), (65, "6")):
            now[0] = moment
            heartbeat.heard("orders/paid", webhook_id)
            await heartbeat.close()

    asyncio.run(hear())
    assert [each["webhook_id"] for each in transport.notes] == ["1", "3", "6"]


def test_a_note_that_comes_late_takes_nothing_back(database: Database) -> None:
    """Two processes note the same topic, and the one that began first comes second."""
    with database.connect() as early, early.transaction():
        early.execute("select now()")  # the time of all that it does
        database.execute("select public.note_webhook('orders/paid', 'later')")
        early.execute("select public.note_webhook('orders/paid', 'late')")
    assert heard(database) == {"orders/paid": "later"}


def test_two_notes_at_once_wait_for_each_other(database: Database) -> None:
    with ThreadPoolExecutor() as pool, database.connect() as first:
        with first.transaction():
            first.execute("select public.note_webhook('orders/paid', 'first')")
            note = "select public.note_webhook('orders/paid', 'second')"
            second = pool.submit(database.execute, note)
            waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            eventually(lambda: first.execute(waiting).fetchall()[0]["count"] == 1)
        second.result()
    assert heard(database) == {"orders/paid": "second"}
