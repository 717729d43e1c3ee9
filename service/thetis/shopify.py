"""Shopify's language: is a webhook authentic, and what does its body say?

This module translates and decides nothing. A body becomes an argument of record_orders,
record_refunds or record_privacy_request: Shopify's own field names, only the fields that the
database reads, every value one that Postgres can hold. What an order means is decided in SQL.

Fields: https://shopify.dev/docs/api/admin-rest/latest/resources/order (and `refund`), and
https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, FailFast, Field, ValidationError
from pydantic_core import PydanticCustomError

from thetis.errors import UnusablePayload

TOPICS: Mapping[str, Literal["order", "refund", "privacy"]] = {
    "orders/create": "order",
    "orders/paid": "order",
    "orders/updated": "order",
    "orders/cancelled": "order",
    "refunds/create": "refund",
    "customers/data_request": "privacy",
    "customers/redact": "privacy",
    "shop/redact": "privacy",
}
"""What the body of each topic we handle holds. `orders/edited` is not among them: despite its name
its body is an edit, not an order (https://shopify.dev/docs/api/webhooks/latest)."""

REASON_LIMIT = 500
"""Characters in the reason of an UnusablePayload, at most."""

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")


def verify_signature(body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Did the holder of one of the secrets sign exactly these bytes?

    `header` is X-Shopify-Hmac-Sha256: base64 of HMAC-SHA256 over the raw body. Several secrets,
    because after a rotation Shopify may sign with the old one for up to an hour:
    https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    An empty secret never verifies; a malformed header is a wrong one, not an error.
    """
    try:
        claimed = base64.b64decode(header or "", validate=True)
    except ValueError:
        return False
    # Every secret is tried before the answer, so that the time taken does not tell which one fits.
    verdicts = [_signed_with(secret, body, claimed) for secret in secrets]
    return any(verdicts)


def _signed_with(secret: str, body: bytes, claimed: bytes) -> bool:
    expected = hmac.digest(secret.encode(), body, "sha256")
    return hmac.compare_digest(expected, claimed) and secret != ""


def translate_order(body: bytes) -> dict[str, Any]:
    """One element of record_orders' argument: the fields of Order, with null for an absent one."""
    return _translate(Order, body)


def translate_refund(body: bytes) -> dict[str, Any]:
    """One element of record_refunds' argument: the fields of Refund, null for an absent one."""
    return _translate(Refund, body)


def translate_privacy_request(topic: str, body: bytes) -> dict[str, Any]:
    """The argument of record_privacy_request."""
    told = _translate(PrivacyRequest, body)
    customer, asked = told["customer"] or {}, told["data_request"] or {}
    return {
        "topic": topic,
        "shop": told["shop_domain"],
        "email": customer.get("email"),
        "shopify_order_ids": told["orders_to_redact"] or told["orders_requested"] or [],
        "request_id": asked.get("id"),
    }


def _translate(model: type[BaseModel], body: bytes) -> dict[str, Any]:
    try:
        return model.model_validate_json(body).model_dump(mode="json")
    except ValidationError as error:
        raise UnusablePayload(_reason(error)) from None


def _reason(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in faults
    )[:REASON_LIMIT]


def _digits(value: object) -> str:
    """An id as text, so that nothing between here and Postgres can make it a float.

    Shopify's own test notification has ids of 18 digits, far above 2^53; a bigint holds them.
    """
    if type(value) is int and 0 < value < 2**63:
        return str(value)
    if isinstance(value, str) and len(value) <= 19 and value.isascii() and value.isdigit():
        return _digits(int(value))
    raise PydanticCustomError("shopify_id", "Input should be an integer from 1 to 2^63 - 1")


def _instant(value: object) -> datetime:
    """A moment, in UTC: ISO 8601 allows offsets that Postgres refuses."""
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise PydanticCustomError(
            "instant", "Input should be an ISO 8601 time with an offset, in the years 1 to 9999"
        ) from None


def _usable_address(value: object) -> str | None:
    """An address as Shopify sent it, or None for anything that no mail can be sent to.

    `email`, `contact_email` and `customer.email` may each be absent, null, "" or different from
    the others, so junk in one of them must not cost the order. SQL trims, lowers and chooses.
    """
    if not isinstance(value, str) or len(value) > 320:
        return None
    text = value.strip(" \t\r\n")
    return value if "@" in text[1:-1] and " " not in text and text.isprintable() else None


def _amount(value: object) -> str | None:
    """An amount of money as a decimal number in text, or None for anything else.

    Shopify sends text, and some old payloads lack the field: the amount must not cost the order.
    """
    is_number = (type(value) is int and abs(value) < 10**15) or type(value) is float
    text = str(value) if is_number else value
    return text if isinstance(text, str) and _AMOUNT.fullmatch(text) else None


T = TypeVar("T", bound="LineItem | OrderRefund")


def _distinct(items: list[T]) -> list[T]:
    if len({item.id for item in items}) < len(items):
        raise PydanticCustomError("distinct", "Two items should not have the same id")
    return items


Id = Annotated[str, BeforeValidator(_digits)]
Address = Annotated[str | None, BeforeValidator(_usable_address)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Amount = Annotated[str | None, BeforeValidator(_amount)]
Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]
Quantity = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Text = Annotated[str, Field(strict=True, max_length=100, pattern=r"^[^\x00]*$")]


class LineItem(BaseModel):
    """A line of an order.

    `product_id` is null for a custom item, a tip, and a product that was deleted since:
    https://community.shopify.dev/t/when-do-the-orders-create-updated-webhooks-include-variant-id/26971
    `quantity` is what was bought; `current_quantity` what is left of it after removals and refunds,
    absent before API version 2024-01:
    https://shopify.dev/changelog/addition-of-lineitem-current_quantity-on-admin-rest-api
    """

    id: Id
    product_id: Id | None = None
    quantity: Quantity
    current_quantity: Quantity | None = None


class RefundLineItem(BaseModel):
    """So many of a line item given back.

    A refund may name a line item twice (once for each way it is restocked); the quantities add up.
    """

    line_item_id: Id
    quantity: Quantity


class OrderRefund(BaseModel):
    """A refund. `refund_line_items` is empty when only money was given back, but always there."""

    id: Id
    refund_line_items: Annotated[list[RefundLineItem], FailFast()]


class Refund(OrderRefund):
    """A refund as refunds/create sends it: by itself, without the order."""

    order_id: Id
    created_at: Instant | None = None


class Customer(BaseModel):
    email: Address = None


class DataRequest(BaseModel):
    id: Id | None = None


class PrivacyRequest(BaseModel):
    """The body of the three compliance topics. A customer need not have an address."""

    shop_domain: Text
    customer: Customer | None = None
    orders_to_redact: list[Id] | None = None
    orders_requested: list[Id] | None = None
    data_request: DataRequest | None = None


class Order(BaseModel):
    """The body of every `orders/*` topic we handle.

    `customer` may be missing altogether, `email` be "" and `financial_status` be one that is new to
    us (https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus).

    `line_items` and `financial_status` decide what is granted, and Shopify leaves them out only of
    a webhook that was set up with `include_fields`. Taken for an order of nothing, or for one that
    is not paid, it would be lost; without a default it is rejected, and kept.
    """

    id: Id
    order_number: Id | None = None
    email: Address = None
    contact_email: Address = None
    customer: Customer | None = None
    financial_status: Text | None
    total_outstanding: Amount = None
    test: Flag = False
    cancelled_at: Instant | None = None
    created_at: Instant | None = None
    processed_at: Instant | None = None
    updated_at: Instant | None = None
    line_items: Annotated[list[LineItem], FailFast(), AfterValidator(_distinct)]
    refunds: Annotated[list[OrderRefund], FailFast(), AfterValidator(_distinct)] = []
