"""A load generator that costs little beside what it measures: raw sockets, nothing parsed twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import cast
from urllib.parse import urlsplit

import uvloop

PATIENCE = 600.0
"""Seconds for all the requests of one call."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """`seconds` for all of them; `latencies` of each, in seconds, sorted. `ended`, on the clock of
    time.perf_counter, when the last was answered.
    """

    seconds: float
    ended: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        return median(self.latencies)

    @property
    def p99(self) -> float:
        return self.latencies[int(len(self.latencies) * 0.99)]


class _Connection(asyncio.Protocol):
    """Sends one request after another until there are none left."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._answer = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self.ended.set_result(None)
            return
        self._started = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer.endswith(b"}"):  # every answer of the service is a JSON object
            return
        self._latencies.append(time.perf_counter() - self._started)
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self.ended.set_exception(RuntimeError(self._answer.decode()))
            self._transport.close()
            return
        self._answer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the service hung up"))


def post(url: str, requests: Sequence[bytes], *, connections: int) -> Run:
    """Send all requests over so many kept-alive connections. Anything but a 200 raises."""
    return uvloop.run(_post(url, requests, connections))


async def _post(url: str, requests: Sequence[bytes], connections: int) -> Run:
    waiting, latencies = iter(requests), list[float]()
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    started = time.perf_counter()
    made = [
        asyncio.get_running_loop().create_connection(
            lambda: _Connection(waiting, latencies), host, port
        )
        for _ in range(connections)
    ]
    protocols = [protocol for _, protocol in await asyncio.gather(*made)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(protocol.ended for protocol in protocols))
    ended = time.perf_counter()
    return Run(seconds=ended - started, ended=ended, latencies=sorted(latencies))
