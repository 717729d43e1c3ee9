"""A shop at Shopify, as far as we ask its Admin API: real HTTP, on loopback.

Queries are executed against Shopify's own schema, which the package @shopify/dev-mcp holds for each
version, so that a field we misspell, an argument of a wrong type, or a scope that we lack is
refused here as there. The shop's orders are put in as the bodies of webhooks.

    shop = FakeShop()
    shop.put(order)                  # the body of orders/updated
    with running(shop) as base_url:
        ...                          # ShopifyAdmin(base_url=base_url, …)

What Shopify does and this does not: send webhooks by itself, look orders up by anything but their
times, page backwards, let points run out (it can be told to say so).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devtools.fake_shopify.serving import application
from devtools.fake_shopify.shop import LIVING_VERSIONS, FakeShop, Received, Said
from devtools.loopback import serving

__all__ = ["LIVING_VERSIONS", "FakeShop", "Received", "Said", "app", "running"]

app = application
"""The ASGI application of a shop."""


@contextmanager
def running(shop: FakeShop) -> Iterator[str]:
    """Serve in a thread on a free port of 127.0.0.1; yields the base URL, without a path."""
    with serving(application(shop), "fake shopify") as base_url:
        yield base_url
