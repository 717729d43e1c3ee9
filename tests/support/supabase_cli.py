"""The real Supabase CLI, pointed at a database of the local platform."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.cluster import SUPABASE
from tests.support.database import Database

CLI = Path(__file__).parents[2] / "node_modules/@supabase/cli-linux-x64/bin/supabase"

MISSING = "the Supabase CLI is not there: npm is not installed, or has none for this machine"


def project(folder: Path) -> Path:
    """A folder of its own with our `supabase` folder in it, for the CLI to write beside."""
    shutil.copytree(SUPABASE, folder / "supabase")
    return folder


def run(database: Database, *command: str, workdir: Path) -> subprocess.CompletedProcess[str]:
    """`supabase COMMAND ...` against this database instead of a hosted one."""
    remote = (
        f"postgresql://postgres:x@localhost/{database.name}?host={database.platform.socket_dir}"
    )
    inherited = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return subprocess.run(
        [CLI, *command, f"--remote={remote}", f"--workdir={workdir}"],
        env={**inherited, "HOME": str(workdir), "DO_NOT_TRACK": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def output(database: Database, *command: str, workdir: Path) -> str:
    """What a command that succeeds writes."""
    ended = run(database, *command, workdir=workdir)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
