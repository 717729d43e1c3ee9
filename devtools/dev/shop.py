"""A pretend shop: its orders, and the webhooks by which Shopify would tell of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from thetis.cli import shopify_disputes, shopify_payloads
from thetis.cli.shopify_payloads import Json, SampleProduct

_STEP = timedelta(seconds=1)
"""Shopify's times have no fractions: of two events in one second, none is the later."""


class ShopError(Exception):
    """What the visitor asked for cannot be done; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One that was sent, and what the service answered."""

    topic: str
    at: datetime
    status: int
    outcome: str


@dataclass(kw_only=True)
class Order:
    """What Shopify knows of one. `returned`: products that went back."""

    id: int
    number: int
    email: str
    products: list[SampleProduct]
    created_at: datetime
    changed_at: datetime
    returned: list[SampleProduct] = field(default_factory=list)
    is_cancelled: bool = False
    is_disputed: bool = False
    webhooks: list[Webhook] = field(default_factory=list)


class Shop:
    """`webhooks`: where the service takes them."""

    def __init__(self, webhooks: str, secret: str) -> None:
        self._webhooks = webhooks
        self._secret = secret
        self._orders: dict[int, Order] = {}
        self._lock = threading.RLock()

    def orders(self) -> Sequence[Order]:
        """The newest first."""
        with self._lock:
            return list(reversed(self._orders.values()))

    def buy(self, email: str, shopify_ids: Sequence[str]) -> Order:
        """Made and paid for: Shopify tells of both."""
        if not shopify_ids:
            raise ShopError("choose a product")
        if "@" not in email:
            raise ShopError("say an email address")
        now = datetime.now(UTC)
        order_id = shopify_payloads.new_order_id()
        products = [shopify_payloads.find_product(each) for each in shopify_ids]
        body = self._body("orders/create", order_id, email, products, now, now)
        with self._lock:
            order = Order(
                id=order_id,
                number=body["order_number"],
                email=email,
                products=products,
                created_at=now,
                changed_at=now,
            )
            self._orders[order_id] = order
            self._send(order, "orders/create", body)
            self._tell(order, "orders/paid")
        return order

    def correct_address(self, order_id: int, email: str) -> Order:
        if "@" not in email:
            raise ShopError("say an email address")
        with self._lock:
            order = self._order(order_id)
            order.email = email
            self._tell(order, "orders/updated")
        return order

    def refund(self, order_id: int, shopify_id: str | None) -> Order:
        """One product goes back, or all that has not gone back yet."""
        with self._lock:
            order = self._order(order_id)
            kept = list(order.products)
            for each in order.returned:
                kept.remove(each)
            named = [each for each in kept if str(each.shopify_id) == shopify_id][:1]
            back = named if shopify_id else kept
            if not back:
                raise ShopError("all of it went back already")
            order.returned += back
            at = self._moment(order)
            body = shopify_payloads.refund(order_id=order.id, products=back, at=at)
            self._send(order, "refunds/create", body)
        return order

    def cancel(self, order_id: int) -> Order:
        with self._lock:
            order = self._order(order_id)
            order.is_cancelled = True
            self._tell(order, "orders/cancelled")
        return order

    def dispute(self, order_id: int, status: str) -> Order:
        """The bank takes the money back, or gives it again: `needs_response`, then `won`."""
        with self._lock:
            order = self._order(order_id)
            is_first = not order.is_disputed
            if is_first != (status == "needs_response"):
                raise ShopError("this was said already" if not is_first else "nothing is disputed")
            order.is_disputed = is_first
            at = self._moment(order)
            topic = "disputes/create" if is_first else "disputes/update"
            body = shopify_disputes.dispute(order_id=order.id, status=status, at=at)
            self._send(order, topic, body)
        return order

    def repeat(self, order_id: int) -> Order:
        """Shopify sends its last word about the order again, as it often does."""
        with self._lock:
            order = self._order(order_id)
            topic = "orders/cancelled" if order.is_cancelled else "orders/paid"
            body = self._body(
                topic, order.id, order.email, order.products, order.changed_at, order.created_at
            )
            self._send(order, topic, body)
        return order

    def _order(self, order_id: int) -> Order:
        try:
            return self._orders[order_id]
        except KeyError:
            raise ShopError("there is no such order") from None

    def _tell(self, order: Order, topic: str) -> None:
        at = self._moment(order)
        products, email = order.products, order.email
        self._send(order, topic, self._body(topic, order.id, email, products, at, order.created_at))

    def _moment(self, order: Order) -> datetime:
        order.changed_at = max(datetime.now(UTC), order.changed_at + _STEP)
        return order.changed_at

    def _body(
        self,
        topic: str,
        order_id: int,
        email: str,
        products: Sequence[SampleProduct],
        at: datetime,
        created_at: datetime,
    ) -> Json:
        return shopify_payloads.order(
            topic, order_id=order_id, email=email, products=products, at=at, created_at=created_at
        )

    def _send(self, order: Order, topic: str, payload: Json) -> None:
        body = shopify_payloads.encode(payload)
        try:
            answer = shopify_payloads.send(topic, self._webhooks, self._secret, body)
        except httpx.TransportError as error:
            raise ShopError(f"the service does not answer: {error}") from None
        outcome = _outcome(answer)
        status = answer.status_code
        order.webhooks.append(
            Webhook(topic=topic, at=datetime.now(UTC), status=status, outcome=outcome)
        )


def _outcome(answer: httpx.Response) -> str:
    try:
        told: dict[str, Any] = answer.json()
    except ValueError:
        return answer.text
    return str(told.get("outcome") or told.get("error") or told)
