"""Compares orders with Shopify's from time to time: webhooks are not guaranteed, and Shopify itself
says to do this. https://shopify.dev/docs/apps/build/webhooks/verify-deliveries

Any number of workers may do it; what one has done lately, the others leave.
"""

from __future__ import annotations

import asyncio

import structlog

from thetis.database import Database
from thetis.errors import DatabaseError, ShopifyError, SyncBusy
from thetis.logs import where
from thetis.metrics import Metrics
from thetis.model import ReconcileStatus, TestOrders, WebhookOutcome
from thetis.providers.shopify_admin import ShopifyAdmin
from thetis.syncing import Progress, Syncing, new_holder
from thetis.syncs import OrderSyncs
from thetis.waiting import is_set_within

MINUTE = 60.0
"""Until the first round, and until the next one after a failure."""

log = structlog.get_logger()


class Reconciling:
    """Told to stop, it ends, and the next one goes on where this one was."""

    def __init__(
        self,
        database: Database,
        shop: ShopifyAdmin,
        metrics: Metrics,
        *,
        minutes: float,
        test_orders: TestOrders,
    ) -> None:
        self._shop = shop
        self._syncs = OrderSyncs(database, holder=new_holder(), test_orders=test_orders)
        self._metrics = metrics
        self._seconds = minutes * MINUTE
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def close(self) -> None:
        await self._shop.close()

    async def run(self) -> None:
        pause = shortest = min(self._seconds, MINUTE)
        while not await is_set_within(self._stopping, pause):
            pause = shortest
            try:
                status = await self._syncs.reconcile_status()
                if status is None or status.lag_seconds >= self._seconds:
                    status = await self._reconcile()
                if status is not None:
                    pause = max(self._seconds - status.lag_seconds, shortest)
            except SyncBusy:
                pass
            except ShopifyError as error:
                log.error("reconcile.shopify_failed", error=type(error).__name__)
            except DatabaseError as error:
                log.error("reconcile.database_failed", code=error.code)
            except Exception as error:
                log.error("reconcile.failed", error=type(error).__name__, where=where(error))

    async def _reconcile(self) -> ReconcileStatus | None:
        """How it stands then; None if it was told to stop."""
        told = asyncio.ensure_future(self._stopping.wait())
        working = asyncio.ensure_future(
            Syncing(self._shop, self._syncs).run("reconcile", None, None, self._watch)
        )
        try:
            await asyncio.wait({told, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            working.cancel()
            [done] = await asyncio.gather(working, return_exceptions=True)
        if isinstance(done, asyncio.CancelledError):
            return None
        if isinstance(done, BaseException):
            raise done
        for outcome, total in done.outcomes.items():
            self._metrics.reconciled.labels(outcome).inc(total)
        for order_id, reason in done.rejected:
            log.error("reconcile.order_rejected", order_id=order_id, reason=reason)
        log.info(
            "reconcile.finished",
            seen=done.seen,
            recorded=done.outcomes[WebhookOutcome.RECORDED],
            rejected=done.outcomes[WebhookOutcome.REJECTED],
        )
        status = await self._syncs.reconcile_status()
        if status is not None and status.missed:
            log.error("reconcile.missed", orders=status.missed)
        return status

    def _watch(self, progress: Progress) -> None:
        log.debug("reconcile.page", sync_id=progress.sync.id, done=progress.done)
