"""What a worker knows of one provider."""

from __future__ import annotations

import asyncio
import time

from thetis.pausing import Pause
from thetis.providers import Sender


class Lane:
    """One provider: who sends, how many slots are free, and when it was last asked.

    `is_full`: nothing more can be claimed before one of the sends has ended.
    """

    def __init__(self, sender: Sender, slots: int) -> None:
        self.sender = sender
        self.slots = self.free = slots
        self.is_full = False
        self.pause = Pause()
        self.wake = asyncio.Event()
        self.asked_at = time.monotonic()
