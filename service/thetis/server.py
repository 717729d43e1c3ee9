"""Starts the HTTP server and stops it: sockets, limits of the process, signals."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from thetis.connections import CONNECTIONS, Connection, Room

BACKLOG = 100
"""Connections that the kernel keeps until we accept them."""

SPARE_FILES = 256
"""What connections leave of the files that the process may have open: for the database, for the
providers, and for a backlog of connections that is accepted before they can be counted.
"""

GRACE_SECONDS = 30
"""How long a service that is told to stop goes on with what it has begun."""


def listen(host: str, port: int) -> socket.socket:
    """Raises OSError; `reason` says it in words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def reason(error: OSError) -> str:
    """Python's own words carry numbers, and an address as a tuple."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return str(error.strerror or error).lower()
    return os.strerror(error.errno).lower()


def server(
    app: Callable[[], ASGIApp], *, room: Room | None = None, grace_seconds: int = GRACE_SECONDS
) -> uvicorn.Server:
    """A server for an app that is made once the event loop runs."""
    protocol: Any = partial(Connection, room=room or Room(connections=_connections()))
    config = uvicorn.Config(
        app,
        factory=True,
        http=protocol,
        ws="none",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )
    return uvicorn.Server(config)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop that the server runs on, for a process that serves nothing."""
    return uvicorn.Config("").get_loop_factory()


def _connections() -> int:
    """As many as the process may have files for, after asking for more where that is allowed."""
    wanted = CONNECTIONS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return CONNECTIONS
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files // 2, files - SPARE_FILES)


def run(app: Callable[[], ASGIApp], listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; what has begun then is finished."""
    it = server(app)
    for signum in (signal.SIGTERM, signal.SIGINT):
        # Once it has stopped, uvicorn raises the signal again: that must not kill us with it.
        signal.signal(signum, it.handle_exit)
    it.run(sockets=[listener])
