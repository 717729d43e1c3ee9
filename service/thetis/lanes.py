"""What a worker knows of one provider."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import structlog
from prometheus_client import Gauge

from thetis.model import Notification, Settlement
from thetis.pausing import Pause
from thetis.providers import Sender

log = structlog.get_logger()


class Lane:
    """One provider: who sends, how many slots are free, and when it was last asked.

    `is_full`: nothing more can be claimed before one of the sends has ended.
    """

    def __init__(self, sender: Sender, slots: int, paused: Gauge) -> None:
        self.sender = sender
        self.slots = self.free = slots
        self.is_full = False
        self.pause = Pause()
        self.wake = asyncio.Event()
        self.asked_at = time.monotonic()
        self._paused = paused
        self._paused.set(0)

    def learn(
        self, notification: Notification, settlement: Settlement, *, is_probe: bool
    ) -> Settlement:
        """Pause, or go on; and what to settle. Each pause is told once, and each end of one."""
        kind, its_id, reason = notification.kind, notification.id, settlement.error or ""
        if settlement.result == "paused":
            if self.pause.is_at_fault(kind, its_id):
                return replace(settlement, result="retry")
            if self.pause.refused(reason, kind, its_id, is_probe=is_probe):
                self._paused.set(1)
                log.error("provider.paused", provider=self.sender.provider, reason=reason)
        elif settlement.result != "retry":
            if is_probe and self.pause.accepted(kind):
                self._resumed()
            self.pause.dealt_with(kind, its_id)
        return settlement

    def learn_nothing_due(self) -> None:
        if self.pause.nothing_due():
            self._resumed()

    def _resumed(self) -> None:
        self._paused.set(0)
        log.info("provider.resumed", provider=self.sender.provider)
