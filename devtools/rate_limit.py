"""The rate limit of a vendor, as Resend's was observed: windows of a second that follow each other.

Of three requests at once at a limit of two, exactly one is refused. Every answer carries the
headers, a refusal also `retry-after`: https://resend.com/docs/api-reference/rate-limit
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping


class RateLimit:
    """`limit` requests in each window of so many seconds, whoever sends them."""

    def __init__(
        self, limit: int, *, window: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._length = window
        self._clock = clock
        self._window = -1
        self._taken = 0

    def take(self) -> tuple[bool, Mapping[str, str]]:
        """Whether one more request is allowed now, and the headers that its answer carries."""
        now = self._clock()
        window = math.floor(now / self._length)
        if window != self._window:
            self._window, self._taken = window, 0
        is_allowed = self._taken < self._limit
        self._taken += is_allowed
        seconds_left = (window + 1) * self._length - now
        reset = max(1, math.ceil(seconds_left - 1e-6))
        headers = {
            "ratelimit-limit": str(self._limit),
            "ratelimit-remaining": str(self._limit - self._taken),
            "ratelimit-reset": str(reset),
        }
        return is_allowed, headers if is_allowed else {**headers, "retry-after": str(reset)}
