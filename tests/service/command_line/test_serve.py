"""`thetis serve` says in a line why it cannot listen, and ends with 0 when told to stop."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from devtools.processes import process
from tests.support.program import thetis
from tests.support.service import NOWHERE, eventually, serve, settings


def _environment() -> dict[str, str]:
    given = settings("http://127.0.0.1:1", database_url=NOWHERE)
    return {name.upper(): value for name, value in given.items()}


def test_a_port_in_use_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = thetis("serve", "--port", str(port), **_environment())

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: cannot listen on 127.0.0.1, port {port}: address already in use\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "not a host"])
def test_a_host_that_is_not_ours_is_told_in_a_line(host: str) -> None:
    ended = thetis("serve", "--host", host, **_environment())

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: cannot listen on {host}, port 8000: ")
    assert ended.stderr.count("\n") == 1
    assert "Errno" not in ended.stderr


def test_it_listens_on_ipv6(tmp_path: Path) -> None:
    environment = settings("http://127.0.0.1:1", database_url=NOWHERE)
    with process(
        *("serve", "--host", "::1", "--port", "0"),
        log_file=tmp_path / "log",
        environment=environment,
    ) as running:
        eventually(lambda: running.logged("service.started") or running.popen.poll() is not None)
        assert running.stop() == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_when_told_to_stop(tmp_path: Path, signum: signal.Signals) -> None:
    with serve({"database_url": NOWHERE}, log_file=tmp_path / "log") as (_, running):
        running.popen.send_signal(signum)
        assert running.popen.wait(timeout=20) == 0
        assert running.logged("service.stopped")
        assert "Traceback" not in running.log()
