"""Goes over Shopify's orders, and lets the database record what no webhook told.

    sync = Syncing(admin, OrderSyncs(database, holder=new_holder()))
    done = await sync.run("backfill", since, until, watch)

The time that it goes over is cut into pages. The database commits each with how far it has come, so
one that is killed goes on from there. Nothing here decides what an order means.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from thetis.errors import DatabaseError, SyncBusy
from thetis.model import Outcome, WebhookOutcome
from thetis.providers.shopify_orders import OrderPage
from thetis.sync_state import SyncState
from thetis.syncs import OrderSyncs

ALL_ORDERS = "read_all_orders"
SHOWN_FOR = timedelta(days=60)
"""How old the orders are that Shopify shows to whom it has not granted that scope."""


class Orders(Protocol):
    """What a shop says of its orders; thetis.providers.shopify_admin does."""

    async def orders(
        self, *, since: datetime, until: datetime | None, after: str | None
    ) -> OrderPage: ...

    async def order_count(self, since: datetime, until: datetime | None) -> int: ...


@dataclass(kw_only=True)
class Counts:
    """What became of the orders of a sync, all its runs together."""

    seen: int = 0
    outcomes: Counter[WebhookOutcome] = field(default_factory=Counter)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Ids and reasons, of this run."""

    @classmethod
    def of(cls, sync: SyncState) -> Counts:
        return cls(
            seen=sync.seen,
            outcomes=Counter(
                {
                    WebhookOutcome.RECORDED: sync.recorded,
                    WebhookOutcome.UNCHANGED: sync.unchanged,
                    WebhookOutcome.IGNORED: sync.ignored,
                    WebhookOutcome.REJECTED: sync.rejected,
                }
            ),
        )

    def add(self, page: OrderPage, outcomes: Sequence[Outcome]) -> None:
        self.seen += len(page.orders) + len(page.rejected)
        self.outcomes.update(each.outcome for each in outcomes)
        self.outcomes[WebhookOutcome.REJECTED] += len(page.rejected)
        self.rejected += [(each.order_id, each.reason) for each in page.rejected]
        self.rejected += [
            (each.shopify_order_id or "unknown", each.reason or "no reason given")
            for each in outcomes
            if each.outcome is WebhookOutcome.REJECTED
        ]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`total` is what Shopify counted when the run began."""

    sync: SyncState
    counts: Counts
    total: int
    done: int
    """Of the total, in this run."""


Watch = Callable[[Progress], None]


def new_holder() -> str:
    """A name for a run that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Syncing:
    """One run: at most one of each purpose is at work, wherever it was started."""

    def __init__(self, shop: Orders, syncs: OrderSyncs) -> None:
        self._shop = shop
        self._syncs = syncs

    async def run(
        self, purpose: str, since: datetime | None, until: datetime | None, watch: Watch
    ) -> Counts:
        """Raises SyncBusy if another run is at it, and what the shop and the database raise: what
        was recorded until then stays, and the next run goes on from there.
        """
        sync = await self._syncs.begin_order_sync(purpose, since, until)
        if sync.state == "busy":
            raise SyncBusy(purpose, sync.leased_seconds)
        page = sync.pages
        try:
            total = await self._shop.order_count(sync.reached, sync.until)
            counts, done = Counts.of(sync), 0
            watch(Progress(sync=sync, counts=counts, total=total, done=done))
            async for told in _pages(self._shop, sync.reached, sync.until):
                outcomes = await self._syncs.record_order_page(
                    sync,
                    page + 1,
                    told.orders,
                    unreadable=[
                        {"order_id": each.order_id, "reason": each.reason} for each in told.rejected
                    ],
                    reached=told.newest_updated_at,
                    is_last=told.cursor is None,
                )
                page += 1
                counts.add(told, outcomes)
                done += len(told.orders) + len(told.rejected)
                watch(Progress(sync=sync, counts=counts, total=total, done=done))
        except BaseException:
            with contextlib.suppress(DatabaseError):  # then its lease ends by itself
                await self._syncs.give_back(sync, page + 1)
            raise
        return counts

    async def preview(self, since: datetime, until: datetime, watch: Watch) -> Counts:
        """What a backfill would do. Nothing is changed, and how far it came is not kept."""
        total = await self._shop.order_count(since, until)
        counts = Counts()
        sync = _unbegun(since, until)
        watch(Progress(sync=sync, counts=counts, total=total, done=0))
        async for told in _pages(self._shop, since, until):
            counts.add(told, await self._syncs.preview_orders(told.orders))
            watch(Progress(sync=sync, counts=counts, total=total, done=counts.seen))
        return counts


async def _pages(shop: Orders, since: datetime, until: datetime) -> AsyncIterator[OrderPage]:
    after: str | None = None
    while True:
        page = await shop.orders(since=since, until=until, after=after)
        yield page
        if page.cursor is None:
            return
        after = page.cursor


def _unbegun(since: datetime, until: datetime) -> SyncState:
    return SyncState(
        state="begun",
        leased_seconds=0,
        id=0,
        since=since,
        until=until,
        reached=since,
        pages=0,
        seen=0,
        recorded=0,
        unchanged=0,
        ignored=0,
        rejected=0,
        missed=0,
    )
