"""Starts `thetis` commands as processes of their own, as production does.

For the tests, the demo and the benchmark: each brings its own settings.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 30.0
"""Seconds within which a process starts to answer, or ends after it was asked to."""

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Spares httpx the certificates, which it would read for each request."""

ROOT = Path(__file__).resolve().parents[1]


class NotReadyError(Exception):
    """A service ended, or did not answer in time."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A command that runs."""

    popen: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def logged(self, event: str) -> bool:
        return re.search(rf'"event": "{re.escape(event)}"', self.log()) is not None

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def stop(self) -> int:
        """Ask it to stop, as an orchestrator does; its exit status."""
        self.popen.terminate()
        return self.popen.wait(timeout=PATIENCE)


@contextmanager
def process(
    *command: str,
    log_file: Path,
    environment: Mapping[str, Any],
    module: str = "thetis",
    open_files: int | None = None,
) -> Iterator[Process]:
    """`thetis COMMAND ...` with these settings and nothing else from our environment.

    `module` is another one to run in the place of `thetis`; `open_files` limits how many files and
    sockets it may have open. It is killed at the end unless it was
    stopped before.
    """
    limit = f"ulimit -n {open_files} && " if open_files else ""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {name.upper(): str(value) for name, value in environment.items()}
    with (
        log_file.open("wb") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            ["/bin/sh", "-c", f'{limit}exec "$@"', "sh", sys.executable, "-m", module, *command],
            env=inherited | given,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        ) as popen,
    ):
        try:
            yield Process(popen=popen, log_file=log_file)
        finally:
            popen.kill()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_until_ready(url: str, started: Process) -> None:
    """Return once this URL is answered with success. Raises NotReadyError."""
    deadline = time.monotonic() + PATIENCE
    while started.popen.poll() is None and time.monotonic() < deadline:
        if answers(url):
            return
        time.sleep(0.01)
    raise NotReadyError(f"{url} is not answered; exit status {started.popen.poll()}")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False, verify=_NO_TLS).is_success
    except httpx.TransportError:
        return False
