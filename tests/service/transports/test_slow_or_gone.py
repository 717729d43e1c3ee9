"""A database that is slow, hangs, goes away or comes back."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from devtools import platform
from tests.service.transports.conftest import TransportCase
from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.proxy import Proxy
from tests.support.shopify import COURSE, order
from tests.support.supabase_api import SupabaseApi
from thetis.database import Database as Client
from thetis.errors import DatabaseUnavailable

TIMEOUT = 0.4
AT_ONCE = 2.0
"""Seconds that a call may take that is given up after TIMEOUT: this machine may be busy."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """For these tests alone, since one restarts it; the connections of others would be lost.

    Of one version: these are about our side of the connection.
    """
    with Cluster.starting(tmp_path_factory.mktemp("platform"), postgres=18) as started:
        yield started


async def _is_given_up_in_time(client: Client) -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        await client.record_orders([order(1, COURSE)])
    assert time.monotonic() - started < AT_ONCE


async def _works_again(client: Client, *, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            assert len(await client.list_products()) == 5
        except DatabaseUnavailable:
            assert time.monotonic() < deadline, "it never worked again"
            await asyncio.sleep(0.01)
        else:
            return


@pytest.fixture
def proxy(way: TransportCase, database: Database) -> Iterator[Proxy]:
    """Between the client and what `way` leads to; see `_through`."""
    if way.name == "postgres":
        address = str(database.platform.socket_dir / ".s.PGSQL.5432")

        def connect() -> socket.socket:
            unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            unix.connect(address)
            return unix
    else:
        there = urlsplit(way.settings["supabase_url"])

        def connect() -> socket.socket:
            return socket.create_connection((there.hostname, there.port))

    with Proxy(connect) as between:
        yield between


def _through(proxy: Proxy, way: TransportCase, database: Database) -> TransportCase:
    if way.name == "postgres":
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{database.name}"
        return TransportCase(name=way.name, settings={"database_url": f"{url}?sslmode=disable"})
    api = {"supabase_url": f"http://127.0.0.1:{proxy.port}"}
    return TransportCase(name=way.name, settings={**way.settings, **api})


@contextmanager
def _locked(database: Database) -> Iterator[None]:
    with database.connect() as other, other.transaction():
        other.execute("lock table thetis.orders in access exclusive mode")
        yield


def test_a_call_that_waits_for_a_lock_is_given_up_in_time(
    way: TransportCase, database: Database
) -> None:
    async def wait(client: Client) -> None:
        await client.list_products()
        with _locked(database):
            await _is_given_up_in_time(client)
        [outcome] = await client.record_orders([order(2, COURSE)])
        assert outcome.outcome == "recorded"

    way.ask(wait, database_timeout_seconds=TIMEOUT)


def test_a_call_given_up_on_postgres_leaves_nothing_running(database: Database) -> None:
    """PostgREST has no way to be told; there the database's own limit ends it."""
    way = TransportCase(name="postgres", settings={"database_url": database.url})

    async def wait(client: Client) -> None:
        with _locked(database):
            await _is_given_up_in_time(client)
            await _count_of_waiting(database, 0)

    way.ask(wait, database_timeout_seconds=TIMEOUT)

    assert database.purchases() == []


def test_a_call_whose_caller_is_gone_leaves_nothing_running(database: Database) -> None:
    way = TransportCase(name="postgres", settings={"database_url": database.url})

    async def go_away(client: Client) -> None:
        with _locked(database):
            caller = asyncio.ensure_future(client.record_orders([order(1, COURSE)]))
            await _count_of_waiting(database, 1)
            caller.cancel()
            await _count_of_waiting(database, 0)

    way.ask(go_away)

    assert database.purchases() == []


async def _count_of_waiting(database: Database, count: int) -> None:
    deadline = time.monotonic() + 3
    while database.value(_WAITING) != count:
        assert time.monotonic() < deadline, f"there are never {count} waiting"
        await asyncio.sleep(0.01)


_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


def test_others_are_answered_while_one_waits_for_a_lock(
    way: TransportCase, database: Database
) -> None:
    async def both(client: Client) -> None:
        with _locked(database):
            waiting = asyncio.ensure_future(client.record_orders([order(1, COURSE)]))
            assert len(await client.list_products()) == 5
            assert not waiting.done()
        assert [each.outcome for each in await waiting] == ["recorded"]

    way.ask(both)


def test_a_server_that_hangs_is_given_up_in_time_and_forgiven(
    way: TransportCase, proxy: Proxy, database: Database
) -> None:
    async def wait(client: Client) -> None:
        await _works_again(client)
        proxy.hang()
        for _ in range(3):
            await _is_given_up_in_time(client)
        proxy.recover()
        await _works_again(client)

    _through(proxy, way, database).ask(wait, database_timeout_seconds=TIMEOUT)


def test_connections_that_are_stuck_do_not_stand_in_the_way_of_new_ones(
    way: TransportCase, proxy: Proxy, database: Database
) -> None:
    async def wait(client: Client) -> None:
        await _works_again(client)
        proxy.hang()
        for _ in range(3):
            await _is_given_up_in_time(client)
        proxy.recover_for_new_connections()
        await _works_again(client, patience=6)

    _through(proxy, way, database).ask(wait, database_timeout_seconds=TIMEOUT)


def test_a_server_that_hangs_from_the_start_is_given_up_in_time(
    way: TransportCase, proxy: Proxy, database: Database
) -> None:
    proxy.hang()

    _through(proxy, way, database).ask(_is_given_up_in_time, database_timeout_seconds=TIMEOUT)


def test_a_server_that_vanishes_is_found_again_within_seconds_of_its_return(
    way: TransportCase, proxy: Proxy, database: Database
) -> None:
    async def wait(client: Client) -> None:
        await _works_again(client)
        proxy.vanish()
        for _ in range(10):  # an outage has to last a little: by default, pauses grow with it
            await _is_given_up_in_time(client)
        proxy.recover()
        await _works_again(client, patience=3 * TIMEOUT)

    _through(proxy, way, database).ask(wait, database_timeout_seconds=TIMEOUT)


def test_a_database_that_is_away_at_the_start_is_found_later(
    way: TransportCase, proxy: Proxy, database: Database
) -> None:
    proxy.vanish()

    async def wait(client: Client) -> None:
        await _is_given_up_in_time(client)
        proxy.recover()
        await _works_again(client)

    _through(proxy, way, database).ask(wait, database_timeout_seconds=TIMEOUT)


def test_terminated_sessions_cost_no_call(database: Database) -> None:
    """All connections of the pool are dead at once, as after a failover; no caller notices."""
    way = TransportCase(name="postgres", settings={"database_url": database.url})

    async def go_on(client: Client) -> None:
        await asyncio.gather(*(client.list_products() for _ in range(20)))
        assert _terminate(database) > 1
        answers = await asyncio.gather(*(client.list_products() for _ in range(20)))
        assert {len(products) for products in answers} == {5}

    way.ask(go_on)


@pytest.mark.parametrize("way", ["postgres"], indirect=True)
def test_connections_that_died_and_others_that_hang_leave_nothing_running(
    way: TransportCase, proxy: Proxy, database: Database
) -> None:
    """As after a failover: some connections were closed, the network forgot the others."""

    async def go_on(client: Client) -> None:
        await asyncio.gather(*(client.list_products() for _ in range(20)))
        assert _terminate(database, at_most=3) == 3
        proxy.hang()
        proxy.recover_for_new_connections()
        for _ in range(5):
            with suppress(DatabaseUnavailable):
                await client.list_products()
        await _works_again(client)
        await client.close()
        deadline = time.monotonic() + AT_ONCE
        while len(asyncio.all_tasks()) > 1:
            assert time.monotonic() < deadline, asyncio.all_tasks()
            await asyncio.sleep(0.01)

    _through(proxy, way, database).ask(go_on, database_timeout_seconds=TIMEOUT)


def test_postgrest_finds_its_way_back_after_terminated_sessions(
    supabase_api: SupabaseApi, database: Database
) -> None:
    settings = {"supabase_url": supabase_api.url, "supabase_secret_key": supabase_api.secret_key}
    way = TransportCase(name="supabase", settings=settings)

    async def go_on(client: Client) -> None:
        await client.list_products()
        assert _terminate(database) > 0
        await _works_again(client)

    way.ask(go_on)


def _terminate(database: Database, at_most: int | None = None) -> int:
    """How many sessions ended that the test itself does not hold."""
    with database.connect("supabase_admin") as admin:
        return admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and usename in ('postgres', 'authenticator')"
            " and pid <> %s order by backend_start limit %s",
            (database.value("select pg_backend_pid()"), at_most),
        ).rowcount


def test_a_restart_of_postgres_is_survived(
    way: TransportCase, cluster: Cluster, database: Database
) -> None:
    async def go_on(client: Client) -> None:
        [outcome] = await client.record_orders([order(1, COURSE)])
        assert outcome.outcome == "recorded"
        where = cluster.platform.data_dir
        platform.stop(where)
        await _is_given_up_in_time(client)
        platform.start(where, postgres=cluster.platform.postgres_version)
        await _works_again(client)
        [outcome] = await client.record_orders([order(1, COURSE)])
        assert outcome.outcome == "unchanged"

    way.ask(go_on, database_timeout_seconds=TIMEOUT)
