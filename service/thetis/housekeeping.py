"""What has to be done from time to time, whatever happens: say of what is over that it is, see that
chargebacks count as the setting says, and drop what is not kept for ever. Any number of workers may
do it; what one does, the others find done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from thetis.database import Database
from thetis.disputes import Disputes
from thetis.errors import DatabaseError
from thetis.logs import where
from thetis.model import DisputeRule
from thetis.waiting import is_set_within

MINUTE = 60.0
DAY = 24 * 60 * MINUTE

KEPT = "1 year"
"""A Postgres interval."""

BATCH = 500
"""Rows of a kind at once: few enough for one call's time."""

log = structlog.get_logger()


class Housekeeping:
    """The first round is a minute after the start. Told to stop, it ends at the next call."""

    def __init__(
        self,
        database: Database,
        *,
        disputes: DisputeRule = "honor",
        minute: float = MINUTE,
        day: float = DAY,
    ) -> None:
        self._database = database
        self._disputes = Disputes(database)
        self._dispute_rule = disputes
        self._minute = minute
        self._day = day
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def close(self) -> None:
        """Nothing of its own is open."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as rounds:
            rounds.create_task(self._repeat("expire", self._expire, self._minute))
            rounds.create_task(self._repeat("disputes", self._apply_dispute_rule, self._minute))
            rounds.create_task(self._repeat("prune", self._prune, self._day))

    async def _repeat(
        self, name: str, batch: Callable[[], Awaitable[bool]], seconds: float
    ) -> None:
        """Batches until there is nothing left, and again so many seconds later."""
        pause = self._minute
        while not await is_set_within(self._stopping, pause):
            try:
                while not self._stopping.is_set() and await batch():
                    pass
            except DatabaseError as error:
                log.error("housekeeping.database_failed", task=name, code=error.code)
            except Exception as error:
                kind = type(error).__name__
                log.error("housekeeping.failed", task=name, error=kind, where=where(error))
            pause = seconds

    async def _expire(self) -> bool:
        """Whether there may be more."""
        return await self._database.expire_purchases(max_count=BATCH) >= BATCH

    async def _apply_dispute_rule(self) -> bool:
        """Whether there may be more."""
        changed = await self._disputes.honor_disputes(self._dispute_rule, max_count=BATCH)
        if changed:
            log.info("housekeeping.dispute_rule_applied", rule=self._dispute_rule, orders=changed)
        return changed >= BATCH

    async def _prune(self) -> bool:
        """Whether there may be more."""
        dropped = await self._database.prune(older_than=KEPT, max_count=BATCH)
        log.info("housekeeping.pruned", rows=sum(dropped.values()))
        return any(total >= BATCH for total in dropped.values())
