"""Which functions of the database the service calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

CALLS: Mapping[LiteralString, tuple[LiteralString, ...]] = {
    "record_orders": ("orders", "test_orders", "received_at"),
    "record_refunds": ("refunds", "received_at"),
    "record_disputes": ("disputes", "received_at"),
    "honor_disputes": ("is_on", "max_count"),
    "record_deliveries": ("events",),
    "undelivered_emails": ("days",),
    "store_rejected_webhook": ("topic", "webhook_id", "body_base64", "reason"),
    "list_rejected_webhooks": ("include_replayed", "after_id", "max_count"),
    "get_rejected_webhook": ("id",),
    "mark_webhook_replayed": ("id",),
    "claim_notifications": ("provider", "max_count", "lease_seconds"),
    "settle_notifications": ("results",),
    "notification_backlog": (),
    "count_address_conflicts": (),
    "list_notifications": ("order_name", "state", "before_id", "max_count"),
    "get_notification": ("notification_id",),
    "retry_notifications": ("ids", "dry_run"),
    "resend_notification": ("order_name", "kind", "reason", "operator", "dry_run"),
    "expire_purchases": ("max_count",),
    "prune": ("older_than", "max_count"),
    "export_customer": ("address", "operator"),
    "forget_customer": ("address", "reason", "operator", "dry_run"),
    "record_privacy_request": ("request",),
    "list_privacy_requests": ("include_answered",),
    "count_privacy_requests": (),
    "mark_privacy_request_answered": ("id",),
    "customer_timeline": ("query", "operator"),
    "grant_access": ("slug", "recipient", "reason", "until", "operator", "grant_id", "dry_run"),
    "revoke_purchase": ("purchase_id", "reason", "expected_address", "operator", "dry_run"),
    "restore_purchase": ("purchase_id", "reason", "expected_address", "operator", "dry_run"),
    "extend_purchase": (
        "purchase_id",
        "until",
        "reason",
        "expected_address",
        "operator",
        "dry_run",
    ),
    "transfer_purchase": (
        "purchase_id",
        "address",
        "reason",
        "expected_address",
        "operator",
        "dry_run",
    ),
    "transfer_order": (
        "order_name",
        "address",
        "reason",
        "expected_address",
        "operator",
        "dry_run",
    ),
    "require_second_factor": ("is_required", "reason", "operator"),
    "list_products": (),
    "list_unmapped_products": ("max_count",),
    "add_product": ("slug", "name", "category", "shopify_product_id", "access_period"),
    "remove_product": ("slug",),
    "remove_shopify_product": ("shopify_product_id",),
    "check_schema": ("calls",),
}
"""Every function that the service calls, with the names of its arguments. What is called and what
check_schema asks for both come from here.
"""
