"""How many webhooks a second, beside what Postgres and Python could do by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median

from bench import load, pgbench, postgrest, serving, webhook_bodies
from bench.report import Report
from devtools.platform import Platform

WARM_UP = 500

_blocks = count(1)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One after the other, so that a busy moment of the machine touches all of them alike."""

    pgbench: float
    direct: load.Run
    without_database: load.Run
    through_api: load.Run


def measure(at: Platform, report: Report, *, rounds: int = 3, size: int = 4_000) -> None:
    with _services(at) as services:
        for each in services.values():
            _post(each, WARM_UP, connections=16)
        for connections in (16, 64):
            report.say(f"webhooks, {connections} connections")
            found = [_round(at, services, connections, size) for _ in range(rounds)]
            _tell(report, connections, found)


@contextmanager
def _services(at: Platform) -> Iterator[Mapping[str, serving.Service]]:
    direct = {"database_url": at.database_url}
    with ExitStack() as stack:
        api = stack.enter_context(postgrest.serving(at))
        yield {
            "direct": stack.enter_context(serving.service(direct)),
            "without_database": stack.enter_context(
                serving.service(direct, module="bench.without_database", arguments=())
            ),
            "through_api": stack.enter_context(serving.service(api)),
        }


def _round(
    at: Platform, services: Mapping[str, serving.Service], connections: int, size: int
) -> Round:
    transactions = pgbench.record_orders(
        at, age=webhook_bodies.LAST_WEEK, clients=connections, seconds=3
    )
    runs = {name: _post(each, size, connections=connections) for name, each in services.items()}
    return Round(pgbench=transactions, **runs)


def _post(service: serving.Service, size: int, *, connections: int) -> load.Run:
    first = next(_blocks) * 1_000_000
    requests = webhook_bodies.requests(size, first=first, age=webhook_bodies.LAST_WEEK)
    return load.post(service.url, requests, connections=connections)


def _tell(report: Report, connections: int, rounds: list[Round]) -> None:
    at = f"at {connections} connections"
    report.ratio(
        f"Webhooks/s to pgbench's transactions/s {at}",
        median(each.direct.rate / each.pgbench for each in rounds),
        at_least=0.5 if connections == 16 else 0.8,
    )
    report.ratio(
        f"Webhooks/s to the same without the database call {at}",
        median(each.direct.rate / each.without_database.rate for each in rounds),
        at_least=0.7,
    )
    report.ratio(
        f"99th percentile to the median {at}",
        median(each.direct.p99 / each.direct.median for each in rounds),
        at_most=6.0 if connections == 16 else 0.0,
    )
    report.ratio(
        f"Through the Supabase API to the direct connection {at}",
        median(each.through_api.rate / each.direct.rate for each in rounds),
        at_least=0.5,
    )
    report.table(
        f"Webhooks {at}",
        ("Round", "per second", "median ms", "99th ms", "pgbench tps", "without database", "API"),
        [
            (
                number,
                f"{each.direct.rate:,.0f}",
                f"{each.direct.median * 1e3:.1f}",
                f"{each.direct.p99 * 1e3:.1f}",
                f"{each.pgbench:,.0f}",
                f"{each.without_database.rate:,.0f}",
                f"{each.through_api.rate:,.0f}",
            )
            for number, each in enumerate(rounds, start=1)
        ],
    )
