"""How fast a provider may be asked, when it says so in its answers.

A provider that limits requests per window counts those of everybody who has its key: of each of
our processes, and of whatever else sends for the same account. Nothing but the answers tells them
of each other. So each begins with the whole limit, evenly spaced, takes a smaller share when it is
told that the limit is exceeded, and slowly a larger one again. This brings processes that send at
the same time to equal shares, as TCP does with connections.

    Tried: 100 emails at 2 a second, by a simulation   seconds   requests refused
    one process                                        55        0
    two processes                                      56        5
    three processes                                    69        16
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping

MARGIN = 1.1
"""Requests that are sent evenly do not arrive evenly: this much slower, none meets a full window.
Without it, one process alone would be refused every few seconds."""

SMALLER = 0.6
"""What is left of a share after a refusal."""

SMALLEST = 0.05

GROWTH = 0.005
"""By how much of the limit a share grows in each window."""

LONGEST_PAUSE = 60.0
"""Seconds. A provider that asks for a longer pause is asked again after this one."""

_LEADING_NUMBER = re.compile(r"\s*([0-9]{1,6})\b")


class Pace:
    """When the next request may begin. `max_per_second` is a limit of our own.

    One request may begin before the first has its answer. If that tells no limit, or does not come,
    any number may begin until an answer tells one.
    """

    def __init__(
        self, *, max_per_second: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._own_spacing = 1 / max_per_second if max_per_second else 0.0
        self._has_asked = self._has_answer = False
        self._limit: int | None = None
        self._window = 1.0
        self._share, self._share_since = 1.0, clock()
        self._free_at = clock()

    def wait(self) -> float:
        """Seconds until a request may begin."""
        return max(0.0, self._free_at - self._clock())

    def room(self, within: float) -> int | None:
        """How many may begin within so many seconds, the first of them now; None: any number."""
        if not self._has_answer:
            return 0 if self._has_asked else 1
        spacing = self._spacing()
        return max(1, int(within / spacing)) if spacing else None

    async def turn(self) -> None:
        """Return when the caller's request may begin."""
        await asyncio.sleep(self.reserve())

    def reserve(self) -> float:
        """Take the next free moment; returns the seconds until then."""
        self._has_asked = True
        begin = max(self._clock(), self._free_at)
        self._free_at = begin + self._spacing()
        return begin - self._clock()

    def ended(self) -> None:
        """A request has ended, be it without an answer."""
        self._has_answer = True

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of an answer of any status; a lost answer has none.

        The names are those of the IETF's draft: how many requests a window has, and how many
        seconds are left of it, of which the most that was seen is the whole.
        """
        limit, reset = (_number(headers.get(f"ratelimit-{name}")) for name in ("limit", "reset"))
        is_new, self._has_answer = not self._has_answer, True
        self._limit = limit or self._limit
        self._window = max(self._window, min(reset or 0, LONGEST_PAUSE))
        if is_new:  # what it answers has begun without a spacing behind it
            self._free_at = max(self._free_at, self._clock() + self._spacing())

    def exceeded(self, retry_after: float | None) -> None:
        """A request was refused because there were too many."""
        now = self._clock()
        # Refusals that come together tell one thing.
        if self._share == 1.0 or now >= self._share_since + self._window:
            self._share = max(SMALLER * self._present_share(), SMALLEST)
            self._share_since = now
        pause = self._window if retry_after is None else min(retry_after, LONGEST_PAUSE)
        self._free_at = max(self._free_at, now + pause)

    def _present_share(self) -> float:
        windows = (self._clock() - self._share_since) / self._window
        return min(1.0, self._share + GROWTH * windows)

    def _spacing(self) -> float:
        if self._limit is None:
            return self._own_spacing
        spacing = MARGIN * self._window / (self._limit * self._present_share())
        return max(spacing, self._own_spacing)


def _number(header: str | None) -> int | None:
    found = _LEADING_NUMBER.match(header or "")
    return int(found[1]) if found else None
