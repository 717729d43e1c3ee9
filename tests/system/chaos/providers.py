"""Knock and Resend on a bad day."""

from __future__ import annotations

import random
import time
from collections import Counter

from devtools.fake_providers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    HANG,
    Answer,
    FakeProviders,
    Provider,
    ReceivedRequest,
    refusal,
)

SEND_TIMEOUT = 1.0
"""Seconds that the service waits for them."""


def _troubles(provider: Provider) -> dict[str, Answer]:
    wait = {"Retry-After": "2"}
    return {
        "500": refusal(provider, 500, "internal_server_error", "Something broke"),
        "503": refusal(provider, 503, "service_unavailable", "Not now"),
        "429 with Retry-After": refusal(provider, 429, "rate_limit_exceeded", "Slower", wait),
        "no answer": HANG,
        "an answer after we gave up": Answer(delay=SEND_TIMEOUT + 0.3),
        "cut off before accepting": DROP_BEFORE_ACCEPTING,
        "cut off after accepting": DROP_AFTER_ACCEPTING,
    }


class TroubledProviders(FakeProviders):
    """Every third request meets one of the troubles, until `recover`."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.troubles: Counter[str] = Counter()
        self.accepted_at: dict[str, float] = {}
        """By idempotency key."""
        self._chance = random.Random(seed)
        self._is_well = False

    def recover(self) -> None:
        self._is_well = True

    def take(self, request: ReceivedRequest) -> Answer:
        if not self._is_well and self._chance.random() < 1 / 3:
            name, answer = self._chance.choice([*_troubles(request.provider).items()])
            self.troubles[name] += 1
            self.answer_with(request.provider, answer)
        accepted = len(self.effects)
        answer = super().take(request)
        if len(self.effects) > accepted:
            self.accepted_at[request.idempotency_key or ""] = time.monotonic()
        return answer
