"""What syncs ask of the database: one method for each SQL function, and no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from thetis.answers import outcomes, read, reconcile_status, sync_state
from thetis.database import Database
from thetis.model import Outcome, ReconcileStatus, TestOrders
from thetis.sync_state import SyncState

LEASE_SECONDS = 180
"""For how long a sync belongs to a run that records no page. Shopify may make us wait for two
minutes; one that was killed is resumed after three.
"""


class OrderSyncs:
    """`holder` names a run: what it has begun is its own until its lease ends."""

    def __init__(
        self, database: Database, *, holder: str, test_orders: TestOrders = "grant"
    ) -> None:
        self._database = database
        self._holder = holder
        self._test_orders = test_orders

    async def begin_order_sync(
        self, purpose: str, since: datetime | None, until: datetime | None
    ) -> SyncState:
        rows = await self._database.call(
            "begin_order_sync",
            purpose=purpose,
            since=since and since.isoformat(),
            until=until and until.isoformat(),
            holder=self._holder,
            lease_seconds=LEASE_SECONDS,
        )
        return read(rows, sync_state)

    async def record_order_page(
        self,
        sync: SyncState,
        page: int,
        orders: Sequence[dict[str, Any]],
        *,
        unreadable: Sequence[dict[str, str]],
        reached: datetime | None,
        is_last: bool,
    ) -> list[Outcome]:
        """One outcome for each order. What is committed with them is how far the sync has come."""
        rows = await self._database.call(
            "record_order_page",
            sync_id=sync.id,
            holder=self._holder,
            page=page,
            orders=list(orders),
            unreadable=list(unreadable),
            reached=reached and reached.isoformat(),
            is_last=is_last,
            test_orders=self._test_orders,
            lease_seconds=LEASE_SECONDS,
        )
        return read(rows, partial(outcomes, count=len(orders)))

    async def give_back(self, sync: SyncState, page: int) -> None:
        """Let another run resume it at once."""
        await self._database.call(
            "record_order_page",
            sync_id=sync.id,
            holder=self._holder,
            page=page,
            orders=[],
            unreadable=[],
            reached=None,
            is_last=False,
            test_orders=self._test_orders,
            lease_seconds=0,
        )

    async def preview_orders(self, orders: Sequence[dict[str, Any]]) -> list[Outcome]:
        """What record_orders would say. Nothing is changed."""
        rows = await self._database.call(
            "preview_orders", orders=list(orders), test_orders=self._test_orders
        )
        return read(rows, partial(outcomes, count=len(orders)))

    async def record_exported_orders(
        self, orders: Sequence[dict[str, Any]], *, dry_run: bool
    ) -> list[Outcome]:
        """One outcome for each order of an export, in their order."""
        rows = await self._database.call(
            "record_exported_orders", orders=list(orders), dry_run=dry_run
        )
        return read(rows, partial(outcomes, count=len(orders)))

    async def reconcile_status(self) -> ReconcileStatus | None:
        """None if nothing was ever reconciled."""
        return read(await self._database.call("reconcile_status"), reconcile_status)
