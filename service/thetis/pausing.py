"""When a provider refuses whatever we send, because a setting is wrong: pause, and try one."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST = 30.0
LONGEST = 900.0
"""Seconds between two tries; each wait is twice as long as the one before, up to the second."""


class Pause:
    """Whether a provider is paused, and why. While it is, one notification at a time is sent to see
    whether the setting was mended: a probe. Only probes tell; what else was under way when the
    pause began may have been accepted before the setting was wrong.

    A notification that is refused again, after others of its kind were accepted, is a suspect: the
    fault is its own, unless a second one is refused before another is accepted.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._interval = FIRST
        self._probe_at = 0.0
        self._is_probing = False
        self._refused: dict[str, set[str]] = {}  # by kind, the ids of what was refused
        self._suspects: set[str] = set()
        self._refused_alone: dict[str, str] = {}  # by kind, since the last that was accepted
        self._is_doubtful = False
        self.reason: str | None = None

    @property
    def is_on(self) -> bool:
        return self.reason is not None

    def wait(self) -> float:
        """Seconds until the next probe; 0 unless paused."""
        return max(0.0, self._probe_at - self._clock()) if self.is_on else 0.0

    def room(self, room: int) -> int:
        """How many of so many may be claimed now."""
        if not self.is_on:
            return room
        return 0 if self._is_probing or self.wait() else min(room, 1)

    def probe(self) -> None:
        """A probe is being sent."""
        self._is_probing = True

    def is_at_fault(self, kind: str, notification_id: str) -> bool:
        """Whether it was refused for a fault of its own, so that nothing has to pause."""
        if self.is_on or notification_id not in self._suspects:
            return False
        return self._refused_alone.setdefault(kind, notification_id) == notification_id

    def refused(self, reason: str, kind: str, notification_id: str, *, is_probe: bool) -> bool:
        """A setting is wrong. Whether that is news: what was under way is refused as well."""
        is_new = not self.is_on
        if is_new:
            self._interval, self._refused = FIRST, {}
        self._refused.setdefault(kind, set()).add(notification_id)
        if is_probe:
            self._interval = min(2 * self._interval, LONGEST)
        elif not is_new:
            return False
        # Where one setting was mended, the words are by now about the next.
        self.reason = reason
        self._is_doubtful = False
        self._next_in(self._interval)
        return is_new

    def dealt_with(self, kind: str, notification_id: str) -> None:
        """The provider accepted one, or refused it for a reason that tells of no setting."""
        self._suspects.discard(notification_id)
        self._refused_alone.pop(kind, None)

    def accepted(self, kind: str) -> bool:
        """The provider dealt with a probe. Whether that ends the pause: a workflow that is missing
        refuses one kind alone, and what it refused has to be tried, now rather than later.
        """
        self._is_doubtful = True
        self._next_in(0)
        if kind not in self._refused:
            return False
        self._suspects |= self._refused[kind]
        return self._end()

    def nothing_due(self) -> bool:
        """There was nothing to probe with. Whether that ends the pause: it does when all that was
        sent since the last refusal was accepted.
        """
        return self._is_doubtful and self._end()

    def unanswered(self) -> None:
        """A probe is over. If it told nothing, by what it was answered or since it was cut off,
        another follows.
        """
        if self._is_probing:
            self._next_in(self._interval)

    def _next_in(self, seconds: float) -> None:
        self._is_probing = False
        self._probe_at = self._clock() + seconds

    def _end(self) -> bool:
        self.reason, self._is_doubtful = None, False
        return True
