"""Sends the notifications that are due: wait, claim, send, settle, for each provider by itself.

A provider has so many slots, each of which sends one notification at a time: one that is slow does
not hold the others up. A claim takes as many as there are free slots, and what is sent in the
meantime is settled together.

Where a provider limits the rate, the wait comes before the claim: what is claimed goes out at once,
or within a second of it, so no lease ends while a notification waits for its turn, and a second
worker can take what this one has no room for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import structlog

from thetis.batching import Batcher
from thetis.database import Database
from thetis.errors import DatabaseError, PermanentFailure, TemporaryFailure, WrongSettings
from thetis.housekeeping import Housekeeping
from thetis.lanes import Lane
from thetis.logs import where
from thetis.metrics import Metrics
from thetis.model import DisputeRule, Notification, Settlement
from thetis.providers import Sender
from thetis.supervision import Chore, as_error
from thetis.waiting import is_set_within

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

COALESCE = 0.01
"""Seconds in which more slots may become free before one of them is worth a claim of its own."""

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
        concurrency: int,
        disputes: DisputeRule = "honor",
        chores: Sequence[Chore] = (),
    ) -> None:
        self._database = database
        self._lanes = [
            Lane(sender, concurrency, metrics.paused.labels(sender.provider)) for sender in senders
        ]
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        # A lease is at least twice as long as a send, so the other half is left for beginning it.
        self._hold = min(HOLD, lease_seconds / 2)
        self._poll_seconds = poll_seconds
        self._settlements: Batcher[Settlement, None] = Batcher(self._settle, max_calls=1)
        self._chores = (Housekeeping(database, disputes=disputes), *chores)
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Something may be due: look now rather than at the next poll."""
        for lane in self._lanes:
            lane.wake.set()

    def stop(self) -> None:
        """Let `run` return once what is claimed is settled."""
        self._stopping.set()
        for chore in self._chores:
            chore.stop()
        self.wake()

    def idle_seconds(self, provider: str) -> float:
        """Since this provider was last asked something, or the worker was made."""
        [lane] = [lane for lane in self._lanes if lane.sender.provider == provider]
        return time.monotonic() - lane.asked_at

    def paused(self) -> dict[str, str]:
        """The providers that refuse everything for now, and in which words."""
        return {
            lane.sender.provider: lane.pause.reason
            for lane in self._lanes
            if lane.pause.reason is not None
        }

    async def run(self) -> None:
        async with asyncio.TaskGroup() as loops:
            for chore in self._chores:
                loops.create_task(as_error(chore.run()))
            for lane in self._lanes:
                loops.create_task(as_error(self._loop(lane)))

    async def close(self) -> None:
        closing = [lane.sender.close() for lane in self._lanes]
        await asyncio.gather(*closing, *(chore.close() for chore in self._chores))

    async def _loop(self, lane: Lane) -> None:
        async with asyncio.TaskGroup() as sends:
            while not self._stopping.is_set():
                lane.wake.clear()
                room = await self._room(lane)
                is_probe = lane.pause.is_on  # by now: a pause may begin during the claim
                claimed = await self._claim(lane, room) if room else []
                if room and is_probe and not claimed:
                    lane.learn_nothing_due()
                for each in claimed:
                    lane.free -= 1
                    if is_probe:
                        lane.pause.probe()
                    sends.create_task(self._occupy(lane, each, is_probe=is_probe))
                await asyncio.sleep(0)  # each takes its turn at the provider before the next claim
                lane.is_full = not lane.free or not room
                if lane.is_full:
                    await self._rest(lane)
                elif len(claimed) < room:
                    await self._rest(lane, pause=0 if claimed else PAUSE)

    async def _room(self, lane: Lane) -> int:
        """Wait until the provider may be asked; how many to claim, 0 when told to stop."""
        if seconds := max(lane.sender.wait(), lane.pause.wait()):
            await is_set_within(self._stopping, seconds)
        if self._stopping.is_set():
            return 0
        room = lane.sender.room(self._hold)
        return lane.pause.room(min(lane.free, lane.free if room is None else room))

    async def _rest(self, lane: Lane, pause: float = 0) -> None:
        if not self._stopping.is_set():
            await asyncio.sleep(pause)
            await is_set_within(lane.wake, self._poll_seconds)

    async def _claim(self, lane: Lane, room: int) -> list[Notification]:
        try:
            return await self._database.claim_notifications(
                provider=lane.sender.provider, max_count=room, lease_seconds=self._lease_seconds
            )
        except Exception as error:
            _tell(lane, error)
            return []

    async def _occupy(self, lane: Lane, notification: Notification, *, is_probe: bool) -> None:
        """One slot, until what became of the notification is stored."""
        try:
            settlement = await self._send(lane, notification, is_probe=is_probe)
            await self._settlements.submit(settlement)
        except Exception as error:
            # What was claimed is due again when its lease ends.
            _tell(lane, error)
        finally:
            lane.asked_at = time.monotonic()
            lane.free += 1
            if lane.is_full:
                pause = 0 if lane.free >= lane.slots / 2 else COALESCE
                asyncio.get_running_loop().call_later(pause, lane.wake.set)

    async def _settle(self, settlements: Sequence[Settlement]) -> list[None]:
        await self._database.settle_notifications(settlements)
        return [None] * len(settlements)

    async def _send(self, lane: Lane, notification: Notification, *, is_probe: bool) -> Settlement:
        try:
            settlement = await self._attempt(lane.sender, notification)
            settlement = lane.learn(notification, settlement, is_probe=is_probe)
        finally:
            if is_probe:
                lane.pause.unanswered()
        self._metrics.notifications.labels(notification.kind, settlement.result).inc()
        if settlement.result == "paused":
            return settlement
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
            taken_as = await sender.send(notification)
        except TemporaryFailure as failure:
            return settle(
                result="retry",
                error=_storable(failure.reason),
                retry_after_seconds=failure.retry_after,
                is_refused=failure.is_refused,
            )
        except WrongSettings as failure:
            return settle(result="paused", error=_storable(failure.reason), is_refused=True)
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
        return settle(result="sent", provider_message_id=taken_as)


def _tell(lane: Lane, error: Exception) -> None:
    provider, kind = lane.sender.provider, type(error).__name__
    if isinstance(error, DatabaseError):
        log.error("worker.database_failed", provider=provider, error=kind, code=error.code)
    else:
        log.error("worker.failed", provider=provider, error=kind, where=where(error))


def _storable(words: str) -> str:
    """A provider may say what Postgres cannot hold; that must not unsettle the whole batch."""
    return "".join(letter if letter.isprintable() else " " for letter in words)
