"""Bodies to translate, and the ways to spoil them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from thetis.cli import shopify_payloads

AT = datetime(2026, 11, 23, 12, 30, 15, tzinfo=UTC)
ORDER_ID = 5992405729560
COURSE = shopify_payloads.SAMPLE_PRODUCTS["standard_course"]
SPLINT = shopify_payloads.SAMPLE_PRODUCTS["splint"]

Path = tuple[str | int, ...]


def an_order(topic: str = "orders/paid", **changes: Any) -> dict[str, Any]:
    products = [COURSE, SPLINT, SPLINT]
    email = "ada@example.com"
    return (
        shopify_payloads.order(topic, order_id=ORDER_ID, email=email, products=products, at=AT)
        | changes
    )


def a_refund(**changes: Any) -> dict[str, Any]:
    return shopify_payloads.refund(order_id=ORDER_ID, products=[SPLINT], at=AT) | changes


def an_amount_only_refund() -> dict[str, Any]:
    return shopify_payloads.refund(order_id=ORDER_ID, amount=Decimal("10.00"), at=AT)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value inside this one, itself included."""
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from paths(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from paths(child, (*path, index))


def put(payload: Any, path: Path, value: Any) -> Any:
    """The payload with this value at this path. What is not on the path is shared, not copied."""
    if not path:
        return value
    step, *rest = path
    changed = payload.copy()
    changed[step] = put(payload[step], tuple(rest), value)
    return changed


def encode(value: Any) -> bytes:
    """As JSON, and what is not quite JSON as well: NaN, lone surrogates."""
    return json.dumps(value, separators=(",", ":")).encode()
