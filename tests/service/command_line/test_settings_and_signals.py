"""A command that cannot start says which setting is at fault; one that runs ends when told to."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.program import ROOT, environment, thetis, thetis_dev
from tests.support.service import eventually


@pytest.mark.parametrize("command", [("serve",), ("worker",)])
def test_without_settings_it_exits_with_2_and_names_them(command: tuple[str, ...]) -> None:
    ended = thetis(*command)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "KNOCK_API_KEY" in ended.stderr and "RESEND_API_KEY" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_products_without_a_database_exits_with_2() -> None:
    ended = thetis("products", "list")

    assert ended.returncode == 2
    assert "DATABASE_URL" in ended.stderr and "SUPABASE_URL" in ended.stderr


def test_a_database_that_is_not_there_is_told_in_a_line() -> None:
    ended = thetis("products", "list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere")

    assert ended.returncode == 1
    assert ended.stderr == (
        "Error: the database at 127.0.0.1:1 cannot be used: Connection refused\n"
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("orders/paid", "--url", "http://127.0.0.1:1"), 1, "does not answer"),
        (("orders/paid", "--url", "http://["), 1, "does not answer"),
        (("orders/paid", "--url", "127.0.0.1:1"), 2, "must begin with http:// or https://"),
        (("orders/paid", "--url", "http://127.0.0.1:1", "--product", "sandals"), 2, "sandals"),
        (("refunds/create", "--url", "http://127.0.0.1:1"), 2, "needs --order-id"),
        (("orders/eaten", "--url", "http://127.0.0.1:1"), 2, "orders/eaten"),
    ],
)
def test_what_cannot_be_simulated_is_told(
    arguments: tuple[str, ...], status: int, words: str
) -> None:
    ended = thetis("simulate", *arguments, "--secret", "a-secret")

    assert ended.returncode == status
    assert words in ended.stderr and "Traceback" not in ended.stderr


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`thetis dev`, and the file that it writes to."""
    output = tmp_path / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "devtools",
                "run",
                "--port",
                "0",
                "--data-dir",
                tmp_path / "dev",
            ],
            cwd=ROOT,
            env=environment(PYTHONUNBUFFERED="1"),
            stdout=file,
            stderr=file,
        ) as process,
    ):
        try:
            yield process, output
        finally:
            process.kill()
            thetis_dev("stop", "--data-dir", str(tmp_path / "dev"))


def test_ctrl_c_stops_all_that_dev_started(dev: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, output = dev
    eventually(
        lambda: "Ctrl-C stops everything" in output.read_text() or process.poll() is not None,
        patience=60,
    )
    found = re.search(r"^DATABASE_URL=(\S+)$", output.read_text(), re.MULTILINE)
    assert found is not None, output.read_text()
    psycopg.connect(found[1]).close()

    process.send_signal(signal.SIGINT)

    process.wait(timeout=30)
    log = re.search(r"the service logs to (\S+)$", output.read_text(), re.MULTILINE)
    assert log is not None and "service.stopped" in Path(log[1]).read_text()
    assert "Traceback" not in output.read_text()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(found[1])
