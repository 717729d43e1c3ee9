"""A Knock (and Resend) that costs next to nothing, and notes when each request came from whom: in a
thread, or, with `python -m bench.knock`, as a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import click
import httpx
import uvloop

from bench import serving

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nauthorization: *Bearer (\S+)", re.IGNORECASE)


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


_TAKEN = _answer(b'{"workflow_run_id":"9a4b1f6e-0000-4000-8000-000000000000","id":"9a4b1f6e"}')


@dataclass(frozen=True)
class Received:
    """One request: when its last byte was there, on the clock of time.perf_counter."""

    at: float
    api_key: str
    is_knocks: bool
    body: bytes


@dataclass
class Knock:
    """`requests` grows in the order of arrival."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)

    def note(self, head: bytes, body: bytes) -> None:
        key = _KEY.search(head)
        self.requests.append(
            Received(
                at=time.perf_counter(),
                api_key=key[1].decode() if key else "",
                is_knocks=head.startswith(b"POST /v1/workflows/"),
                body=body,
            )
        )


@dataclass(frozen=True)
class Arrivals:
    """What has come to a process: how much, and on its clock when the first and the last."""

    count: int
    first: float
    last: float


class _Connection(asyncio.Protocol):
    """`look` answers a GET."""

    def __init__(
        self, note: Callable[[bytes, bytes], None], look: Callable[[], bytes] = bytes
    ) -> None:
        self._note = note
        self._look = look
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, blank, rest = self._data.partition(b"\r\n\r\n")
        if blank and head.startswith(b"GET "):
            self._data = b""
            self._transport.write(_answer(self._look()))
            return
        length = _LENGTH.search(head)
        if not blank or not length or len(rest) < int(length[1]):
            return
        self._data = b""
        self._note(head, rest)
        self._transport.write(_TAKEN)


@contextmanager
def running() -> Iterator[Knock]:
    """In a thread: whoever measures waits meanwhile."""
    knock, ready, stop = Knock(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(knock.note), "127.0.0.1", 0
        )
        knock.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        server.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=runner.run, args=(serve(),), daemon=True)
        thread.start()
        ready.wait()
        try:
            yield knock
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


@contextmanager
def process() -> Iterator[serving.Service]:
    """One that takes nothing from whoever measures; `arrivals` says what it has seen."""
    with serving.service({}, module="bench.knock", arguments=()) as knock:
        yield knock


def arrivals(knock: serving.Service) -> Arrivals:
    return Arrivals(**httpx.get(knock.url, trust_env=False).json())


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    times = array("d")

    def look() -> bytes:
        first, last = (times[0], times[-1]) if times else (0.0, 0.0)
        return json.dumps({"count": len(times), "first": first, "last": last}).encode()

    def note(_: bytes, __: bytes) -> None:
        times.append(time.perf_counter())

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(note, look), "127.0.0.1", port)
        await server.serve_forever()

    uvloop.run(serve())


if __name__ == "__main__":
    main()
