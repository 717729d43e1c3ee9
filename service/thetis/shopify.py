"""Shopify's language: is a webhook authentic, and what does its body say?

This module translates and decides nothing. A body becomes an argument of record_orders,
record_refunds, record_disputes or record_privacy_request: Shopify's own field names, only the
fields that the database reads, every value one that Postgres can hold. What an order means is
decided in SQL.

Fields: https://shopify.dev/docs/api/admin-rest/latest/resources/order (`refund`, `dispute`), and
https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, FailFast, Field, ValidationError
from pydantic_core import PydanticCustomError

from thetis.errors import UnusablePayload
from thetis.shopify_fields import Address, Amount, Flag, Id, Instant, Quantity, Text, Word

TOPICS: Mapping[str, Literal["order", "refund", "dispute", "privacy"]] = {
    "orders/create": "order",
    "orders/paid": "order",
    "orders/updated": "order",
    "orders/cancelled": "order",
    "refunds/create": "refund",
    "disputes/create": "dispute",
    "disputes/update": "dispute",
    "customers/data_request": "privacy",
    "customers/redact": "privacy",
    "shop/redact": "privacy",
}
"""What the body of each topic we handle holds. `orders/edited` is not among them: despite its name
its body is an edit, not an order (https://shopify.dev/docs/api/webhooks/latest)."""

REASON_LIMIT = 500
"""Characters in the reason of an UnusablePayload, at most."""


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


def translate_dispute(body: bytes) -> dict[str, Any]:
    """One element of record_disputes' argument: the fields of Dispute, null for an absent one."""
    return _translate(Dispute, body)


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


T = TypeVar("T", bound="LineItem | OrderRefund | OrderDispute")


def _distinct(items: list[T]) -> list[T]:
    if len({item.id for item in items}) < len(items):
        raise PydanticCustomError("distinct", "Two items should not have the same id")
    return items


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


class OrderDispute(BaseModel):
    """A dispute as the Admin API tells it with its order.

    `initiated_as` is how it began, inquiry or chargeback, and may not follow an inquiry that became
    a chargeback: https://shopify.dev/docs/api/admin-graphql/latest/objects/OrderDisputeSummary
    The number in its id is the one that disputes/create has, though the two kinds of id differ.
    """

    id: Id
    initiated_as: Word
    status: Word


class Dispute(BaseModel):
    """A dispute as disputes/create and disputes/update send it. `type` is what it is by now.

    `order_id` is null where Shopify knows the payment and no order of it:
    https://shopify.dev/docs/api/admin-rest/latest/resources/dispute
    """

    id: Id
    order_id: Id | None = None
    type: Word
    status: Word


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

    No webhook has `disputes`: the Admin API tells them. None is no word of them, not that there are
    none.
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
    disputes: (
        Annotated[list[OrderDispute], Field(fail_fast=True), AfterValidator(_distinct)] | None
    ) = None
