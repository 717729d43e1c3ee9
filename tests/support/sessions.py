"""Two connections at once: one goes on in the background while the other holds what it waits for.

with session(database) as one, session(database) as two, background() as run:
    with one.transaction():
        ...
        outcome = run(do_something, two)
        wait_until_blocked(database, two)
    assert outcome.result() == ...
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, Protocol, TypeVar

from psycopg.types.json import Jsonb

from tests.support.database import Connection, Database, Row

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

PATIENCE = 10
"""Seconds after which a test that waits for another connection has failed."""

BLOCKERS = "select pg_blocking_pids(%s) as pids"


class Run(Protocol):
    def __call__(
        self,
        work: Callable[Parameters, Result],
        /,
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Future[Result]: ...


@contextmanager
def session(database: Database, role: str = "postgres") -> Iterator[Connection]:
    """A connection that gives up rather than hang."""
    with database.connect(role) as connection:
        connection.execute(f"set statement_timeout = '{PATIENCE}s'")
        yield connection


@contextmanager
def background() -> Iterator[Run]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        yield thread.submit


def wait_until_blocked(database: Database, connection: Connection) -> None:
    """Returns once this connection waits for a lock that another one holds."""
    pid = connection.info.backend_pid
    deadline = time.monotonic() + PATIENCE / 2
    while not database.value(BLOCKERS, pid):
        assert time.monotonic() < deadline, "nothing held it up"
        time.sleep(0.005)


def record_orders(connection: Connection, *orders: Row) -> list[str]:
    rows = connection.execute("select * from public.record_orders(%s)", [Jsonb(orders)]).fetchall()
    return [row["outcome"] for row in rows]


def record_refunds(connection: Connection, *refunds: Row) -> list[str]:
    query = "select * from public.record_refunds(%s)"
    return [row["outcome"] for row in connection.execute(query, [Jsonb(refunds)]).fetchall()]


def record_disputes(connection: Connection, *disputes: Row) -> list[str]:
    query = "select * from public.record_disputes(%s)"
    return [row["outcome"] for row in connection.execute(query, [Jsonb(disputes)]).fetchall()]


def claim(connection: Connection, provider: str = "knock") -> list[Row]:
    query = "select * from public.claim_notifications(%s)"
    return connection.execute(query, [provider]).fetchall()


def settle(connection: Connection, claimed: Row, result: str) -> list[str]:
    said: dict[str, Any] = {"id": str(claimed["id"]), "attempt": claimed["attempt"]}
    query = "select * from public.settle_notifications(%s)"
    rows = connection.execute(query, [Jsonb([{**said, "result": result}])]).fetchall()
    return [row["status"] for row in rows]
