"""The processor time that programs have used so far, in seconds: what does not depend on who else
keeps the machine busy.
"""

from __future__ import annotations

import os
from pathlib import Path

from devtools.platform import Platform

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USED, _REAPED = 1, slice(11, 13), slice(13, 15)
"""Where proc(5) has them, counted from the state of the process on."""


def of(pid: int) -> float:
    """One process, all its threads."""
    return sum(map(int, _stat(pid)[_USED])) / _TICKS


def of_postgres(at: Platform) -> float:
    """The server with every process that it has or had."""
    first = int((at.data_dir / "postgres/postmaster.pid").read_text(encoding="ascii").split()[0])
    while True:  # a process that ends meanwhile would be missed, or counted twice
        before = _gone(first)
        living = sum(map(_of_living, [each for each in _all_processes() if _parent(each) == first]))
        if _gone(first) == before:
            return of(first) + before + living


def _gone(parent: int) -> float:
    """What its children used that have ended, and that it knows of."""
    return sum(map(int, _stat(parent)[_REAPED])) / _TICKS


def _of_living(pid: int) -> float:
    """Nothing of one that has ended since it was listed: the next look counts it with the gone."""
    try:
        return of(pid)
    except FileNotFoundError:
        return 0.0


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def _all_processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[_PARENT])
    except (FileNotFoundError, ProcessLookupError):
        return 0
