"""The clock is compared with those of others, which tell theirs with every answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from thetis.doctor import asking
from thetis.doctor.checks import Verdict
from thetis.doctor.clock import ahead_of, skew


@contextmanager
def server(seconds: float) -> Iterator[str]:
    """One whose clock is so far ahead."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return super().date_time_string(int(time.time() + seconds))

        def log_message(self, *_: object) -> None:
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}"
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


def measured(url: str) -> float | None:
    async def ask() -> float | None:
        async with asking.client() as http:
            return await ahead_of(http, url)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("seconds", "verdict", "words"),
    [
        (0, Verdict.PASS, "this machine and there agree"),
        (20, Verdict.WARN, "behind there"),
        (-20, Verdict.WARN, "ahead of there"),
        (600, Verdict.FAIL, "will be refused"),
    ],
)
def test_what_is_far_off_is_told(seconds: float, verdict: Verdict, words: str) -> None:
    with server(seconds) as url:
        ahead = measured(url)

    assert ahead is not None
    assert abs(ahead + seconds) <= 2
    finding = skew(ahead, "there")
    assert finding.verdict is verdict
    assert words in finding.words


def test_who_does_not_answer_tells_no_time() -> None:
    with server(0) as url:
        pass
    assert measured(url) is None
