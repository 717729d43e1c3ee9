"""What the service may ask of the database: one method for each SQL function, and no SQL."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, LiteralString, TypeVar

from thetis.transports import DatabaseUnavailable, Row, Transport

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one order or refund: recorded, unchanged, ignored or rejected."""

    shopify_order_id: str | None
    outcome: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A message that is ours to send until its lease ends. `attempt` names the lease."""

    id: str
    kind: str
    attempt: int
    shopify_order_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of one attempt to send."""

    id: str
    attempt: int
    result: Literal["sent", "retry", "dead"]
    error: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How the outbox stands for one provider. Ages are in seconds."""

    provider: str
    pending: int
    dead: int
    oldest_due_seconds: float


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product of the catalogue. `access_period` is a Postgres interval; None is for ever."""

    slug: str
    name: str
    category: str
    access_period: str | None
    shopify_product_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class RejectedWebhook:
    """A webhook that could not be used, without its body. Times are in UTC."""

    id: int
    topic: str
    webhook_id: str | None
    reason: str
    received_at: str
    replayed_at: str | None


SCHEMA_VERSION = 1
"""The version of the migrations that this release was written for."""

CALLS: dict[str, list[str]] = {
    "record_orders": ["orders"],
    "record_refunds": ["refunds"],
    "claim_notifications": ["provider", "max_count", "lease_seconds"],
    "settle_notifications": ["results"],
    "notification_backlog": [],
}


@dataclass(frozen=True, kw_only=True)
class SchemaStatus:
    """The version of the database's migrations, and the functions that we call and may not."""

    version: int
    missing: list[str]


class Database:
    """Each method is one SQL function of the same name, one transaction, one answer.

    All raise DatabaseUnavailable when there is no answer within `timeout` seconds, or
    DatabaseRefused when the request itself is at fault.
    """

    def __init__(self, transport: Transport, *, timeout: float) -> None:
        self._transport = transport
        self._timeout = timeout
        self._given_up: set[asyncio.Future[list[Row]]] = set()

    async def open(self) -> None:
        await self._transport.open()

    async def close(self) -> None:
        for call in self._given_up:
            call.cancel()  # once more: else it waits for the server to confirm the first
        await self._transport.close()

    async def check_schema(self) -> SchemaStatus:
        rows = await self._call("check_schema", calls=CALLS)
        return _read(rows, lambda rows: SchemaStatus(**rows[0]))

    async def record_orders(self, orders: Sequence[dict[str, Any]]) -> list[Outcome]:
        """One outcome for each order, in their order."""
        rows = await self._call("record_orders", orders=list(orders))
        return _read(rows, partial(_outcomes, count=len(orders)))

    async def record_refunds(self, refunds: Sequence[dict[str, Any]]) -> list[Outcome]:
        """One outcome for each refund, in their order."""
        rows = await self._call("record_refunds", refunds=list(refunds))
        return _read(rows, partial(_outcomes, count=len(refunds)))

    async def store_rejected_webhook(
        self, *, topic: str, webhook_id: str | None, body: bytes, reason: str
    ) -> int:
        """The id under which the body is kept."""
        rows = await self._call(
            "store_rejected_webhook",
            topic=topic,
            webhook_id=webhook_id,
            body_base64=base64.b64encode(body).decode(),
            reason=reason,
        )
        return _read(rows, lambda rows: int(rows[0]["store_rejected_webhook"]))

    async def list_rejected_webhooks(self, *, include_replayed: bool) -> list[RejectedWebhook]:
        """The oldest first."""
        rows = await self._call("list_rejected_webhooks", include_replayed=include_replayed)
        return _read(rows, lambda rows: [RejectedWebhook(**row) for row in rows])

    async def rejected_webhook_body(self, rejected_id: int) -> bytes | None:
        """The bytes as they came, or None if there is no such webhook."""
        rows = await self._call("rejected_webhook_body", id=rejected_id)
        encoded = _read(rows, lambda rows: rows[0]["rejected_webhook_body"])
        return None if encoded is None else base64.b64decode(encoded)

    async def mark_webhook_replayed(self, rejected_id: int) -> None:
        await self._call("mark_webhook_replayed", id=rejected_id)

    async def claim_notifications(
        self, *, provider: str, max_count: int, lease_seconds: int
    ) -> list[Notification]:
        rows = await self._call(
            "claim_notifications",
            provider=provider,
            max_count=max_count,
            lease_seconds=lease_seconds,
        )
        return _read(rows, _notifications)

    async def settle_notifications(self, settlements: Sequence[Settlement]) -> None:
        rows = await self._call(
            "settle_notifications", results=[asdict(each) for each in settlements]
        )
        _read(rows, lambda rows: [row["status"] for row in rows])

    async def notification_backlog(self) -> list[Backlog]:
        """One for each provider."""
        return _read(await self._call("notification_backlog"), _backlogs)

    async def list_products(self) -> list[Product]:
        rows = await self._call("list_products")
        return _read(rows, lambda rows: [Product(**row) for row in rows])

    async def add_product(
        self,
        *,
        slug: str,
        name: str,
        category: str,
        shopify_product_id: str | None,
        access_period: str | None,
    ) -> None:
        await self._call(
            "add_product",
            slug=slug,
            name=name,
            category=category,
            shopify_product_id=shopify_product_id,
            access_period=access_period,
        )

    async def remove_product(self, slug: str) -> bool:
        """Whether there was one."""
        rows = await self._call("remove_product", slug=slug)
        return _read(rows, lambda rows: bool(rows[0]["remove_product"]))

    async def _call(self, function: LiteralString, **arguments: Any) -> list[Row]:
        # Not asyncio.timeout: cancelling a query on a server that hangs takes seconds by itself,
        # and the answer must not wait for that.
        call = asyncio.ensure_future(self._transport.call(function, arguments))
        try:
            done, _ = await asyncio.wait({call}, timeout=self._timeout)
        except asyncio.CancelledError:
            self._give_up(call)
            raise
        if done:
            return call.result()
        self._give_up(call)
        raise DatabaseUnavailable(f"no answer within {self._timeout} s")

    def _give_up(self, call: asyncio.Future[list[Row]]) -> None:
        self._given_up.add(call)
        call.add_done_callback(self._forget)
        call.cancel()

    def _forget(self, call: asyncio.Future[list[Row]]) -> None:
        self._given_up.discard(call)
        if not call.cancelled():
            call.exception()


def _read(rows: list[Row], form: Callable[[list[Row]], Answer]) -> Answer:
    """An answer of another shape comes from something else than our database, or another release
    of it: perhaps a proxy.
    """
    try:
        return form(rows)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DatabaseUnavailable(f"an unreadable answer ({type(error).__name__})") from error


def _notifications(rows: list[Row]) -> list[Notification]:
    return [Notification(**{**row, "id": str(row["id"])}) for row in rows]


def _backlogs(rows: list[Row]) -> list[Backlog]:
    return [
        Backlog(**{**row, "oldest_due_seconds": row["oldest_due_seconds"] or 0.0}) for row in rows
    ]


def _outcomes(rows: list[Row], *, count: int) -> list[Outcome]:
    if len(rows) != count:
        raise ValueError(f"{len(rows)} outcomes for {count}")
    return [
        Outcome(
            shopify_order_id=row["shopify_order_id"],
            outcome=row["outcome"],
            reason=row["reason"],
        )
        for row in sorted(rows, key=lambda row: row["ordinal"])
    ]
