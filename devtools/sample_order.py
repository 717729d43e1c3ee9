"""What the database makes of a sample order: the notifications that the service would claim.

The order goes the way of a webhook, through the product's own code and SQL, on a local platform
that lives as long as the question.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from devtools import migrations, platform
from devtools.accounts import Accounts
from thetis import wiring
from thetis.cli import shopify_payloads
from thetis.cli.shopify_payloads import SampleProduct
from thetis.database import Database
from thetis.settings import DatabaseSettings, load
from thetis.shopify import translate_order

ORDER_NUMBER = 1001
CUSTOMER = "customer@example.com"

_PROVIDERS = ("knock", "resend")
_NEW_SHOPIFY_ID = 9_999_000_000_000
"""A product without a Shopify id gets one from here on."""

Payload = dict[str, Any]


class UnknownProduct(ValueError):
    """The catalogue has no product of that name, and no category was given."""


@dataclass(frozen=True, kw_only=True)
class OrderedProduct:
    slug: str
    name: str
    category: str


@dataclass(frozen=True, kw_only=True)
class SampleOrder:
    """Payloads by kind: for a customer who has no account yet, and for one who has."""

    products: list[OrderedProduct]
    without_account: dict[str, Payload]
    with_account: dict[str, Payload]


def record(supabase_dir: Path, ordered: Sequence[tuple[str, str]]) -> SampleOrder:
    """The notifications of an order of these: slugs, each with a category or "" for its own.

    Raises UnknownProduct, PlatformError, MigrationError, or DatabaseError.
    """
    with _platform(supabase_dir) as running:
        return asyncio.run(_record(running, ordered))


@contextmanager
def _platform(supabase_dir: Path) -> Iterator[platform.Platform]:
    with tempfile.TemporaryDirectory(prefix="thetis-") as folder:
        running = platform.start(Path(folder))
        try:
            migrations.apply(running.database_url, supabase_dir)
            yield running
        finally:
            platform.stop(Path(folder))


async def _record(running: platform.Platform, ordered: Sequence[tuple[str, str]]) -> SampleOrder:
    database = wiring.database(load(DatabaseSettings, database_url=running.database_url))
    await database.open()
    try:
        products = await _catalogue(database, ordered)
        without_account = await _notifications(database, 1, products)
        with Accounts(running.admin_url) as accounts:
            accounts.sign_up(CUSTOMER)
        with_account = await _notifications(database, 2, products)
    finally:
        await database.close()
    return SampleOrder(
        products=list(products), without_account=without_account, with_account=with_account
    )


async def _catalogue(
    database: Database, ordered: Sequence[tuple[str, str]]
) -> dict[OrderedProduct, int]:
    """Each product with the Shopify id that the catalogue now has for it."""
    existing = {product.slug: product for product in await database.list_products()}
    products = {}
    for place, (slug, category) in enumerate(ordered):
        found = existing.get(slug)
        if not (category or found):
            names = ", ".join(existing)
            raise UnknownProduct(f"{slug!r} is neither slug=category nor one of {names}")
        product = OrderedProduct(
            slug=slug,
            name=found.name if found else slug.replace("_", " ").title(),
            category=category or (found.category if found else ""),
        )
        ids = found.shopify_product_ids if found else []
        products[product] = int(ids[0]) if ids else _NEW_SHOPIFY_ID + place
        await database.add_product(
            slug=product.slug,
            name=product.name,
            category=product.category,
            shopify_product_id=str(products[product]),
            access_period=None,
        )
    return products


async def _notifications(
    database: Database, order_id: int, products: dict[OrderedProduct, int]
) -> dict[str, Payload]:
    """Record an order as its webhook would, and claim what is due because of it."""
    body = shopify_payloads.order(
        "orders/paid",
        order_id=order_id,
        email=CUSTOMER,
        products=[
            SampleProduct(shopify_id=shopify_id, title=product.name, price=Decimal("99.00"))
            for product, shopify_id in products.items()
        ],
        at=datetime.now(UTC),
    )
    body |= {"order_number": ORDER_NUMBER, "name": f"#{ORDER_NUMBER}"}
    await database.record_orders([translate_order(shopify_payloads.encode(body))])
    claimed = [
        each
        for provider in _PROVIDERS
        for each in await database.claim_notifications(
            provider=provider, max_count=10, lease_seconds=60
        )
    ]
    return {each.kind: each.payload for each in claimed if each.shopify_order_id == str(order_id)}
