"""Connections of strangers: uvicorn's, with limits on what one can make the service hold.

Anybody may connect, and proves to be Shopify only with the last byte of a body. So what is not a
whole request yet has little time and little room, and when the room for all of them is full, the
connection that has kept us waiting longest gives way. A request of Shopify's is whole within
milliseconds; whoever stalls has waited longer.

Tried, with an app that reads 2.3 kB and answers; µs of processor time a request:
    uvicorn, httptools   51-67    can be subclassed, as here
    uvicorn, zttp        60-73    no faster, and very young
    granian, embedded    69-191   no limit on connections, nor on all bodies together
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_BYTES = 32 * 1024
"""For a request line with its headers, and for what follows them and is not body."""

HEADERS = 100

HEADER_SECONDS = 10.0
"""From a new connection, or from the last answer, to a whole header: how long it may be idle."""

REQUEST_SECONDS = 60.0
"""From there to the answer. The routes have shorter limits of their own."""

CONNECTIONS = 1000

BODIES_BYTES = 64 * 1024 * 1024
"""For the bodies of all requests that are not answered yet."""


@dataclass(kw_only=True)
class Room:
    """What all connections share."""

    connections: int = CONNECTIONS
    bodies_bytes: int = BODIES_BYTES
    header_seconds: float = HEADER_SECONDS
    held_bytes: int = 0
    waiting: dict[Connection, None] = field(default_factory=dict)
    """Those whose request is not whole; the one that has kept us waiting longest is the first."""

    def make_for_a_connection(self) -> None:
        next(iter(self.waiting)).give_way()

    def make_for_bodies(self) -> None:
        while self.held_bytes > self.bodies_bytes:
            first = next((each for each in self.waiting if each.held_bytes), None)
            if first is None:
                return
            first.give_way()


class Connection(HttpToolsProtocol):
    """One connection. It may stay in each of its states only for so long."""

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held_bytes = 0
        self._room = room
        self._bytes_without_progress = 0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self._room.header_seconds)
        self._check_deadline()
        if len(self.connections) > self._room.connections:
            self._room.make_for_a_connection()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._room.waiting.pop(self, None)
        self._release_body()
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._bytes_without_progress += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self._is_being_answered():
            return
        if self._bytes_without_progress > HEADER_BYTES or len(self.headers or ()) > HEADERS:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the header is too large")

    # What the parser calls. An exception means: this is not HTTP as we take it.

    def on_message_begin(self) -> None:
        if self._is_being_answered():
            raise ValueError("pipelining: each request would be held until those before are done")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.headers) > HEADERS:
            raise ValueError("too many headers")
        super().on_headers_complete()
        self._bytes_without_progress = 0
        self._wait(REQUEST_SECONDS)

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._bytes_without_progress = 0
        if not self.cycle.response_complete:
            self.held_bytes += len(body)
            self._room.held_bytes += len(body)
            self._room.make_for_bodies()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._bytes_without_progress = 0
        if not self.cycle.response_complete:
            self._room.waiting.pop(self, None)

    # What uvicorn calls

    def on_response_complete(self) -> None:
        # Without uvicorn's own part: it starts a timer, which we have, and the next of pipelined
        # requests, which we do not take.
        if not self.transport.is_closing():
            self.flow.resume_reading()
        self._release_body()
        self._wait(self._room.header_seconds)

    def send_400_response(self, msg: str) -> None:
        if not self._is_being_answered():
            super().send_400_response(msg)
            return
        # The request before it was good and gets its answer, as the last on this connection.
        self.cycle.keep_alive = False
        self.flow.pause_reading()

    def give_way(self) -> None:
        self._room.waiting.pop(self, None)
        self._release_body()
        self._count_closed("crowded")
        self.transport.abort()

    def _is_being_answered(self) -> bool:
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _wait(self, seconds: float) -> None:
        """Begin to wait for bytes, after all others; whatever comes of it, for so long only."""
        waiting = self._room.waiting
        waiting.pop(self, None)
        waiting[self] = None
        self._deadline = self.loop.time() + seconds

    def _check_deadline(self) -> None:
        # One timer that looks now and then costs less than two for each request.
        seconds = self._deadline - self.loop.time()
        if seconds <= 0:
            self._give_up()
        seconds = min(max(seconds, 0.01), self._room.header_seconds)
        self._timer = self.loop.call_later(seconds, self._check_deadline)

    def _give_up(self) -> None:
        is_new = self.cycle is None or self.cycle.response_complete
        if is_new and self._bytes_without_progress and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the header took too long")
            return
        if not is_new:
            self._count_closed("slow")
        self.transport.abort()  # a close would wait for ever for one that does not read

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._count_closed("slow" if status == HTTPStatus.REQUEST_TIMEOUT else "header_too_large")
        body = json.dumps({"error": words}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._wait(self._room.header_seconds)

    def _release_body(self) -> None:
        self._room.held_bytes -= self.held_bytes
        self.held_bytes = 0

    def _count_closed(self, reason: str) -> None:
        """The lifespan of the app says whom to tell."""
        if count := self.app_state.get("count_closed"):
            count(reason)
