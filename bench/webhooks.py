"""How many webhooks a second, beside what somebody else's service does on the same server.

All get bodies of the same size, no two alike, over kept-alive connections, one service after the
other in each round, so that a busy moment of the machine touches all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count

import psycopg

from bench import database, knock, load, postgrest, processor, serving, stripe_sync, webhook_bodies
from bench.report import Report
from bench.webhooks_report import NAMES, Turn, tell
from devtools.platform import Platform

SECONDS = 3
"""Of one turn."""

NOTIFYING = "notifying"
"""The database of the service that sends, so that no other's worker takes its work."""

_blocks = count(1)


@dataclass(kw_only=True)
class Contestant:
    """`requests` makes so many, from a number on. `table` is where a row for each must appear.
    `rate` is the most a second that it has managed yet.
    """

    service: serving.Service
    requests: Callable[[int, int], Iterable[bytes]]
    database: str = "postgres"
    table: str | None = "thetis.orders"
    provider: serving.Service | None = None
    rate: float = 2_000.0


def measure(at: Platform, report: Report, *, rounds: int = 3) -> None:
    report.say(f"webhooks, put by {load.GENERATOR}")
    database.copy(at, NOTIFYING)
    with _contestants(at) as contestants:
        for name in NAMES:
            _turn(at, contestants[name], connections=16)  # nothing is warm in it
        for connections in (16, 64):
            report.say(f"webhooks, {connections} connections")
            found = [
                {name: _turn(at, contestants[name], connections=connections) for name in NAMES}
                for _ in range(rounds)
            ]
            tell(report, connections, found)


@contextmanager
def _contestants(at: Platform) -> Iterator[dict[str, Contestant]]:
    old = partial(_orders, age=webhook_bodies.LAST_WEEK)
    direct = {"database_url": at.database_url}
    with ExitStack() as stack:
        enter = stack.enter_context
        provider = enter(knock.process())
        yield {
            "peer": Contestant(
                service=enter(stripe_sync.running(at)),
                requests=partial(_customers, size=webhook_bodies.size()),
                database=stripe_sync.DATABASE,
                table="stripe.customers",
            ),
            "recording": Contestant(service=enter(serving.service(direct)), requests=old),
            "notifying": Contestant(
                service=enter(serving.service(_notifying(at, provider))),
                requests=partial(_orders, age=timedelta(0)),
                database=NOTIFYING,
                provider=provider,
            ),
            "without database": Contestant(
                service=enter(
                    serving.service(direct, module="bench.without_database", arguments=())
                ),
                requests=old,
                table=None,
            ),
            "API": Contestant(
                service=enter(serving.service(enter(postgrest.serving(at)))), requests=old
            ),
        }


def _notifying(at: Platform, provider: serving.Service) -> dict[str, str]:
    return {
        "database_url": at.url("postgres", NOTIFYING),
        "knock_base_url": provider.url,
        "resend_base_url": provider.url,
    }


def _orders(amount: int, first: int, *, age: timedelta) -> Iterator[bytes]:
    return map(webhook_bodies.request, webhook_bodies.bodies(amount, first=first, age=age))


def _customers(amount: int, first: int, *, size: int) -> Iterator[bytes]:
    return stripe_sync.requests(amount, first=first, size=size)


def _turn(at: Platform, of: Contestant, *, connections: int) -> Turn:
    """With as many requests as twice its best needs; again with more, should they not last."""
    while True:
        supply = of.requests(int(2 * of.rate * SECONDS), next(_blocks) * 1_000_000)
        try:
            turn = _measured(at, of, supply, connections)
        except load.RanOut:
            of.rate *= 2
        else:
            of.rate = max(of.rate, turn.rate)
            return turn
        finally:
            _tidy(at, of)


def _measured(at: Platform, of: Contestant, supply: Iterable[bytes], connections: int) -> Turn:
    stored, sent, used = _stored(at, of), _sent(of), _used(at, of)
    measured = load.for_seconds(
        f"{of.service.url}/", supply, connections=connections, seconds=SECONDS
    )
    service, postgres = _used(at, of)
    if of.table and _stored(at, of) - stored < measured.requests:
        raise RuntimeError(f"{of.table} has fewer rows than there were answers")
    return Turn(
        load=measured,
        service=service - used[0],
        postgres=postgres - used[1],
        sent=_sent(of) - sent,
    )


def _stored(at: Platform, of: Contestant) -> int:
    if of.table is None:
        return 0
    with psycopg.connect(at.url("supabase_admin", of.database), autocommit=True) as admin:
        row = admin.execute(f"select count(*) from {of.table}".encode()).fetchone()  # noqa: S608
    assert row is not None
    return int(row[0])


def _sent(of: Contestant) -> int:
    return knock.arrivals(of.provider).count if of.provider else 0


def _used(at: Platform, of: Contestant) -> tuple[float, float]:
    return processor.of(of.service.process.pid), processor.of_postgres(at)


def _tidy(at: Platform, of: Contestant) -> None:
    """Whatever Postgres, or a worker, still has to do must not be done in the next turn."""
    if of.provider:
        database.settle_notifications(at, of.database)
        return
    with psycopg.connect(at.url("supabase_admin", of.database), autocommit=True) as admin:
        database.settle(admin)
