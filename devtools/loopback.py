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
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with asyncio.Runner() as runner:
        loop, serve = runner.get_loop(), server.serve(sockets=[listener])
        thread = threading.Thread(target=runner.run, args=(serve,), name=name, daemon=True)
        thread.start()
        try:
            yield base_url
        finally:
            loop.call_soon_threadsafe(_stop, server)
            thread.join()


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
    for connection in list(server.server_state.connections):
        connection.transport.abort()
