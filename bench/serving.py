"""The real service as a process, as in production, with its own settings and nothing else."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench import webhook_bodies
from bench.database import ROOT

PATIENCE = 30.0

SETTINGS = {
    "shopify_webhook_secrets": webhook_bodies.SECRET,
    "knock_api_key": "a-key",
    "resend_api_key": "a-key",
    "knock_base_url": "http://127.0.0.1:1",
    "resend_base_url": "http://127.0.0.1:1",
    "email_from": "Courses <courses@example.com>",
    "course_app_url": "https://learn.example.com",
    "shop_name": "The shop",
    "support_email": "help@example.com",
}


@dataclass(frozen=True, kw_only=True)
class Service:
    """One that answers."""

    url: str
    process: subprocess.Popen[bytes]

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


@contextmanager
def service(
    environment: Mapping[str, Any],
    *,
    module: str = "thetis",
    arguments: tuple[str, ...] = ("serve",),
) -> Iterator[Service]:
    """`thetis serve`, once it answers; or another module that takes --port."""
    port = _free_port()
    with process(module, *arguments, "--port", str(port), environment=environment) as started:
        yield _once_it_answers(port, started)


@contextmanager
def program(*command: str, environment: Mapping[str, Any]) -> Iterator[Service]:
    """Somebody else's service, which listens on PORT, once it answers."""
    port = _free_port()
    with running(command, {**environment, "port": port}) as started:
        yield _once_it_answers(port, started)


@contextmanager
def process(
    module: str, *arguments: str, environment: Mapping[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m MODULE ARGUMENTS` with these settings of ours."""
    command = (sys.executable, "-m", module, *arguments)
    with running(command, {**SETTINGS, **environment}) as started:
        yield started


@contextmanager
def running(
    command: tuple[str, ...], environment: Mapping[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """A program with these settings. What it logs is written, as it would be, and thrown away."""
    given = {name.upper(): str(value) for name, value in environment.items()}
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    started = subprocess.Popen(  # noqa: S603 - ours, or pinned
        command,
        env=inherited | given,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=PATIENCE)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _once_it_answers(port: int, started: subprocess.Popen[bytes]) -> Service:
    url = f"http://127.0.0.1:{port}"
    wait_until_it_answers(f"{url}/healthz", started)
    return Service(url=url, process=started)


def wait_until_it_answers(url: str, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and started.poll() is None:
        try:
            answer = httpx.get(url, timeout=1, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.005)
        else:
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return
    raise RuntimeError(f"{url} does not answer")
