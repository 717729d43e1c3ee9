"""What the service may ask of the database: one method for each SQL function, and no SQL.
What people ask and do for a customer is in thetis.operators.

There is one deadline, and it is here: `timeout` seconds for each call, and for all calls inside
`deadline()` together. Shopify waits 5 seconds for an answer, and a webhook may wait for a call that
others started, make one of its own and then keep a rejected body. Transports have no deadline; a
call that is given up is cancelled.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, LiteralString

from thetis.answers import (
    backlogs,
    delivery_outcomes,
    listed_notifications,
    notifications,
    outcomes,
    read,
    rejected_webhook,
    stored_notification,
)
from thetis.calls import CALLS
from thetis.errors import DatabaseUnavailable
from thetis.model import (
    Backlog,
    ListedNotification,
    Notification,
    Outcome,
    Product,
    RejectedWebhook,
    SchemaStatus,
    Settlement,
    TestOrders,
    UnmappedProduct,
    WebhookOutcome,
)
from thetis.transports import Row, Transport


class Database:
    """Each method is the SQL function of the same name, one transaction, one answer.

    All raise DatabaseUnavailable when there is no answer in time, or DatabaseRefused when the
    request itself is at fault.
    """

    def __init__(
        self, transport: Transport, *, timeout: float, test_orders: TestOrders = "grant"
    ) -> None:
        self._transport = transport
        self._timeout = timeout
        self._test_orders = test_orders
        self._given_up: set[asyncio.Future[list[Row]]] = set()

    async def open(self) -> None:
        await self._transport.open()

    async def close(self) -> None:
        for call in self._given_up:
            call.cancel()  # once more: else it waits for the server to confirm the first
        await self._transport.close()

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """Everything in this block together gets the time of one call."""
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError:
            raise self._too_late() from None

    async def check_schema(self) -> SchemaStatus:
        """Raises DatabaseUnavailable also when the database is too old to have this function."""
        return read(await self._call("check_schema", CALLS), lambda rows: SchemaStatus(**rows[0]))

    async def record_orders(
        self, orders: Sequence[dict[str, Any]], received_at: str | None = None
    ) -> list[Outcome]:
        """One outcome for each order, in their order; `received_at`, if that was not now."""
        rows = await self._call("record_orders", list(orders), self._test_orders, received_at)
        return read(rows, partial(outcomes, count=len(orders)))

    async def record_refunds(
        self, refunds: Sequence[dict[str, Any]], received_at: str | None = None
    ) -> list[Outcome]:
        """One outcome for each refund, in their order; `received_at`, if that was not now."""
        rows = await self._call("record_refunds", list(refunds), received_at)
        return read(rows, partial(outcomes, count=len(refunds)))

    async def record_deliveries(self, events: Sequence[dict[str, Any]]) -> list[WebhookOutcome]:
        """One outcome for each event, in their order."""
        rows = await self._call("record_deliveries", list(events))
        return read(rows, partial(delivery_outcomes, count=len(events)))

    async def undelivered_emails(self, *, days: int = 7) -> dict[str, int]:
        """How many did not arrive within so many days, by what became of them."""
        rows = await self._call("undelivered_emails", days)
        return read(rows, lambda rows: {row["state"]: int(row["total"]) for row in rows})

    async def store_rejected_webhook(
        self, *, topic: str, webhook_id: str | None, body: bytes, reason: str
    ) -> int:
        """The id under which the body is kept."""
        encoded = base64.b64encode(body).decode()
        rows = await self._call("store_rejected_webhook", topic, webhook_id, encoded, reason)
        return read(rows, lambda rows: int(rows[0]["store_rejected_webhook"]))

    async def list_rejected_webhooks(
        self, *, include_replayed: bool, after_id: int = 0, max_count: int = 1000
    ) -> list[RejectedWebhook]:
        """Those with a higher id than `after_id`, the oldest first. Supabase's API gives 1,000."""
        rows = await self._call("list_rejected_webhooks", include_replayed, after_id, max_count)
        return read(rows, lambda rows: [RejectedWebhook(**row) for row in rows])

    async def get_rejected_webhook(self, rejected_id: int) -> RejectedWebhook | None:
        """With its body, byte for byte; None if there is no such webhook."""
        rows = await self._call("get_rejected_webhook", rejected_id)
        return read(rows, partial(rejected_webhook, rejected_id=rejected_id))

    async def mark_webhook_replayed(self, rejected_id: int) -> None:
        await self._call("mark_webhook_replayed", rejected_id)

    async def claim_notifications(
        self, *, provider: str, max_count: int, lease_seconds: int
    ) -> list[Notification]:
        rows = await self._call("claim_notifications", provider, max_count, lease_seconds)
        return read(rows, notifications)

    async def settle_notifications(self, settlements: Sequence[Settlement]) -> None:
        rows = await self._call("settle_notifications", [asdict(each) for each in settlements])
        read(rows, lambda rows: [row["status"] for row in rows])

    async def notification_backlog(self) -> list[Backlog]:
        """One for each provider."""
        return read(await self._call("notification_backlog"), backlogs)

    async def count_address_conflicts(self) -> int:
        """Orders of which somebody owns a purchase by another address than the order has now."""
        rows = await self._call("count_address_conflicts")
        return read(rows, lambda rows: int(rows[0]["count_address_conflicts"]))

    async def count_privacy_requests(self) -> int:
        """Those that wait for a person's answer."""
        rows = await self._call("count_privacy_requests")
        return read(rows, lambda rows: int(rows[0]["count_privacy_requests"]))

    async def list_notifications(
        self, *, order: str | None, state: str | None, before_id: str | None = None
    ) -> list[ListedNotification]:
        """Those of an order, by its number or id, or all of a state; the latest 1,000."""
        rows = await self._call("list_notifications", order, state, before_id, 1000)
        return read(rows, listed_notifications)

    async def get_notification(self, notification_id: str) -> dict[str, Any] | None:
        """All that is stored of one."""
        return read(await self._call("get_notification", notification_id), stored_notification)

    async def expire_purchases(self, *, max_count: int) -> int:
        """Of how many it was said that they are over."""
        rows = await self._call("expire_purchases", max_count)
        return read(rows, lambda rows: int(rows[0]["expire_purchases"]))

    async def prune(self, *, older_than: str, max_count: int) -> dict[str, int]:
        """How many rows of which kind were dropped; `older_than` is a Postgres interval."""
        rows = await self._call("prune", older_than, max_count)
        return read(rows, lambda rows: {kind: int(n) for kind, n in rows[0]["prune"].items()})

    async def record_privacy_request(self, request: dict[str, Any]) -> WebhookOutcome:
        """recorded, or unchanged if it is known."""
        rows = await self._call("record_privacy_request", request)
        return read(rows, lambda rows: WebhookOutcome(rows[0]["record_privacy_request"]))

    async def list_products(self) -> list[Product]:
        rows = await self._call("list_products")
        return read(rows, lambda rows: [Product(**row) for row in rows])

    async def list_unmapped_products(self, *, max_count: int = 500) -> list[UnmappedProduct]:
        """What was sold and is not in the catalogue, the latest first."""
        rows = await self._call("list_unmapped_products", max_count)
        return read(rows, lambda rows: [UnmappedProduct(**row) for row in rows])

    async def add_product(
        self,
        *,
        slug: str,
        name: str,
        category: str,
        shopify_product_id: str | None,
        access_period: str | None,
    ) -> None:
        """Without an access period an existing product keeps its own; 'for ever' ends it."""
        await self._call("add_product", slug, name, category, shopify_product_id, access_period)

    async def remove_product(self, slug: str) -> bool:
        """Whether there was one."""
        rows = await self._call("remove_product", slug)
        return read(rows, lambda rows: bool(rows[0]["remove_product"]))

    async def remove_shopify_product(self, shopify_product_id: str) -> str | None:
        """The slug of the product that the id meant, or None if it meant none."""
        rows = await self._call("remove_shopify_product", shopify_product_id)
        slug: str | None = read(rows, lambda rows: rows[0]["remove_shopify_product"])
        return slug

    async def call(self, function: LiteralString, **arguments: Any) -> list[Row]:
        return await self._call(function, *(arguments[name] for name in CALLS[function]))

    async def _call(self, function: LiteralString, *values: Any) -> list[Row]:
        # Not asyncio.timeout: cancelling a query on a server that hangs takes seconds by itself,
        # and the answer must not wait for that.
        arguments = dict(zip(CALLS[function], values, strict=True))
        call = asyncio.ensure_future(self._transport.call(function, arguments))
        try:
            done, _ = await asyncio.wait({call}, timeout=self._timeout)
        except asyncio.CancelledError:
            self._give_up(call)
            raise
        if done:
            return call.result()
        self._give_up(call)
        raise self._too_late()

    def _too_late(self) -> DatabaseUnavailable:
        return DatabaseUnavailable(f"no answer within {self._timeout} s")

    def _give_up(self, call: asyncio.Future[list[Row]]) -> None:
        self._given_up.add(call)
        call.add_done_callback(self._forget)
        call.cancel()

    def _forget(self, call: asyncio.Future[list[Row]]) -> None:
        self._given_up.discard(call)
        if not call.cancelled():
            call.exception()
