"""`thetis worker --port` can be watched; without it nothing listens."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.fake_providers import FakeProviders
from devtools.fake_providers import running as running_fake_providers
from devtools.processes import Process, free_port, process
from tests.support.database import Database
from tests.support.program import thetis
from tests.support.service import NO_TLS, NOWHERE, eventually, settings
from tests.support.shopify import COURSE, order


@contextmanager
def watched(log_file: Path, *options: str, **changes: Any) -> Iterator[tuple[str, Process]]:
    """A worker that answers, and where."""
    port = str(free_port())
    environment = settings("http://127.0.0.1:1", **{"database_url": NOWHERE, **changes})
    with process(
        *("worker", "--port", port, *options), log_file=log_file, environment=environment
    ) as running:
        host = options[1] if options else "127.0.0.1"
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        eventually(lambda: _status(url, "/healthz") == 200 or running.popen.poll() is not None)
        assert running.popen.poll() is None, running.log()
        yield url, running


def _get(url: str, path: str) -> httpx.Response:
    return httpx.get(f"{url}{path}", verify=NO_TLS, timeout=10)


def _status(url: str, path: str) -> int | None:
    try:
        return _get(url, path).status_code
    except httpx.TransportError:
        return None


def test_it_is_healthy_while_the_database_does_not_answer(tmp_path: Path) -> None:
    with watched(tmp_path / "log") as (url, _):
        assert _get(url, "/healthz").json() == {"status": "ok"}
        metrics = _get(url, "/metrics")

    assert metrics.status_code == 200
    assert "thetis_address_conflicts NaN" in metrics.text
    assert "thetis_privacy_requests_open NaN" in metrics.text


def test_it_sends_and_counts_what_it_sends(database: Database, tmp_path: Path) -> None:
    fake_providers = FakeProviders()
    with (
        running_fake_providers(fake_providers) as providers,
        watched(
            tmp_path / "log",
            database_url=database.url,
            knock_base_url=providers,
            resend_base_url=providers,
            poll_seconds=0.05,
        ) as (url, running),
    ):
        database.record_orders(order(1, COURSE))
        sent = 'thetis_notifications_total{kind="course_access",result="sent"} 1.0'
        eventually(lambda: sent in _get(url, "/metrics").text)
        # What was sent is counted first and settled then.
        settled = 'thetis_notifications_pending{provider="resend"} 0.0'
        eventually(lambda: settled in _get(url, "/metrics").text)
        assert running.stop() == 0
    assert len(fake_providers.effects) == 2


@pytest.mark.parametrize("path", ["/webhooks/shopify", "/webhooks/resend", "/readyz", "/"])
def test_it_answers_nothing_else(tmp_path: Path, path: str) -> None:
    with watched(tmp_path / "log") as (url, _):
        assert httpx.post(f"{url}{path}", content=b"{}", verify=NO_TLS).status_code == 404
        assert _status(url, path) == 404


def test_it_listens_on_loopback_unless_told_otherwise(tmp_path: Path) -> None:
    with watched(tmp_path / "log") as (url, running):
        assert _listening(running) == {f"127.0.0.1:{url.rpartition(':')[2]}"}
    with watched(tmp_path / "other", "--host", "0.0.0.0") as (url, running):
        assert _listening(running) == {f"0.0.0.0:{url.rpartition(':')[2]}"}


def test_without_a_port_nothing_listens(tmp_path: Path) -> None:
    environment = settings("http://127.0.0.1:1", database_url=NOWHERE, database_timeout_seconds=0.3)
    with process("worker", log_file=tmp_path / "log", environment=environment) as running:
        eventually(lambda: running.logged("worker.database_failed"))
        assert _listening(running) == set()


def _listening(running: Process) -> set[str]:
    """The addresses on which the process accepts connections."""
    inodes = set()
    for each in Path(f"/proc/{running.popen.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(str(each.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for line in Path(f"/proc/{running.popen.pid}/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if state == "0A" and rest[5] in inodes:  # LISTEN
            address, _, port = local.partition(":")
            host = socket.inet_ntoa(bytes.fromhex(address)[::-1])
            found.add(f"{host}:{int(port, 16)}")
    return found


def test_a_host_without_a_port_is_refused() -> None:
    ended = thetis("worker", "--host", "0.0.0.0")

    assert ended.returncode == 2
    assert "--host needs --port" in ended.stderr


def test_a_port_in_use_is_told_in_a_line() -> None:
    environment = {
        name.upper(): value
        for name, value in settings("http://127.0.0.1:1", database_url=NOWHERE).items()
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = thetis("worker", "--port", str(port), **environment)

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: cannot listen on 127.0.0.1, port {port}: address already in use\n"
    )


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_when_told_to_stop(tmp_path: Path, signum: signal.Signals) -> None:
    with watched(tmp_path / "log") as (_, running):
        running.popen.send_signal(signum)
        assert running.popen.wait(timeout=20) == 0
        assert "Traceback" not in running.log()
