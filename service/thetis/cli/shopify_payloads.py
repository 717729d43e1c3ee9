"""Webhooks as Shopify sends them, for `thetis simulate`, the demo, the benchmark and the tests.

The bodies are made up (example.com), their shape is that of API version 2026-10:
https://shopify.dev/docs/api/admin-rest/latest/resources/order (and `refund`).
Every id follows from what it identifies, so an order and its later refund name the same line items,
and the same arguments give the same bytes.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx

from thetis.cli.shopify_templates import TEMPLATES, Values, hashed, identity

SHOP = "thetis-demo.myshopify.com"
SHOP_TIME = timezone(timedelta(hours=-5))
API_VERSION = "2026-10"
TAX_RATE = Decimal("0.06")

FINANCIAL_STATUS: Mapping[str, str] = {
    "orders/create": "pending",
    **dict.fromkeys(("orders/paid", "orders/updated", "orders/cancelled"), "paid"),
}

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SampleProduct:
    """A product of the shop. `price` is in US dollars, before tax."""

    shopify_id: int
    title: str
    price: Decimal
    is_shipped: bool = False


SAMPLE_PRODUCTS: Mapping[str, SampleProduct] = {
    slug: SampleProduct(**{**product, "price": Decimal(product["price"])})
    for slug, product in TEMPLATES["products"].items()
}


def find_product(name: str) -> SampleProduct:
    """The product with this slug, or with this Shopify product id, which may be a new one.

    Raises ValueError for anything else, with a message for the user.
    """
    if name in SAMPLE_PRODUCTS:
        return SAMPLE_PRODUCTS[name]
    if not re.fullmatch("[1-9][0-9]{0,17}", name):
        known = ", ".join(SAMPLE_PRODUCTS)
        raise ValueError(f"{name!r} is neither a Shopify product id nor one of {known}")
    by_id = {product.shopify_id: product for product in SAMPLE_PRODUCTS.values()}
    other = SampleProduct(shopify_id=int(name), title=f"Product {name}", price=Decimal("49.00"))
    return by_id.get(int(name), other)


def new_order_id() -> int:
    """A random order id of 13 digits, like those of today's orders."""
    return 6_000_000_000_000 + secrets.randbelow(10**12)


def line_item_id(order_id: int, product: SampleProduct) -> int:
    """The id of the line item that holds this product in this order."""
    return identity("LineItem", order_id, product.shopify_id)


def order(
    topic: str,
    *,
    order_id: int,
    email: str,
    products: Sequence[SampleProduct],
    at: datetime,
    created_at: datetime | None = None,
    is_test: bool = False,
) -> Json:
    """The body of an `orders/*` webhook, sent at `at` (aware) about an order made at `created_at`.

    A product named n times is one line with quantity n. orders/create tells of an order not yet
    paid, orders/cancelled of one cancelled with "refund later": only `cancelled_at` gives it away.
    """
    status = FINANCIAL_STATUS[topic]
    is_cancelled = topic == "orders/cancelled"
    lines = Counter(products)
    is_shipped = any(product.is_shipped for product in lines)
    amounts = _amounts(lines)
    values = Values(
        {**amounts, **_names(order_id)},
        email=email,
        outstanding="0.00" if status == "paid" else amounts["total"],
        financial_status=status,
        cancelled_at=_time(at) if is_cancelled else None,
        cancel_reason="customer" if is_cancelled else None,
        made_at=_time(created_at or at),
        at=_time(at),
        is_test=is_test,
        line_items=[_line(order_id, *line)["line_item"] for line in lines.items()],
        shipping_address=TEMPLATES["address"] if is_shipped else None,
    )
    values["shipping_lines"] = [values["shipping_line"]] if is_shipped else []
    return values.template("order")


def refund(
    *,
    order_id: int,
    products: Sequence[SampleProduct] = (),
    amount: Decimal | None = None,
    at: datetime,
) -> Json:
    """The body of a refunds/create webhook: these products given back at `at` (aware).

    A product named n times is n of its line item. Without products it is a refund of money alone,
    of `amount` dollars, which Shopify books as a discrepancy.
    """
    lines = Counter(products)
    paid_back = Decimal(_amounts(lines)["total"]) if amount is None else amount
    refund_id = identity(
        "Refund",
        order_id,
        _time(at),
        paid_back,
        *sorted(line_item_id(order_id, each) for each in products),
    )
    values = Values(
        order_id=order_id,
        refund_id=refund_id,
        at=_time(at),
        amount=str(paid_back),
        negative_amount=str(-paid_back),
        zero="0.00",
        payment_token=hashed("payment", order_id)[:22],
        refund_line_items=[
            _line(order_id, *line, refund_id=refund_id)["refund_line_item"]
            for line in lines.items()
        ],
    )
    values["order_adjustments"] = [] if lines else [values["order_adjustment"]]
    return values.template("refund")


def encode(payload: Json) -> bytes:
    """The payload as Shopify writes it: compact, UTF-8. These are the bytes to sign and send."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def headers(topic: str, body: bytes, secret: str) -> dict[str, str]:
    """The headers of one delivery of this body.

    https://shopify.dev/docs/apps/build/webhooks/delivery-structure
    """
    digest = hmac.digest(secret.encode(), body, "sha256")
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-API-Version": API_VERSION,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }


def send(topic: str, url: str, secret: str, body: bytes) -> httpx.Response:
    """Delivers the body once, as patient as Shopify: 1 s to connect, 5 s for the answer."""
    patience = httpx.Timeout(5.0, connect=1.0)
    return httpx.post(url, content=body, headers=headers(topic, body, secret), timeout=patience)


def _time(moment: datetime) -> str:
    return moment.astimezone(SHOP_TIME).isoformat(timespec="seconds")


def _amounts(lines: Counter[SampleProduct]) -> Json:
    subtotal = sum((product.price * n for product, n in lines.items()), Decimal("0.00"))
    tax = (subtotal * TAX_RATE).quantize(Decimal("0.01"))
    amounts = {"subtotal": subtotal, "tax": tax, "total": subtotal + tax, "zero": Decimal("0.00")}
    return {name: str(amount) for name, amount in amounts.items()}


def _names(order_id: int) -> Json:
    number = order_id % 9000 + 1
    return {
        "order_id": order_id,
        "number": number,
        "order_number": number + 1000,
        "confirmation_number": hashed("confirmation", order_id)[:9].upper(),
        "shop": f"{SHOP}/{identity('Shop')}",
        **{word: hashed(word, order_id)[:32] for word in ("token", "key", "cart", "checkout")},
    }


def _line(order_id: int, product: SampleProduct, quantity: int, **more: Any) -> Values:
    """What a line item and a line of a refund say."""
    amounts = _amounts(Counter({product: quantity}))
    return Values(
        amounts,
        order_id=order_id,
        title=product.title,
        product_id=product.shopify_id,
        sku=product.title.upper().replace(" ", "-"),
        quantity=quantity,
        grams=450 if product.is_shipped else 0,
        is_shipped=product.is_shipped,
        price=str(product.price),
        subtotal_number=float(amounts["subtotal"]),
        tax_number=float(amounts["tax"]),
        **more,
    )
