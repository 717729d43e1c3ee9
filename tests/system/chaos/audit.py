"""Compares the database, and what the providers accepted, with what customers did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from devtools.fake_providers import ReceivedRequest
from tests.system.chaos.stream import Delivery
from tests.system.histories.shop import Order, Webhook
from thetis.cli import shopify_payloads

Connection = psycopg.Connection[tuple[Any, ...]]

KINDS = ("post_purchase", "course_access", "post_purchase_cancel")

_STATES = ("needs_response", "under_review", "lost", "accepted", "prevented", "won")
_AS_FAR_AS = {state: _STATES[number:] for number, state in enumerate(_STATES)}

_OURS = {product.shopify_id for product in shopify_payloads.SAMPLE_PRODUCTS.values()}


class Facts:
    """The stored facts of orders and refunds, which only accumulate."""

    def __init__(self, connection: Connection) -> None:
        lines = connection.execute(
            "select shopify_line_item_id, quantity, paid_as_of is not null, end_status::text"
            " from thetis.order_lines"
        )
        refunds = connection.execute(
            "select shopify_refund_id, shopify_line_item_id, quantity from thetis.refunds"
        )
        disputes = connection.execute(
            "select shopify_dispute_id, is_chargeback, status::text, inquiry_status::text"
            " from thetis.disputes"
        )
        self._disputes = {dispute: facts for dispute, *facts in disputes}
        self._lines = {line: facts for line, *facts in lines}
        self._refunds = {(refund, line): quantity for refund, line, quantity in refunds}

    def lack(self, deliveries: Iterable[Delivery]) -> list[Webhook]:
        """The webhooks of which something is missing."""
        return [each.webhook for each in deliveries if not all(self._holds(each.webhook))]

    def _holds(self, webhook: Webhook) -> Iterator[bool]:
        payload = webhook.payload
        if webhook.is_refund:
            yield from self._holds_refund(payload)
            return
        if webhook.is_dispute:
            yield self._holds_dispute(payload)
            return
        lines = [line for line in payload["line_items"] if line["product_id"] in _OURS]
        for line in lines:
            quantity, was_paid, end = self._lines.get(str(line["id"]), (-1, False, None))
            yield quantity >= line["quantity"]
            yield was_paid or webhook.payment is None or not webhook.payment[1]
            yield end is not None or payload["cancelled_at"] is None
            yield end is not None or line["current_quantity"] > 0
        if lines:
            for refund in payload["refunds"]:
                yield from self._holds_refund(refund)

    def _holds_dispute(self, dispute: dict[str, Any]) -> bool:
        """Its state, or one beyond it."""
        is_chargeback, status, inquiry_status = self._disputes.get(
            str(dispute["id"]), (False, None, None)
        )
        if dispute["type"] == "inquiry":
            return inquiry_status in _AS_FAR_AS[dispute["status"]]
        return is_chargeback and status in _AS_FAR_AS[dispute["status"]]

    def _holds_refund(self, refund: dict[str, Any]) -> Iterator[bool]:
        for line in refund["refund_line_items"]:
            stored = self._refunds.get((str(refund["id"]), str(line["line_item_id"])), 0)
            yield stored >= line["quantity"]


def wrong_purchases(connection: Connection, orders: list[Order]) -> dict[int, tuple[Any, Any]]:
    """By order: the stored purchases and the right ones, where they differ."""
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


def lost_rows(connection: Connection, effects: list[ReceivedRequest]) -> list[str]:
    """What a provider accepted under a key that no row of the outbox has."""
    ids = {row[0] for row in _outbox(connection)}
    return [
        f"{each.path} with key {each.idempotency_key}"
        for each in effects
        if each.idempotency_key not in ids
    ]


def wrong_notifications(
    connection: Connection, orders: list[Order], effects: list[ReceivedRequest]
) -> dict[int, dict[str, int]]:
    """By order: how many of each kind the providers accepted, where that names something twice or
    not at all, or where a run goes on about nothing, or is cancelled about something.
    """
    rows = {row[0]: row for row in _outbox(connection)}
    lines = {
        purchase: int(line)
        for purchase, line in connection.execute(
            "select id::text, shopify_line_item_id from public.purchases"
        )
    }
    accepted: dict[int, list[_Accepted]] = defaultdict(list)
    for effect in effects:
        if row := rows.get(effect.idempotency_key or ""):
            _, kind, order_id, run, purchases = row
            named = {lines[each] for each in purchases if each in lines}
            accepted[order_id].append(_Accepted(kind, run, named))
    return {
        order.id: {kind: [each.kind for each in accepted[order.id]].count(kind) for kind in KINDS}
        for order in orders
        if not _is_right(order, accepted[order.id])
    }


@dataclass(frozen=True)
class _Accepted:
    """A message that a provider took: its kind and run, and the lines that it names."""

    kind: str
    run: int | None
    lines: set[int]


def _outbox(connection: Connection) -> list[tuple[str, str, int, int | None, list[str]]]:
    """The id, which is the idempotency key, the kind, the order, the run and what it names."""
    return connection.execute(
        "select id::text, kind, shopify_order_id::bigint, run, purchase_ids::text[]"
        " from thetis.notifications"
    ).fetchall()


def _is_right(order: Order, accepted: list[_Accepted]) -> bool:
    """To cancel again changes nothing; Knock need not recognise a repetition of it."""
    kept = {line_id for line_id, end in order.statuses().items() if end == "active"}
    courses = {line_id for line_id in kept if (order.slug(line_id) or "").endswith("_course")}
    triggers, emails, cancellations = (
        [each for each in accepted if each.kind == kind] for kind in KINDS
    )
    told, mailed = (
        Counter(line for each in messages for line in each.lines) for messages in (triggers, emails)
    )
    if max([*told.values(), *mailed.values()], default=0) > 1 or (triggers and not order.paid):
        return False
    if not (kept <= told.keys() and courses <= mailed.keys()):
        return False
    cancelled = {each.run for each in cancellations}
    going_on = {each.run for each in triggers if each.lines & kept}
    return not going_on & cancelled and {each.run for each in triggers} - going_on <= cancelled


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
