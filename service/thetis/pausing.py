"""When a provider refuses whatever we send, because a setting is wrong: pause, and try one."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST = 30.0
LONGEST = 900.0
"""Seconds between two tries; each wait is twice as long as the one before, up to the second."""


class Pause:
    """Whether a provider is paused, and why. While it is, one notification at a time is sent to see
    whether the setting was mended: a probe.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._interval = FIRST
        self._probe_at = 0.0
        self._is_probing = False
        self.reason: str | None = None

    def wait(self) -> float:
        """Seconds until the next probe; 0 unless paused."""
        return max(0.0, self._probe_at - self._clock()) if self.reason is not None else 0.0

    def room(self, room: int) -> int:
        """How many of so many may be claimed now."""
        if self.reason is None:
            return room
        return 0 if self._is_probing or self.wait() else min(room, 1)

    def begin(self) -> None:
        """Something is being sent."""
        self._is_probing = self.reason is not None

    def refused(self, reason: str) -> bool:
        """A setting is wrong. Whether that is news: what was under way is refused as well."""
        is_new = self.reason is None
        if is_new:
            self.reason, self._interval = reason, FIRST
        elif self._is_probing:
            # Where one setting was mended, the words are by now about the next.
            self.reason, self._interval = reason, min(2 * self._interval, LONGEST)
        else:
            return False
        self._is_probing = False
        self._probe_at = self._clock() + self._interval
        return is_new

    def accepted(self) -> bool:
        """The provider dealt with a notification. Whether that ends a pause."""
        was_paused, self.reason = self.reason is not None, None
        self._is_probing = False
        return was_paused

    def unanswered(self) -> None:
        """A probe told nothing: there was no answer, or one that is not about settings."""
        if self._is_probing:
            self._is_probing = False
            self._probe_at = self._clock() + self._interval
