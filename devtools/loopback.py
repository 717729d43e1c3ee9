"""An application of our own on loopback, in a thread, for tests and `thetis-dev`."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette


@contextmanager
def serving(app: Starlette, name: str) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; yields the base URL, without a path.

    The app finds its open connections in `app.state.connections`.
    """
    server = uvicorn.Server(
        uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None)
    )
    app.state.connections = server.server_state.connections
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio does so for sockets that it has made itself. Otherwise each answer waits 40 ms for the
    # client to acknowledge its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run, args=(loop, server, listener), name=name, daemon=True)
    thread.start()
    try:
        yield base_url
    finally:
        loop.call_soon_threadsafe(_stop, server)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, server: uvicorn.Server, listener: socket.socket) -> None:
    # All of it in the thread: whoever asks may be within a loop of its own.
    try:
        loop.run_until_complete(server.serve(sockets=[listener]))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
    for connection in list(server.server_state.connections):
        connection.transport.abort()
