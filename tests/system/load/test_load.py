"""Many at once, with as much as they may send: the service stays small, and there for Shopify."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from devtools.processes import Process
from tests.support import figures, soak
from tests.support.database import Database
from tests.support.memory import megabytes, watched
from tests.support.service import NO_TLS, NOWHERE, Service, serve
from tests.support.shopify import COURSE, SPLINT, order
from thetis.cli import shopify_payloads

pytestmark = pytest.mark.timeout(120 + 2 * soak.SECONDS)

MEGABYTE = 2**20
LARGEST = 8 * MEGABYTE
SENDERS = 60
STALLED = 200


def test_an_order_of_ten_thousand_lines_is_recorded(
    service: Service, database: Database, order_id: int
) -> None:
    payload = order(order_id, COURSE)
    [line] = payload["line_items"]
    payload["line_items"] = [line | {"id": number} for number in range(1, 10_001)]

    assert service.outcome("orders/paid", payload) == "recorded"
    assert service.outcome("orders/paid", payload) == "unchanged"
    assert len(database.purchases(order_id)) == 10_000


def test_senders_that_stall_do_not_delay_others(service: Service, order_id: int) -> None:
    with ExitStack() as opened:
        for number in range(STALLED):
            sender = opened.enter_context(_connected(service))
            sender.sendall(_head(LARGEST)[: None if number % 2 else 20])
        for number in range(20):
            assert service.outcome("orders/paid", order(order_id + number, SPLINT)) == "recorded"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[Service, Process]]:
    """It needs no database to refuse a signature."""
    with serve({"database_url": NOWHERE}, log_file=tmp_path / "log") as started:
        yield started


def test_memory_does_not_grow_with_the_number_of_bodies(
    process: tuple[Service, Process], report_figures: figures.Report
) -> None:
    service, running = process
    answers = _send_at_once(service)
    settled = megabytes(running)
    end = time.monotonic() + soak.seconds(2)
    while time.monotonic() < end:
        answers += _send_at_once(service)
    after = megabytes(running)

    figures = {
        "answered": dict(answers),
        f"memory after {SENDERS}, MB": round(settled),
        "memory after all, MB": round(after),
    }
    report_figures(f"unsigned bodies of 8 MiB, {SENDERS} at once", figures)
    assert answers[401] and answers.keys() <= {401, "cut off"}
    assert after < settled + 100


def test_memory_does_not_grow_with_the_number_of_senders(
    process: tuple[Service, Process], report_figures: figures.Report
) -> None:
    """Each keeps the last byte to himself, so that none of the bodies is ever done with: together
    some 480 MB. All are cut off, most by the senders that come after them.
    """
    service, running = process
    idle = megabytes(running)
    with watched(running) as peak, ThreadPoolExecutor(SENDERS) as senders:
        cut_off = sum(senders.map(_hold_on, [service] * SENDERS))

    figures = {"cut off": cut_off, "memory before, MB": round(idle), "most": round(peak())}
    report_figures(f"{SENDERS} senders of 8 MiB who never finish", figures)
    assert cut_off == SENDERS
    assert peak() < idle + 250


def _send_at_once(service: Service) -> Counter[int | str]:
    """What each sender got; one that waited longest is cut off when there is no more room."""
    body = b"x" * LARGEST
    headers = shopify_payloads.headers("orders/paid", body, "a guess")
    url = f"{service.url}/webhooks/shopify"

    def send(_: int) -> int | str:
        try:
            response = httpx.post(url, content=body, headers=headers, timeout=60, verify=NO_TLS)
        except httpx.TransportError:
            return "cut off"
        return response.status_code

    with ThreadPoolExecutor(SENDERS) as senders:
        return Counter(senders.map(send, range(SENDERS)))


def _hold_on(service: Service) -> bool:
    """True when the other side hangs up."""
    with _connected(service) as sender:
        sender.settimeout(60)
        try:
            sender.sendall(_head(LARGEST) + b"x" * (LARGEST - 2))
            while sender.recv(MEGABYTE):
                pass
        except ConnectionError:
            pass
        return True


def _head(length: int) -> bytes:
    return b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nx" % length


def _connected(service: Service) -> socket.socket:
    url = httpx.URL(service.url)
    return socket.create_connection((url.host, url.port or 80), timeout=10)
