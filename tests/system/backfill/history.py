"""A shop with a long history: the model of tests/system/histories, lived by chance.

The truth is read off the orders, not off what was told of them.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.database import Database
from tests.system.histories.shop import Json, Line, Order
from thetis.cli import shopify_payloads

SLUGS: list[str | None] = [*shopify_payloads.SAMPLE_PRODUCTS, None]
NEW = timedelta(days=3)


def lived(count: int, *, seed: int, days: float, until: datetime) -> list[Order]:
    """So many orders of the last days, many of them of the same second."""
    chance = random.Random(seed)
    return [_order(number, chance, until, days) for number in range(count)]


def _order(number: int, chance: random.Random, until: datetime, days: float) -> Order:
    seconds = chance.randrange(int(days * 86400))
    # a sale, or a change that somebody made to many orders at once
    made_at = until - timedelta(seconds=seconds if number % 5 else 600 + seconds // 86400 * 86400)
    lines = [
        Line(chance.choice(SLUGS), chance.choice((1, 1, 1, 2)), is_custom=chance.random() < 0.05)
        for _ in range(chance.choice((1, 1, 1, 2, 3)))
    ]
    for line in lines:
        line.slug = None if line.is_custom else line.slug
    order = Order(
        f"customer{number % 4000}@example.com", lines, made_at=made_at.replace(microsecond=0)
    )
    order.create()
    if chance.random() < 0.95:
        order.pay()
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        _happen(order, chance)
    return order


def _happen(order: Order, chance: random.Random) -> None:
    line = chance.choice(order.lines)
    chance.choice(
        (
            lambda: order.give_back(line, 1),
            lambda: order.give_back(line, line.quantity),
            lambda: order.pay_back(1),
            order.cancel,
            order.pay,
            lambda: _add_and_pay(order, Line(chance.choice(SLUGS), 1)),
        )
    )()


def _add_and_pay(order: Order, line: Line) -> None:
    """Only what Shopify still knows of it at the end: while something is outstanding, it does not
    tell which lines are paid; and of money that was paid back before, it does not tell of what.
    """
    if not order.paid_back:
        order.add(line)
        order.pay()


def body(order: Order) -> Json:
    """The order as Shopify has it now."""
    told = order.correct_email(order.email, hastily=True)[0].payload
    return {**told, "order_number": 1 + order.id % 1_000_000}


def true_purchases(orders: list[Order]) -> dict[str, tuple[str, str, str]]:
    """Line, and of what its purchase is, whose, and how it stands."""
    return {
        str(line_id): (str(order.slug(line_id)), order.email, status)
        for order in orders
        for line_id, status in order.statuses().items()
    }


def stored_purchases(database: Database) -> dict[str, tuple[str, str, str]]:
    return {
        row["shopify_line_item_id"]: (
            row["product_slug"],
            row["shopify_customer_email"],
            row["status"],
        )
        for row in database.purchases()
    }


def announced(database: Database) -> set[str]:
    rows = database.rows(
        "select distinct shopify_order_id from thetis.notifications where kind = 'post_purchase'"
    )
    return {row["shopify_order_id"] for row in rows}


def truly_announced(orders: list[Order]) -> set[str]:
    """What is new, and of which anything is still active."""
    return {
        str(order.id)
        for order in orders
        if order.made_at > datetime.now(UTC) - NEW and "active" in order.statuses().values()
    }


def settings(database: Database, base_url: str, token: str) -> dict[str, Any]:
    return {
        "DATABASE_URL": database.url,
        "SHOPIFY_SHOP": "example-shop.myshopify.com",
        "SHOPIFY_BASE_URL": base_url,
        "SHOPIFY_ADMIN_TOKEN": token,
    }
