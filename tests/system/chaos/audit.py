"""What became of everything: read from the database and from what the providers received."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from devtools.fake_providers import ReceivedRequest
from tests.system.chaos.stream import Delivery
from tests.system.histories.shop import Order, Webhook
from thetis.cli import shopify_payloads

Connection = psycopg.Connection[tuple[Any, ...]]

_OURS = {product.shopify_id for product in shopify_payloads.SAMPLE_PRODUCTS.values()}
_PAID = {"paid", "partially_refunded", "refunded"}


class Facts:
    """Everything that the database has heard. It only accumulates: what was in it, is in it."""

    def __init__(self, connection: Connection) -> None:
        lines = connection.execute(
            "select shopify_line_item_id, quantity, is_granted, ended::text from thetis.order_lines"
        )
        refunds = connection.execute(
            "select shopify_refund_id, shopify_line_item_id, quantity from thetis.refunds"
        )
        self._lines = {line: facts for line, *facts in lines}
        self._refunds = {(refund, line): quantity for refund, line, quantity in refunds}

    def lack(self, deliveries: Iterable[Delivery]) -> list[Webhook]:
        """Those of which something is missing."""
        return [each.webhook for each in deliveries if not all(self._holds(each.webhook))]

    def _holds(self, webhook: Webhook) -> Iterator[bool]:
        payload = webhook.payload
        if webhook.is_refund:
            yield from self._holds_refund(payload)
            return
        lines = [line for line in payload["line_items"] if line["product_id"] in _OURS]
        for line in lines:
            quantity, is_granted, ended = self._lines.get(str(line["id"]), (-1, False, None))
            yield quantity >= line["quantity"]
            yield is_granted or payload["financial_status"] not in _PAID
            yield ended is not None or payload["cancelled_at"] is None
            yield ended is not None or line["current_quantity"] > 0
        if lines:
            for refund in payload["refunds"]:
                yield from self._holds_refund(refund)

    def _holds_refund(self, refund: dict[str, Any]) -> Iterator[bool]:
        for line in refund["refund_line_items"]:
            known = self._refunds.get((str(refund["id"]), str(line["line_item_id"])), 0)
            yield known >= line["quantity"]


def wrong_purchases(connection: Connection, orders: list[Order]) -> dict[int, tuple[Any, Any]]:
    """The orders of which the purchases are not the truth."""
    stored: dict[str, dict[int, str]] = defaultdict(dict)
    rows = connection.execute(
        "select shopify_order_id, shopify_line_item_id, status from public.purchases"
    )
    for order_id, line_id, status in rows:
        stored[order_id][int(line_id)] = status
    return {
        order.id: (stored[str(order.id)], order.statuses())
        for order in orders
        if stored[str(order.id)] != order.statuses()
    }


def altered_repetitions(requests: list[ReceivedRequest]) -> list[str]:
    """The keys that came with more than one body, or not at all."""
    bodies: dict[str, set[tuple[str, bytes]]] = defaultdict(set)
    for request in requests:
        bodies[request.idempotency_key or "none"].add((request.path, request.content))
    return [key for key, seen in bodies.items() if key == "none" or len(seen) > 1]


def wrong_messages(
    connection: Connection, orders: list[Order], effects: list[ReceivedRequest]
) -> dict[int, dict[str, int]]:
    """The orders of which the customer got too much or too little."""
    rows = connection.execute("select id::text, kind, shopify_order_id from thetis.notifications")
    message = {key: (int(order_id), kind) for key, kind, order_id in rows}
    # To cancel again changes nothing; Knock need not recognise a repetition of it.
    cancelled = {each.idempotency_key for each in effects if each.path.endswith("/cancel")}
    accepted = [each.idempotency_key for each in effects if not each.path.endswith("/cancel")]
    got = Counter(message[key or ""] for key in (*accepted, *cancelled))
    kinds = ("post_purchase", "course_access", "post_purchase_cancel")
    told = {order.id: {kind: got[order.id, kind] for kind in kinds} for order in orders}
    return {order.id: told[order.id] for order in orders if not _is_right(order, told[order.id])}


def _is_right(order: Order, told: dict[str, int]) -> bool:
    kept = {line.slug for line in order.lines if order.statuses().get(line.id) == "active"}
    runs, emails, cancellations = told.values()
    if max(told.values()) > 1 or (runs and not order.is_paid):
        return False
    if kept:
        has_course = any(slug and slug.endswith("_course") for slug in kept)
        return (runs, cancellations) == (1, 0) and emails >= has_course
    return cancellations >= runs


def hasty_cancellations(effects: list[ReceivedRequest], accepted_at: dict[str, float]) -> list[str]:
    """Knock may miss a cancellation in the first five seconds of a run."""
    started = {
        effect.body["cancellation_key"]: accepted_at[effect.idempotency_key or ""]
        for effect in effects
        if effect.path.endswith("/trigger")
    }
    return [
        key
        for effect in effects
        if effect.path.endswith("/cancel")
        and (key := effect.body["cancellation_key"]) in started
        and accepted_at[effect.idempotency_key or ""] - started[key] < 5
    ]
