"""Shopify's orders, refunds and disputes in short: just the fields that record_orders reads.

For whole payloads, as the HTTP endpoint gets them, see thetis.cli.shopify_payloads.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from thetis.cli import shopify_payloads

Json = dict[str, Any]

COURSE, PREMIUM, SPLINT = "standard_course", "premium_course", "splint"


def order(
    order_id: int, *lines: str | Json, email: str | None = "ada@example.com", **fields: Any
) -> Json:
    """A paid order made just now, of these slugs (or lines made with `line`)."""
    made_at = fields.pop("made_at", datetime.now(UTC))
    return {
        "id": order_id,
        "order_number": order_id,
        "email": email,
        "contact_email": None,
        "customer": None,
        "financial_status": "paid",
        "cancelled_at": None,
        "created_at": made_at.isoformat(),
        "processed_at": made_at.isoformat(),
        "updated_at": made_at.isoformat(),
        "line_items": [line(order_id, each) if isinstance(each, str) else each for each in lines],
        "refunds": [],
        **fields,
    }


def line(order_id: int, slug: str, *, quantity: int = 1, **fields: Any) -> Json:
    """The line item that holds this product in this order."""
    product = shopify_payloads.SAMPLE_PRODUCTS[slug]
    return {
        "id": line_id(order_id, slug),
        "product_id": product.shopify_id,
        "quantity": quantity,
        "current_quantity": quantity,
        **fields,
    }


def line_id(order_id: int, slug: str) -> int:
    return shopify_payloads.line_item_id(order_id, shopify_payloads.SAMPLE_PRODUCTS[slug])


def refund(refund_id: int, order_id: int, **quantities: int) -> Json:
    """A refund of so many of each product; of an amount alone when none is named."""
    return {
        "id": refund_id,
        "order_id": order_id,
        "refund_line_items": [
            {"line_item_id": line_id(order_id, slug), "quantity": quantity}
            for slug, quantity in quantities.items()
        ],
    }


def dispute(
    dispute_id: int, order_id: int | None, status: str = "needs_response", kind: str = "chargeback"
) -> Json:
    """What a webhook says of a dispute."""
    return {"id": dispute_id, "order_id": order_id, "type": kind, "status": status}


def summary(dispute_id: int, status: str = "needs_response", kind: str = "chargeback") -> Json:
    """What an order says of a dispute, as the Admin API tells it."""
    return {"id": dispute_id, "initiated_as": kind, "status": status}


def days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)
