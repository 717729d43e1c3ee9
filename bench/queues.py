"""The outbox beside two job queues on Postgres, which do the same posts to the same Knock."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median

import psycopg

from bench import database, knock, serving, webhook_bodies
from bench.report import Report
from devtools.platform import Platform

PATIENCE = 120.0
PEERS = database.ROOT / "bench/peers"
PROCRASTINATE = (str(PEERS / ".venv/bin/python"), str(PEERS / "procrastinate_queue.py"))
GRAPHILE = ("node", str(PEERS / "graphile_queue.cjs"))

_blocks = count(5_000)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One post to Knock for each entry. All are queued before the first is sent, so that a rate is
    one of sending. `database` is its own on the common server.
    """

    database: str
    add: Callable[[int], None]
    work: Callable[[serving.Service], AbstractContextManager[object]]


def measure(at: Platform, report: Report, *, rounds: int = 3, posts: int = 1_500) -> None:
    report.say("queues")
    queues = {
        "outbox": _outbox(at),
        "procrastinate": _peer(at, "procrastinate", PROCRASTINATE),
        "graphile-worker": _peer(at, "graphile", GRAPHILE),
    }
    found = [
        {name: _rate(at, queue, posts) for name, queue in queues.items()} for _ in range(rounds)
    ]
    for name, at_least in (("procrastinate", 3.0), ("graphile-worker", 0.0)):
        report.ratio(
            f"Notifications a second to {name}'s jobs",
            median(each["outbox"] / each[name] for each in found),
            at_least=at_least,
        )
    report.table(
        "The same posts a second to a Knock on loopback, ten at once, by one process",
        ("Round", *queues),
        [
            (number, *(f"{rate:,.0f}" for rate in each.values()))
            for number, each in enumerate(found, start=1)
        ],
    )


def _outbox(at: Platform) -> Queue:
    name = "outbox"
    database.copy(at, name)

    def work(provider: serving.Service) -> AbstractContextManager[object]:
        urls = {"knock_base_url": provider.url, "resend_base_url": provider.url}
        settings = {"database_url": at.url("postgres", name), **urls}
        return serving.process("thetis", "worker", environment=settings)

    return Queue(database=name, add=partial(_record, at, name), work=work)


def _record(at: Platform, name: str, orders: int) -> None:
    """Orders of a thing that is shipped: each notifies through Knock, and through nobody else."""
    bodies = webhook_bodies.bodies(
        orders, first=next(_blocks) * 1_000_000, products=(webhook_bodies.SHIPPED,)
    )
    database.record(at, bodies, database=name)


def _peer(at: Platform, name: str, command: tuple[str, ...]) -> Queue:
    url = at.url("postgres", name)
    with psycopg.connect(at.admin_url, autocommit=True) as admin:
        admin.execute(f"create database {name} owner postgres".encode())

    def add(jobs: int) -> None:
        with serving.running((*command, "add", str(jobs)), _settings(url)) as started:
            if started.wait(timeout=PATIENCE):
                raise RuntimeError(f"{name} did not queue the jobs")

    def work(provider: serving.Service) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return serving.running((*command, "work"), _settings(url, provider.url))

    return Queue(database=name, add=add, work=work)


def _settings(url: str, provider: str = "") -> dict[str, str]:
    return {"database_url": url, "knock_base_url": provider, "node_env": "production"}


def _rate(at: Platform, queue: Queue, posts: int) -> float:
    """Posts a second, from the first to the last."""
    queue.add(posts)
    with psycopg.connect(at.url("supabase_admin", queue.database), autocommit=True) as admin:
        database.settle(admin)
    with knock.process() as provider, queue.work(provider):
        seen = next(each for each in _looks(provider) if each.count >= posts)
        time.sleep(0.2)  # until the last are settled, too
    return (posts - 1) / (seen.last - seen.first)


def _looks(provider: serving.Service) -> Iterator[knock.Arrivals]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        yield knock.arrivals(provider)
        time.sleep(0.1)
    raise RuntimeError("the posts never came")
