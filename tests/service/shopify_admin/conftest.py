from __future__ import annotations

from collections.abc import Iterator

import pytest

from devtools.fake_shopify import FakeShop, running
from tests.service.shopify_admin.asking import Asking


@pytest.fixture
def ask() -> Iterator[Asking]:
    shop = FakeShop()
    with running(shop) as base_url:
        yield Asking(shop=shop, base_url=base_url)


@pytest.fixture
def shop(ask: Asking) -> FakeShop:
    return ask.shop
