"""`thetis-dev run` says in one line what is missing, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from devtools.dev import requirements
from tests.support import dev as dev_support
from tests.support.dev import Dev, eventually
from tests.support.program import thetis_dev


def test_ctrl_c_stops_all_of_it(dev: Dev, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    with dev_support.running(tmp_path / "stderr", "--data-dir", str(folder)) as other:
        pids = _descendants(other.process.pid) | {_postmaster(folder)}
        assert len(pids) >= 4  # Postgres, PostgREST, Node, the service
        other.process.send_signal(signal.SIGINT)
        assert other.process.wait(timeout=dev_support.PATIENCE) == 0
    assert {pid for pid in pids if _runs(pid)} == set()
    assert "stopped" in (tmp_path / "stderr").read_text()
    assert dev.state()["products"], "another one went on"


def test_its_data_is_there_when_it_is_started_again(dev: Dev, tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path / "data"))
    with dev_support.running(tmp_path / "first", *options) as first:
        first.buy("ines@example.com", "splint")
    with dev_support.running(tmp_path / "second", *options) as second:
        addresses = [row["address"] for row in second.state()["purchases"]]
        assert "ines@example.com" in addresses
        assert second.sign_up("ines@example.com")["user"]["email"] == "ines@example.com"


def test_nothing_outlives_the_command_however_it_ends(dev: Dev, tmp_path: Path) -> None:
    """Auth, that is: Node ends when the command's end of its pipe is gone."""
    with dev_support.running(tmp_path / "stderr") as other:
        [node] = [pid for pid in _descendants(other.process.pid) if "auth.mjs" in _command(pid)]
        rest = _descendants(other.process.pid) - {node}
        postmaster = int(
            other.rows("select pg_read_file('postmaster.pid') as it")[0]["it"].split()[0]
        )
        other.process.kill()
        eventually("end of Auth", lambda: not _runs(node))
        for pid in rest | {postmaster}:
            os.kill(pid, signal.SIGTERM)


def test_without_node_it_says_so_in_one_line(tmp_path: Path) -> None:
    run = thetis_dev("run", "--port", "0", PATH=str(tmp_path))
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == ("Error: Node is not installed: it runs Auth, and builds the course app\n")


@pytest.mark.parametrize("missing", ["LITE", "DRIVER", "VITE"])
def test_what_npm_has_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    monkeypatch.setattr(requirements, missing, tmp_path / "nowhere")
    with pytest.raises(requirements.MissingError, match="is not installed: run `npm ci"):
        requirements.check()


def test_a_port_that_is_taken_is_named(dev: Dev) -> None:
    port = dev.url.rpartition(":")[2]
    run = thetis_dev("run", "--port", port)
    assert run.returncode == 1
    assert "Address already in use; choose another with --port" in run.stderr


def _descendants(pid: int) -> set[int]:
    children = {
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    }
    return children.union(*(_descendants(child) for child in children))


def _postmaster(data_dir: Path) -> int:
    return int((data_dir / "platform/postgres/postmaster.pid").read_text().split()[0])


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def _runs(pid: int) -> bool:
    """A zombie does not: what is left of it waits for its parent alone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
