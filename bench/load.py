"""Puts requests to a service: all of a list, or as many as it answers in some seconds.

For the latter there is `wrk`, a compiled program that costs little beside what it measures. Where
it is not installed, sockets driven from Python do it, which take a good part of a core.
"""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import cast
from urllib.parse import urlsplit

import uvloop

PATIENCE = 600.0
"""Seconds for all the requests of one call."""

GENERATOR = "wrk" if shutil.which("wrk") else "Python"
"""What puts the requests of `for_seconds`."""

_SCRIPT = Path(__file__).with_name("wrk.lua")


class RanOut(Exception):
    """The requests did not last as long as they should."""


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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All but `requests` in seconds. `processor` is what the load generator took of it."""

    requests: int
    seconds: float
    median: float
    p99: float
    processor: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def for_seconds(url: str, requests: Iterable[bytes], *, connections: int, seconds: int) -> Measured:
    """Put requests, each once, over so many kept-alive connections. Anything but a 2xx raises.

    Raises RanOut rather than send one twice.
    """
    return (_by_wrk if GENERATOR == "wrk" else _by_python)(url, requests, connections, seconds)


def _by_wrk(url: str, requests: Iterable[bytes], connections: int, seconds: int) -> Measured:
    with tempfile.NamedTemporaryFile() as file:
        for each in requests:
            file.write(b"%08d" % len(each))
            file.write(each)
        file.flush()
        options = ("--threads=1", f"--connections={connections}", f"--duration={seconds}")
        before = _processor_seconds(resource.RUSAGE_CHILDREN)
        done = subprocess.run(  # noqa: S603 - Debian's own program
            ["wrk", *options, f"--script={_SCRIPT}", url, file.name],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
        processor = _processor_seconds(resource.RUSAGE_CHILDREN) - before
    said = json.loads(done.stdout.splitlines()[-1])
    if said["ran_out"]:
        raise RanOut
    if said["failed"] or not said["requests"]:
        raise RuntimeError(f"the load did not go through: {said}")
    return Measured(
        requests=said["requests"],
        seconds=said["microseconds"] / 1e6,
        median=said["median"] / 1e6,
        p99=said["p99"] / 1e6,
        processor=processor,
    )


def _by_python(url: str, requests: Iterable[bytes], connections: int, seconds: int) -> Measured:
    supply, before = list(requests), _processor_seconds(resource.RUSAGE_SELF)
    end = time.perf_counter() + seconds
    run = uvloop.run(_post(url, _until(end, supply), connections))
    if len(run.latencies) == len(supply):
        raise RanOut
    return Measured(
        requests=len(run.latencies),
        seconds=run.seconds,
        median=run.median,
        p99=run.p99,
        processor=_processor_seconds(resource.RUSAGE_SELF) - before,
    )


def _until(end: float, supply: Iterable[bytes]) -> Iterator[bytes]:
    for each in supply:
        if time.perf_counter() > end:
            return
        yield each


def _processor_seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


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
        if not self._answer.startswith(b"HTTP/1.1 2"):
            self.ended.set_exception(RuntimeError(self._answer.decode()))
            self._transport.close()
            return
        self._answer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the service hung up"))


def post(url: str, requests: Sequence[bytes], *, connections: int) -> Run:
    """Send all requests over so many kept-alive connections. Anything but a 2xx raises."""
    return uvloop.run(_post(url, iter(requests), connections))


async def _post(url: str, requests: Iterator[bytes], connections: int) -> Run:
    latencies = list[float]()
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    started = time.perf_counter()
    made = [
        asyncio.get_running_loop().create_connection(
            lambda: _Connection(requests, latencies), host, port
        )
        for _ in range(connections)
    ]
    protocols = [protocol for _, protocol in await asyncio.gather(*made)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(protocol.ended for protocol in protocols))
    ended = time.perf_counter()
    return Run(seconds=ended - started, ended=ended, latencies=sorted(latencies))
