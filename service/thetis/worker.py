"""Sends the notifications that are due: wait, claim, send, settle, for each provider by itself.

Where a provider limits the rate, the wait comes before the claim: what is claimed goes out at once,
or within a second of it, so no lease ends while a notification waits for its turn, and a second
worker can take what this one has no room for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from thetis.database import Database
from thetis.errors import DatabaseError, PermanentFailure, TemporaryFailure
from thetis.logs import where
from thetis.metrics import Metrics
from thetis.model import Notification, Settlement
from thetis.providers import Sender
from thetis.supervision import as_error

BATCH = 10
"""Notifications claimed, and sent concurrently, at a time."""

HOLD = 1.0
"""Seconds within which the sends of a batch begin, when the provider limits the rate. A worker that
is told to stop needs them too."""

PAUSE = 0.02
"""Seconds after a look that found nothing. Each webhook wakes the loops; a stream of those that
enqueue nothing must not keep the database busy with being asked.

    Tried: when to pause            from a webhook's 200 to Knock, median
    after every look                18 ms
    after a look in vain             3 ms
"""

log = structlog.get_logger()


class Worker:
    """One loop for each sender, so that one provider's trouble does not hold the other up.

    Any number of workers may run: a claimed notification is leased to one of them. If one dies, its
    notifications are due again when the lease ends, and go out with the same idempotency key.
    """

    def __init__(
        self,
        database: Database,
        senders: Sequence[Sender],
        metrics: Metrics,
        *,
        lease_seconds: int,
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._senders = senders
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        # A lease is at least twice as long as a send, so the other half is left for beginning it.
        self._hold = min(HOLD, lease_seconds / 2)
        self._poll_seconds = poll_seconds
        self._wakes = {sender.provider: asyncio.Event() for sender in senders}
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Something may be due: look now rather than at the next poll."""
        for event in self._wakes.values():
            event.set()

    def stop(self) -> None:
        """Let `run` return once what is claimed is settled."""
        self._stopping.set()
        self.wake()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            for sender in self._senders:
                loops.create_task(as_error(self._loop(sender)))

    async def close(self) -> None:
        for sender in self._senders:
            await sender.close()

    async def _loop(self, sender: Sender) -> None:
        wake = self._wakes[sender.provider]
        while not self._stopping.is_set():
            wake.clear()
            room = await self._room(sender)
            claimed = await self._round(sender, room) if room else 0
            if claimed < room and not self._stopping.is_set():
                await self._rest(wake, pause=0 if claimed else PAUSE)

    async def _room(self, sender: Sender) -> int:
        """Wait until the provider may be asked; how many to claim, 0 when told to stop."""
        if seconds := sender.wait():
            await _wait_for(self._stopping, seconds)
        room = sender.room(self._hold)
        return 0 if self._stopping.is_set() else min(BATCH, BATCH if room is None else room)

    async def _rest(self, wake: asyncio.Event, pause: float) -> None:
        await asyncio.sleep(pause)
        await _wait_for(wake, self._poll_seconds)

    async def _round(self, sender: Sender, room: int) -> int:
        """How many notifications were claimed."""
        try:
            claimed = await self._database.claim_notifications(
                provider=sender.provider, max_count=room, lease_seconds=self._lease_seconds
            )
            if claimed:
                sent = await asyncio.gather(*(self._send(sender, each) for each in claimed))
                await self._database.settle_notifications(sent)
            return len(claimed)
        except DatabaseError as error:
            log.error(
                "worker.database_failed",
                provider=sender.provider,
                error=type(error).__name__,
                code=error.code,
            )
        except Exception as error:
            # A fault of ours. What was claimed is due again when its lease ends.
            log.error(
                "worker.failed",
                provider=sender.provider,
                error=type(error).__name__,
                where=where(error),
            )
        return 0

    async def _send(self, sender: Sender, notification: Notification) -> Settlement:
        settlement = await self._attempt(sender, notification)
        self._metrics.notifications.labels(notification.kind, settlement.result).inc()
        report = log.info if settlement.result == "sent" else log.warning
        report(
            "notification.settled",
            kind=notification.kind,
            notification_id=notification.id,
            order_id=notification.shopify_order_id,
            attempt=notification.attempt,
            result=settlement.result,
            reason=settlement.error,
        )
        return settlement

    async def _attempt(self, sender: Sender, notification: Notification) -> Settlement:
        settle = partial(Settlement, id=notification.id, attempt=notification.attempt)
        try:
            await sender.send(notification)
        except TemporaryFailure as failure:
            return settle(
                result="retry",
                error=_storable(failure.reason),
                retry_after_seconds=failure.retry_after,
                is_refused=failure.is_refused,
            )
        except PermanentFailure as failure:
            return settle(result="dead", error=_storable(failure.reason), is_refused=True)
        except Exception as error:
            # A fault of ours, perhaps mended by the next release; it must not stop the others.
            log.error(
                "notification.failed",
                notification_id=notification.id,
                error=type(error).__name__,
                where=where(error),
            )
            return settle(result="retry", error=f"internal: {type(error).__name__}")
        return settle(result="sent")


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _storable(words: str) -> str:
    """A provider may say what Postgres cannot hold; that must not unsettle the whole batch."""
    return "".join(letter if letter.isprintable() else " " for letter in words)
