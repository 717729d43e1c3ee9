"""What is true of a life, and what the database says of it."""

from __future__ import annotations

from tests.support.database import Database
from tests.system.histories.lives import Life
from thetis.cli import shopify_payloads


def true_statuses(life: Life) -> dict[str, str]:
    return {
        str(line_id): status
        for order in life.orders
        for line_id, status in order.statuses().items()
    }


def stored_statuses(database: Database, life: Life) -> dict[str, str]:
    return {
        row["shopify_line_item_id"]: row["status"]
        for order in life.orders
        for row in database.purchases(order.id)
    }


def true_access(life: Life, address: str) -> set[str]:
    return {
        line.slug
        for order in life.orders
        if order.email.strip().lower() == address
        for line in order.lines
        if line.slug and order.statuses().get(line.id) == "active"
    }


def access(database: Database, user_id: str) -> set[str]:
    return {
        slug
        for slug in shopify_payloads.SAMPLE_PRODUCTS
        if database.accounts.has_access(user_id, slug)
    }
