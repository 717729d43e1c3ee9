"""Webhooks as Shopify sends them, for `thetis simulate` and the tests: full bodies, signed.

The bodies are made up (example.com), their shape is that of API version 2026-10:
https://shopify.dev/docs/api/admin-rest/latest/resources/order (and `refund`).
Every id follows from what it identifies, so an order and its later refund name the same line items,
and the same arguments give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
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

SHOP = "thetis-demo.myshopify.com"
SHOP_TIME = timezone(timedelta(hours=-5))
API_VERSION = "2026-10"
TAX_RATE = Decimal("0.06")

FINANCIAL_STATUS: Mapping[str, str] = {
    "orders/create": "pending",
    "orders/paid": "paid",
    "orders/updated": "paid",
    "orders/cancelled": "paid",
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
    "standard_course": SampleProduct(
        shopify_id=9846187786568, title="Standard Course", price=Decimal("149.00")
    ),
    "premium_course": SampleProduct(
        shopify_id=9846188081480, title="Premium Course", price=Decimal("249.00")
    ),
    "essentials_course": SampleProduct(
        shopify_id=9846188376392, title="Essentials Course", price=Decimal("79.00")
    ),
    "professionals_course": SampleProduct(
        shopify_id=9846188671304, title="Professionals Course", price=Decimal("399.00")
    ),
    "splint": SampleProduct(
        shopify_id=9846188966216, title="Splint", price=Decimal("189.00"), is_shipped=True
    ),
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
    return _id("LineItem", order_id, product.shopify_id)


def order(
    topic: str,
    *,
    order_id: int,
    email: str,
    products: Sequence[SampleProduct],
    at: datetime,
    created_at: datetime | None = None,
) -> Json:
    """The body of an `orders/*` webhook, sent at `at` (aware) about an order made at `created_at`.

    A product named n times is one line with quantity n. orders/create tells of an order not yet
    paid, orders/cancelled of one cancelled with "refund later": only `cancelled_at` gives it away.
    """
    status = FINANCIAL_STATUS[topic]
    cancelled_at = _time(at) if topic == "orders/cancelled" else None
    made_at = _time(created_at or at)
    lines = Counter(products)
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        **_USUAL,
        **_names(order_id),
        **_sums(lines, is_paid=status == "paid"),
        **_people(order_id, email, made_at, is_shipped=any(line.is_shipped for line in lines)),
        "financial_status": status,
        "cancelled_at": cancelled_at,
        "cancel_reason": "customer" if cancelled_at else None,
        "created_at": made_at,
        "processed_at": made_at,
        "updated_at": _time(at),
        "line_items": [_line_item(order_id, *line) for line in lines.items()],
        "refunds": [],
    }


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
    line_ids = [line_item_id(order_id, product) for product in products]
    paid_back = _with_tax(_subtotal(lines)) if amount is None else amount
    refund_id = _id("Refund", order_id, _time(at), paid_back, *sorted(line_ids))
    return {
        "id": refund_id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}",
        "order_id": order_id,
        "created_at": _time(at),
        "processed_at": _time(at),
        "note": None,
        "user_id": _id("StaffMember", SHOP),
        "restock": False,
        "return": None,
        "duties": [],
        "total_duties_set": _money("0.00"),
        "additional_fees": [],
        "total_additional_fees_set": _money("0.00"),
        "refund_shipping_lines": [],
        "refund_line_items": [_refund_line(order_id, refund_id, *line) for line in lines.items()],
        "order_adjustments": [] if lines else [_discrepancy(order_id, refund_id, paid_back)],
        "transactions": [_transaction(order_id, refund_id, paid_back, _time(at))],
    }


def encode(payload: Json) -> bytes:
    """The payload as Shopify writes it: compact, UTF-8. These are the bytes to sign and send."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def headers(topic: str, body: bytes, secret: str, shop: str = SHOP) -> dict[str, str]:
    """The headers of one delivery of this body.

    https://shopify.dev/docs/apps/build/webhooks/delivery-structure
    """
    digest = hmac.digest(secret.encode(), body, "sha256")
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-API-Version": API_VERSION,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }


def send(topic: str, url: str, secret: str, body: bytes) -> httpx.Response:
    """Delivers the body once, as patient as Shopify: 1 s to connect, 5 s for the answer."""
    patience = httpx.Timeout(5.0, connect=1.0)
    return httpx.post(url, content=body, headers=headers(topic, body, secret), timeout=patience)


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _id(*parts: object) -> int:
    """14 digits, like today's line items."""
    return 10**13 + int(_hash(*parts), 16) % (9 * 10**13)


def _time(moment: datetime) -> str:
    return moment.astimezone(SHOP_TIME).isoformat(timespec="seconds")


def _money(amount: Decimal | str) -> Json:
    """Shopify's pair of the shop's and the customer's currency, here the same one."""
    money = {"amount": str(amount), "currency_code": "USD"}
    return {"shop_money": money, "presentment_money": money}


def _subtotal(lines: Counter[SampleProduct]) -> Decimal:
    return sum((product.price * n for product, n in lines.items()), Decimal("0.00"))


def _tax(amount: Decimal) -> Decimal:
    return (amount * TAX_RATE).quantize(Decimal("0.01"))


def _with_tax(amount: Decimal) -> Decimal:
    return amount + _tax(amount)


def _tax_line(amount: Decimal) -> Json:
    tax = _tax(amount)
    return {
        "title": "Kentucky State Tax",
        "rate": float(TAX_RATE),
        "price": str(tax),
        "price_set": _money(tax),
        "channel_liable": False,
    }


def _names(order_id: int) -> Json:
    number = order_id % 9000 + 1
    token = _hash("token", order_id)[:32]
    key = _hash("key", order_id)[:32]
    shop_url = f"https://{SHOP}/{_id('Shop')}"
    return {
        "number": number,
        "order_number": number + 1000,
        "name": f"#{number + 1000}",
        "confirmation_number": _hash("confirmation", order_id)[:9].upper(),
        "token": token,
        "cart_token": _hash("cart", order_id)[:32],
        "checkout_id": _id("Checkout", order_id),
        "checkout_token": _hash("checkout", order_id)[:32],
        "order_status_url": f"{shop_url}/orders/{token}/authenticate?key={key}",
    }


def _sums(lines: Counter[SampleProduct], *, is_paid: bool) -> Json:
    subtotal = _subtotal(lines)
    total = _with_tax(subtotal)
    sums = {
        "current_subtotal_price": subtotal,
        "current_total_discounts": Decimal("0.00"),
        "current_total_price": total,
        "current_total_tax": _tax(subtotal),
        "subtotal_price": subtotal,
        "total_discounts": Decimal("0.00"),
        "total_line_items_price": subtotal,
        "total_price": total,
        "total_tax": _tax(subtotal),
    }
    return {
        **{name: str(amount) for name, amount in sums.items()},
        **{f"{name}_set": _money(amount) for name, amount in sums.items()},
        "tax_lines": [_tax_line(subtotal)],
        "total_outstanding": "0.00" if is_paid else str(total),
    }


def _people(order_id: int, email: str, made_at: str, *, is_shipped: bool) -> Json:
    return {
        "email": email,
        "contact_email": email,
        "billing_address": _ADDRESS,
        "customer": _customer(email, made_at),
        "shipping_address": _ADDRESS if is_shipped else None,
        "shipping_lines": [_shipping_line(order_id)] if is_shipped else [],
    }


def _customer(email: str, made_at: str) -> Json:
    customer_id = _id("Customer", email)
    return {
        "id": customer_id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "email": email,
        "first_name": "Ada",
        "last_name": "Example",
        "phone": None,
        "note": None,
        "state": "disabled",
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "currency": "USD",
        "created_at": made_at,
        "updated_at": made_at,
        "default_address": {
            **_ADDRESS,
            "id": _id("Address", email),
            "customer_id": customer_id,
            "country_name": "United States",
            "default": True,
        },
    }


def _shipping_line(order_id: int) -> Json:
    return {
        "id": _id("ShippingLine", order_id),
        "carrier_identifier": None,
        "code": "Standard",
        "title": "Standard",
        "source": "shopify",
        "price": "0.00",
        "price_set": _money("0.00"),
        "discounted_price": "0.00",
        "discounted_price_set": _money("0.00"),
        "current_discounted_price_set": _money("0.00"),
        "is_removed": False,
        "phone": None,
        "requested_fulfillment_service_id": None,
        "tax_lines": [],
        "discount_allocations": [],
    }


def _line_item(order_id: int, product: SampleProduct, quantity: int) -> Json:
    item_id = line_item_id(order_id, product)
    return {
        "id": item_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{item_id}",
        **_USUAL_LINE_ITEM,
        "title": product.title,
        "name": product.title,
        "product_id": product.shopify_id,
        "variant_id": _id("ProductVariant", product.shopify_id),
        "sku": product.title.upper().replace(" ", "-"),
        "quantity": quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": quantity,
        "grams": 450 if product.is_shipped else 0,
        "requires_shipping": product.is_shipped,
        "price": str(product.price),
        "price_set": _money(product.price),
        "tax_lines": [_tax_line(product.price * quantity)],
    }


def _refund_line(order_id: int, refund_id: int, product: SampleProduct, quantity: int) -> Json:
    subtotal = product.price * quantity
    return {
        "id": _id("RefundLineItem", refund_id, product.shopify_id),
        "line_item_id": line_item_id(order_id, product),
        "quantity": quantity,
        "location_id": None,
        "restock_type": "no_restock",
        "subtotal": float(subtotal),
        "subtotal_set": _money(subtotal),
        "total_tax": float(_tax(subtotal)),
        "total_tax_set": _money(_tax(subtotal)),
        "line_item": _line_item(order_id, product, quantity),
    }


def _discrepancy(order_id: int, refund_id: int, amount: Decimal) -> Json:
    return {
        "id": _id("OrderAdjustment", refund_id),
        "order_id": order_id,
        "refund_id": refund_id,
        "kind": "refund_discrepancy",
        "reason": "Refund discrepancy",
        "amount": str(-amount),
        "amount_set": _money(-amount),
        "tax_amount": "0.00",
        "tax_amount_set": _money("0.00"),
    }


def _transaction(order_id: int, refund_id: int, amount: Decimal, at: str) -> Json:
    transaction_id = _id("OrderTransaction", refund_id)
    unsettled = {"amount": "0.0", "currency": "USD"}
    return {
        "id": transaction_id,
        "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{transaction_id}",
        **_USUAL_TRANSACTION,
        "order_id": order_id,
        "parent_id": _id("OrderTransaction", order_id),
        "amount": str(amount),
        "created_at": at,
        "processed_at": at,
        "payment_id": f"{_hash('payment', order_id)[:22]}.2",
        "total_unsettled_set": {"presentment_money": unsettled, "shop_money": unsettled},
    }


_BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.2"

_ADDRESS: Json = {
    "first_name": "Ada",
    "last_name": "Example",
    "name": "Ada Example",
    "company": None,
    "address1": "1 Example Street",
    "address2": None,
    "city": "Louisville",
    "zip": "40202",
    "province": "Kentucky",
    "province_code": "KY",
    "country": "United States",
    "country_code": "US",
    "phone": None,
    "latitude": 38.2527,
    "longitude": -85.7585,
}

# The fields of an order that are the same in all our samples.
_USUAL: Json = {
    "app_id": 580111,
    "browser_ip": "203.0.113.7",
    "buyer_accepts_marketing": False,
    "client_details": {
        "accept_language": "en-US",
        "browser_height": None,
        "browser_ip": "203.0.113.7",
        "browser_width": None,
        "session_hash": None,
        "user_agent": _BROWSER,
    },
    "closed_at": None,
    "confirmed": True,
    "currency": "USD",
    "current_shipping_price_set": _money("0.00"),
    "current_total_additional_fees_set": None,
    "current_total_duties_set": None,
    "customer_locale": "en-US",
    "device_id": None,
    "discount_applications": [],
    "discount_codes": [],
    "duties_included": False,
    "estimated_taxes": False,
    "fulfillment_status": None,
    "fulfillments": [],
    "landing_site": "/",
    "landing_site_ref": None,
    "line_item_groups": [],
    "location_id": None,
    "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
    "merchant_of_record_app_id": None,
    "note": None,
    "note_attributes": [],
    "original_total_additional_fees_set": None,
    "original_total_duties_set": None,
    "payment_gateway_names": ["shopify_payments"],
    "payment_terms": None,
    "phone": None,
    "po_number": None,
    "presentment_currency": "USD",
    "reference": None,
    "referring_site": None,
    "returns": [],
    "source_identifier": None,
    "source_name": "web",
    "source_url": None,
    "tags": "",
    "tax_exempt": False,
    "taxes_included": False,
    "test": False,
    "total_cash_rounding_payment_adjustment_set": _money("0.00"),
    "total_cash_rounding_refund_adjustment_set": _money("0.00"),
    "total_shipping_price_set": _money("0.00"),
    "total_tip_received": "0.00",
    "total_weight": 0,
    "user_id": None,
}

_USUAL_LINE_ITEM: Json = {
    "attributed_staffs": [],
    "discount_allocations": [],
    "duties": [],
    "fulfillment_service": "manual",
    "fulfillment_status": None,
    "gift_card": False,
    "product_exists": True,
    "properties": [],
    "sales_line_item_group_id": None,
    "taxable": True,
    "total_discount": "0.00",
    "total_discount_set": _money("0.00"),
    "variant_inventory_management": None,
    "variant_title": None,
    "vendor": "Thetis",
}

_USUAL_TRANSACTION: Json = {
    "kind": "refund",
    "gateway": "shopify_payments",
    "status": "success",
    "message": "Transaction approved",
    "test": False,
    "authorization": None,
    "location_id": None,
    "user_id": None,
    "device_id": None,
    "error_code": None,
    "source_name": "1830279",
    "receipt": {},
    "currency": "USD",
    "manual_payment_gateway": False,
    "amount_rounding": None,
}
