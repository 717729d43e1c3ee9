"""One stranger who does his worst: the service stays small, and there for Shopify.

Each attack goes on for a few seconds, from loopback, on `thetis serve` with no proxy before it.
"""

from __future__ import annotations

import itertools
import resource
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from devtools.processes import Process
from tests.support import figures, soak
from tests.support.connections import is_closed
from tests.support.database import Database
from tests.support.memory import megabytes, watched
from tests.support.service import Service, serve
from tests.support.shopify import COURSE, order

pytestmark = [
    pytest.mark.timeout(120 + 3 * soak.SECONDS),
    pytest.mark.parametrize("cluster", [16], indirect=True, scope="session"),
]

KILOBYTE = 1024
POST = b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\n"
OPEN_FILES = 1024


@dataclass(frozen=True)
class Attack:
    is_at_its_height: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def attacked(database: Database, tmp_path: Path) -> Iterator[tuple[Service, Process]]:
    way = {"database_url": database.url}
    with (
        _many_files(),
        serve(way, log_file=tmp_path / "log", open_files=OPEN_FILES, poll_seconds=0.05) as started,
    ):
        yield started


@contextmanager
def _many_files() -> Iterator[None]:
    """The stranger has more than the service."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _endless_headers(service: Service, attack: Attack) -> None:
    """Of eight senders, each of whom connects again when he is cut off."""
    _at_once(8, lambda: _stream(service, POST + b"X-Long: ", attack), attack)


def _many_headers(service: Service, attack: Attack) -> None:
    """Each of them is small, and there is no end to them."""
    _at_once(8, lambda: _stream(service, POST + b"a: b\r\n" * 10_000, attack), attack)


def _pipelined(service: Service, attack: Attack) -> None:
    """Requests without a pause, whose answers nobody reads."""
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    _at_once(8, lambda: _stream(service, request * 2_000, attack), attack)


def _idle(service: Service, attack: Attack) -> None:
    """More sockets than the service may have files, half of them with a bit of a header."""
    _hold(service, attack, [b"", POST])


def _unfinished_bodies(service: Service, attack: Attack) -> None:
    """1,500 senders of 255 KiB, each without the last byte: 374 MB together."""
    size = 255 * KILOBYTE
    head = POST + b"Content-Length: %d\r\n\r\n" % size
    _hold(service, attack, [head + b"x" * (size - 1)])


def _at_once(count: int, once: Callable[[], None], attack: Attack) -> None:
    def again() -> None:
        while not attack.is_over.is_set():
            once()

    attack.is_at_its_height.set()
    threads = [threading.Thread(target=again) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _stream(service: Service, beginning: bytes, attack: Attack) -> None:
    """Until cut off, or until it is over."""
    try:
        with _connected(service) as sender:
            sender.sendall(beginning)
            while not attack.is_over.is_set():
                sender.sendall(b"x" * 64 * KILOBYTE)
    except OSError:
        pass


def _hold(service: Service, attack: Attack, beginnings: list[bytes]) -> None:
    """1,500 connections that are left open after their beginning; of those cut off, new ones."""
    held: deque[socket.socket] = deque()
    while not attack.is_over.is_set():
        if len(held) == 1_500:
            attack.is_at_its_height.set()
            oldest = held.popleft()
            if is_closed(oldest):
                oldest.close()
            else:
                held.append(oldest)
                attack.is_over.wait(0.001)
                continue
        try:
            held.append(_connected(service))
            held[-1].sendall(beginnings[len(held) % len(beginnings)])
        except OSError:
            pass
    for each in held:
        each.close()


def _connected(service: Service) -> socket.socket:
    url = httpx.URL(service.url)
    return socket.create_connection((url.host, url.port or 80), timeout=2)


@pytest.mark.parametrize(
    "kind", [_endless_headers, _many_headers, _pipelined, _idle, _unfinished_bodies]
)
def test_the_service_stays_small_and_answers(
    attacked: tuple[Service, Process],
    database: Database,
    order_id: int,
    report_figures: figures.Report,
    kind: Callable[[Service, Attack], None],
) -> None:
    service, process = attacked
    service.outcome("orders/paid", order(order_id, COURSE))
    purchases = len(database.purchases())
    before = megabytes(process)
    seconds: list[float] = []
    with watched(process) as peak, _under(kind, service) as attack:
        numbers = itertools.count(order_id * 10_000)
        for duration in (30, soak.seconds(3)):
            end = time.monotonic() + duration
            while time.monotonic() < end:
                seconds.append(_slowest_answer(service, next(numbers)))
                if duration == 30 and attack.is_at_its_height.is_set():
                    break

    shown = {
        "rounds": len(seconds),
        "slowest answer, s": round(max(seconds), 2),
        "memory before, MB": round(before),
        "most": round(peak()),
    }
    report_figures(f"one stranger: {kind.__name__}", shown)
    assert attack.is_at_its_height.is_set()
    assert peak() < before + 200
    assert max(seconds) < 3
    assert len(database.purchases()) == purchases + len(seconds)
    assert service.get("/readyz").status_code == 200


@contextmanager
def _under(kind: Callable[[Service, Attack], None], service: Service) -> Iterator[Attack]:
    attack = Attack()
    attacking = threading.Thread(target=kind, args=(service, attack))
    attacking.start()
    try:
        yield attack
    finally:
        attack.is_over.set()
        attacking.join()


def _slowest_answer(service: Service, order_id: int) -> float:
    """Of a probe and a webhook."""
    started = time.monotonic()
    assert service.get("/healthz").status_code == 200
    probed = time.monotonic()
    assert service.outcome("orders/paid", order(order_id, COURSE)) == "recorded"
    return max(probed - started, time.monotonic() - probed)
