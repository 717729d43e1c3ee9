"""What a connection may cost: one that stalls is closed, and gives way to others before that."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.connections import all_of, is_closed
from tests.support.service import eventually, serving
from thetis import server
from thetis.connections import HEADER_BYTES, HEADERS, Room

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(kw_only=True)
class App:
    """Answers with the number of bytes that it got, or with as many as are asked for."""

    room: Room
    port: int = 0
    is_asked: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["path"] == "/large":
            await PlainTextResponse("x" * 1_000_000)(scope, receive, send)
            return
        if scope["path"] == "/wait":
            self.is_asked.set()
            await asyncio.to_thread(self.goes_on.wait, 30)
        body = await request.body()
        await JSONResponse({"bytes": len(body)})(scope, receive, send)

    @contextmanager
    def connected(self, *, buffer: int | None = None) -> Iterator[socket.socket]:
        with socket.socket() as client:
            if buffer is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            client.settimeout(10)
            client.connect(("127.0.0.1", self.port))
            yield client


@contextmanager
def running(room: Room) -> Iterator[App]:
    app = App(room=room)
    listener = server.listen("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    app.port = listener.getsockname()[1]

    async def without_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)

    def make() -> ASGIApp:
        return without_lifespan

    with serving(make, room=room, listener=listener):
        yield app


@pytest.fixture
def patient() -> Iterator[App]:
    """It closes nothing for being slow while a test runs."""
    with running(Room(header_seconds=60)) as app:
        yield app


@pytest.fixture
def hasty() -> Iterator[App]:
    with running(Room(header_seconds=0.2)) as app:
        yield app


def _send_until_closed(connection: socket.socket, piece: bytes, most: int) -> int:
    sent = 0
    try:
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    except ConnectionError:
        pass
    return sent


def test_several_requests_may_follow_each_other_on_a_connection(patient: App) -> None:
    with patient.connected() as client:
        for number in range(1, 4):
            client.sendall(POST + b"Content-Length: %d\r\n\r\n" % number + b"x" * number)
            assert client.recv(65536).endswith(b'{"bytes":%d}' % number)


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /",
        POST + b"X-Long: ",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;extension=",
    ],
    ids=["url", "header", "trailer", "extension of a chunk"],
)
def test_what_is_not_body_has_an_end(patient: App, beginning: bytes) -> None:
    with patient.connected() as client:
        client.sendall(beginning)
        sent = _send_until_closed(client, b"x" * 10_000, most=50_000_000)
        assert HEADER_BYTES - 10_000 < sent < 10_000_000


def test_a_header_that_is_too_large_is_431(patient: App) -> None:
    with patient.connected() as client:
        client.sendall(POST + b"X-Long: " + b"x" * HEADER_BYTES)
        assert all_of(client).startswith(b"HTTP/1.1 431 ")


def test_a_header_of_too_many_lines_is_400(patient: App) -> None:
    with patient.connected() as client:
        client.sendall(POST + b"a: b\r\n" * HEADERS + b"\r\n")
        assert all_of(client).startswith(b"HTTP/1.1 400 ")


def test_a_header_that_takes_too_long_is_408_however_often_a_byte_comes(hasty: App) -> None:
    with hasty.connected() as client:
        client.sendall(POST + b"X-Slow: ")
        started = time.monotonic()
        eventually(lambda: _send_until_closed(client, b"x", most=1) == 0 or is_closed(client))
        assert time.monotonic() - started < 5


def test_a_header_that_stops_half_way_is_408(hasty: App) -> None:
    with hasty.connected() as client:
        client.sendall(POST)
        assert all_of(client).startswith(b"HTTP/1.1 408 ")


def test_who_says_nothing_is_closed(hasty: App) -> None:
    with hasty.connected() as client:
        assert all_of(client) == b""
    eventually(lambda: not hasty.room.waiting)


def test_who_does_not_read_the_answer_is_closed(hasty: App) -> None:
    with hasty.connected(buffer=2048) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: hasty.room.waiting)
        eventually(lambda: not hasty.room.waiting)
        assert len(all_of(client)) < 1_000_000


def test_a_request_that_does_not_wait_for_the_answer_to_the_last_ends_the_connection(
    patient: App,
) -> None:
    with patient.connected() as client:
        client.sendall(GET * 10_000)
        told = all_of(client)
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.count(b"HTTP/1.1") == 1
    assert b"connection: close" in told


def test_what_follows_a_request_too_early_does_not_cost_its_answer(patient: App) -> None:
    with patient.connected() as client:
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(patient.is_asked.is_set)
        client.sendall(b"x" * 2 * HEADER_BYTES)
        patient.goes_on.set()
        told = all_of(client)
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.count(b"HTTP/1.1") == 1


def test_an_upgrade_is_not_made(patient: App) -> None:
    """A connection that speaks something else would be outside of all limits."""
    with patient.connected() as client:
        client.sendall(GET[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_when_all_places_are_taken_the_connection_that_waited_longest_gives_way() -> None:
    with running(Room(connections=3, header_seconds=60)) as app, ExitStack() as opened:
        first, second, third = (opened.enter_context(app.connected()) for _ in range(3))
        eventually(lambda: len(app.room.waiting) == 3)
        with app.connected() as newcomer:
            newcomer.sendall(GET)
            assert newcomer.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert all_of(first) == b""
            assert not is_closed(second) and not is_closed(third)


def test_a_request_that_is_whole_never_gives_way() -> None:
    with running(Room(connections=2, header_seconds=60)) as app, ExitStack() as opened:
        busy = [opened.enter_context(app.connected()) for _ in range(2)]
        for each in busy:
            each.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: not app.room.waiting)
        with app.connected() as newcomer:
            assert all_of(newcomer) == b""
        app.goes_on.set()
        for each in busy:
            assert each.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_when_there_is_no_room_for_bodies_the_one_that_waited_longest_gives_way() -> None:
    with running(Room(bodies_bytes=100_000, header_seconds=60)) as app, ExitStack() as opened:
        idle, first, second = (opened.enter_context(app.connected()) for _ in range(3))
        for each in (first, second):
            each.sendall(POST + b"Content-Length: 60000\r\n\r\n" + b"x" * 59_999)
            eventually(lambda: app.room.held_bytes >= 59_999)
        assert all_of(first) == b""
        assert not is_closed(idle)
        second.sendall(b"x")
        assert second.recv(65536).endswith(b'{"bytes":60000}')
        eventually(lambda: app.room.held_bytes == 0)


def test_a_body_larger_than_all_the_room_is_cut_off() -> None:
    with running(Room(bodies_bytes=100_000)) as app:
        with app.connected() as client:
            client.sendall(POST + b"Content-Length: 9999999\r\n\r\n")
            assert _send_until_closed(client, b"x" * 10_000, most=9_000_000) < 9_000_000
        eventually(lambda: app.room.held_bytes == 0)
