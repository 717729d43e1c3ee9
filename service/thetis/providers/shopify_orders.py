"""Orders as the Admin API tells them, put into the words of a webhook.

An order of the API goes through the model of a webhook's body (`thetis.shopify.Order`), so that the
two cannot come to mean different things. What the API calls otherwise is translated here, and
nothing else. Fields: https://shopify.dev/docs/api/admin-graphql/latest/objects/Order
`contact_email` has no counterpart.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from thetis.errors import UnusablePayload
from thetis.shopify import translate_order


@dataclass(frozen=True, kw_only=True)
class RejectedOrder:
    """An order that the database could not be told of. The reason holds no value of it."""

    order_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderPage:
    """`orders` are elements of record_orders' argument. `cursor` is None after the last page."""

    orders: Sequence[dict[str, Any]]
    rejected: Sequence[RejectedOrder]
    cursor: str | None
    newest_updated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class NewestOrder:
    """The order made last. An address that the app may not read is a refusal, and not False."""

    order_id: str
    created_at: datetime
    updated_at: datetime
    has_email: bool


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where the next page begins. As text it is the `cursor` of an OrderPage.

    Shopify pages through 25,000 orders of one window and no further
    (https://shopify.dev/docs/api/usage/limits#pagination-limits). So the window is begun again at
    the second that was reached, long before that.
    """

    since: datetime
    after: str | None = None
    seen: int = 0

    @classmethod
    def read(cls, since: datetime, cursor: str | None) -> Position:
        if cursor is None:
            return cls(since=since)
        begun, seen, after = cursor.split(" ", 2)
        return cls(since=instant(begun), after=after or None, seen=int(seen))

    def then(self, reached: datetime, after: str, count: int, at_most: int) -> Position:
        seen = self.seen + count
        # Within one second there is nowhere to begin again.
        if seen < at_most or reached <= self.since:
            return Position(since=self.since, after=after, seen=seen)
        return Position(since=reached)

    def __str__(self) -> str:
        return f"{_second(self.since)} {self.seen} {self.after or ''}"


def window(since: datetime, until: datetime | None) -> str:
    """What is asked of `orders`: both ends are of the window, as `updated_at` counts seconds."""
    first = f"updated_at:>='{_second(since)}'"
    return first if until is None else f"{first} updated_at:<='{_second(until)}'"


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def digits(gid: str) -> str:
    """The number at the end of `gid://shopify/Order/1`, which webhooks use alone."""
    return gid.rsplit("/", 1)[-1].split("?", 1)[0]


def order_gid(order_id: str) -> str:
    return f"gid://shopify/Order/{order_id}"


def page(nodes: Sequence[dict[str, Any]], cursor: str | None) -> OrderPage:
    """Of whole nodes: their nested lists were followed to the end."""
    orders: list[dict[str, Any]] = []
    rejected: list[RejectedOrder] = []
    for node in nodes:
        try:
            orders.append(translate(node))
        except UnusablePayload as error:
            rejected.append(RejectedOrder(order_id=digits(node["id"]), reason=error.reason))
    newest = max((instant(node["updatedAt"]) for node in nodes), default=None)
    return OrderPage(orders=orders, rejected=rejected, cursor=cursor, newest_updated_at=newest)


def newest(node: dict[str, Any]) -> NewestOrder:
    customer = _customer(node["customer"]) or {}
    return NewestOrder(
        order_id=digits(node["id"]),
        created_at=instant(node["createdAt"]),
        updated_at=instant(node["updatedAt"]),
        has_email=bool(node["email"] or customer.get("email")),
    )


def translate(node: dict[str, Any]) -> dict[str, Any]:
    """One element of record_orders' argument. Raises UnusablePayload."""
    return translate_order(json.dumps(as_webhook(node)).encode())


def as_webhook(node: dict[str, Any]) -> dict[str, Any]:
    """What the body of `orders/updated` would hold, of the fields that we read."""
    status = node["displayFinancialStatus"]
    return {
        "id": digits(node["id"]),
        "order_number": node["number"],
        "email": node["email"],
        "customer": _customer(node["customer"]),
        "financial_status": status and status.lower(),
        "total_outstanding": node["totalOutstandingSet"]["shopMoney"]["amount"],
        "test": node["test"],
        "cancelled_at": node["cancelledAt"],
        "created_at": node["createdAt"],
        "processed_at": node["processedAt"],
        "updated_at": node["updatedAt"],
        "line_items": [_line_item(each) for each in node["lineItems"]["nodes"]],
        "refunds": [_refund(each) for each in node["refunds"]],
        "disputes": [_dispute(each) for each in node["disputes"]],
    }


def _customer(customer: dict[str, Any] | None) -> dict[str, Any] | None:
    if customer is None:
        return None
    return {"email": (customer["defaultEmailAddress"] or {}).get("emailAddress")}


def _line_item(item: dict[str, Any]) -> dict[str, Any]:
    product = item["product"]
    return {
        "id": digits(item["id"]),
        "product_id": product and digits(product["id"]),
        "quantity": item["quantity"],
        "current_quantity": item["currentQuantity"],
    }


def _refund(refund: dict[str, Any]) -> dict[str, Any]:
    items = [
        {"line_item_id": digits(each["lineItem"]["id"]), "quantity": each["quantity"]}
        for each in refund["refundLineItems"]["nodes"]
    ]
    return {"id": digits(refund["id"]), "refund_line_items": items}


def _dispute(dispute: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": digits(dispute["id"]),
        "initiated_as": dispute["initiatedAs"].lower(),
        "status": dispute["status"].lower(),
    }
