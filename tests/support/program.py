"""`thetis` and `thetis-dev` as processes, with no environment but what the test says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(**settings: str) -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | settings


def thetis(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end."""
    return _run("thetis", arguments, settings)


def thetis_dev(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return _run("devtools", arguments, settings)


def _run(
    module: str, arguments: tuple[str, ...], settings: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
