"""How fast what is enqueued goes out, and how soon after the webhook."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count
from statistics import median

import httpx
import psycopg

from bench import database, load, serving, webhook_bodies
from bench.knock import Knock, running
from bench.report import Report
from devtools.platform import Platform

PATIENCE = 120.0

_blocks = count(3_000)


def measure(at: Platform, report: Report, *, orders: int = 1_500, webhooks: int = 300) -> None:
    report.say("outbox")
    with running() as knock:
        rows = [_rate(at, knock, report, workers, orders) for workers in (1, 4)]
        report.table(
            "Messages delivered to a Knock and a Resend on loopback",
            ("Workers", "per second", "least of one worker", "most of one worker"),
            rows,
        )
        _delay(at, knock, report, webhooks)


def _rate(at: Platform, knock: Knock, report: Report, workers: int, orders: int) -> tuple[str, ...]:
    """`thetis worker` processes, each with an API key of its own to know it by."""
    knock.requests.clear()
    with ExitStack() as stack:
        for number in range(workers):
            settings = _settings(at, knock) | {"knock_api_key": f"worker-{number}"}
            stack.enter_context(serving.process("thetis", "worker", environment=settings))
        _wait(lambda: _askers(at) >= workers)
        database.record(at, webhook_bodies.bodies(orders, first=next(_blocks) * 1_000_000))
        _wait(lambda: len(knock.requests) >= 2 * orders)
    seconds = knock.requests[-1].at - knock.requests[0].at
    shares = Counter(each.api_key for each in knock.requests if each.is_knocks)
    least = min(shares.values()) if len(shares) == workers else 0
    if workers > 1:
        report.ratio(
            f"Least busy of {workers} workers to an equal share",
            least * workers / orders,
            at_least=0.5,
        )
    return (
        str(workers),
        f"{len(knock.requests) / seconds:,.0f}",
        f"{least:,}",
        f"{max(shares.values()):,}",
    )


def _settings(at: Platform, knock: Knock) -> dict[str, str]:
    return {
        "database_url": at.database_url,
        "knock_base_url": knock.url,
        "resend_base_url": knock.url,
    }


def _askers(at: Platform) -> int:
    """How many processes have asked for messages by now: the workers that are up."""
    with psycopg.connect(at.admin_url, autocommit=True) as admin:
        row = admin.execute(
            "select count(distinct pid) from pg_stat_activity"
            " where query like '%claim_notifications%' and pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("it never came to hold")
        time.sleep(0.005)


def _delay(at: Platform, knock: Knock, report: Report, webhooks: int) -> None:
    """Webhooks one after the other, each once the message of the one before has come."""
    knock.requests.clear()
    with serving.service(_settings(at, knock)) as service:
        first = next(_blocks) * 1_000_000
        delays = [
            _delay_of(service.url, knock, request)
            for request in webhook_bodies.requests(webhooks, first=first)
        ][webhooks // 10 :]
    bare = _bare(knock, [each.body for each in knock.requests if each.is_knocks])
    report.ratio(
        "From a webhook's 200 to the request at Knock, to a bare request there",
        median(delays) / bare["httpx"],
        at_most=10.0,
    )
    report.table(
        "From a webhook's 200 to the request at Knock",
        ("", "median ms", "99th ms"),
        [
            ("webhook answered, message at Knock", *_milliseconds(delays)),
            *(
                (f"bare request with {name}", f"{each * 1e3:.2f}", "")
                for name, each in bare.items()
            ),
        ],
    )


def _milliseconds(delays: list[float]) -> tuple[str, str]:
    last = sorted(delays)[int(len(delays) * 0.99)]
    return f"{median(delays) * 1e3:.2f}", f"{last * 1e3:.2f}"


def _delay_of(url: str, knock: Knock, request: bytes) -> float:
    seen = len(knock.requests)
    answered = load.post(url, [request], connections=1).ended
    _wait(lambda: len(knock.requests) >= seen + 2)
    return next(each.at for each in knock.requests[seen:] if each.is_knocks) - answered


def _bare(knock: Knock, bodies: list[bytes]) -> Mapping[str, float]:
    """The median of the same requests by a program that does nothing else."""
    url = f"{knock.url}/v1/workflows/post-purchase/trigger"
    with httpx.Client(trust_env=False) as client:
        taken = []
        for body in bodies:
            started = time.perf_counter()
            client.post(url, content=body).raise_for_status()
            taken.append(time.perf_counter() - started)
    head = "POST /v1/workflows/post-purchase/trigger HTTP/1.1\r\nHost: localhost\r\n"
    raw = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    return {"httpx": median(taken), "a raw socket": load.post(knock.url, raw, connections=1).median}
