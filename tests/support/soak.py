"""How long the tests may go on that find more the longer they run: `make soak`."""

from __future__ import annotations

import os

SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
"""For each of the three: histories, faults, hostile input. 0 is the quick run of `make test`."""

IS_LONG = SECONDS > 0


def seconds(quick: float) -> float:
    return max(quick, SECONDS)


def times(quick: int, *, per_second: float) -> int:
    """How often to try something of which so many a second can be done."""
    return max(quick, int(SECONDS * per_second))
