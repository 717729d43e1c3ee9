"""A shop that is served, and questions to it by our client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from devtools.fake_shopify import FakeShop, Said
from thetis.errors import ShopifyRefused, ShopifyUnavailable
from thetis.providers.shopify_admin import (
    AdminToken,
    ClientCredentials,
    OrderPage,
    ShopifyAdmin,
)

Answer = TypeVar("Answer")

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class Asking:
    shop: FakeShop
    base_url: str
    slept: list[float] = field(default_factory=list)
    """The waits that the client would have made."""

    def __call__(
        self, question: Callable[[ShopifyAdmin], Awaitable[Answer]], **changes: Any
    ) -> Answer:
        async def ask() -> Answer:
            admin = self.client(**changes)
            try:
                return await question(admin)
            finally:
                await admin.close()

        return asyncio.run(ask())

    def client(self, **changes: Any) -> ShopifyAdmin:
        """Must be called where a loop runs."""

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return ShopifyAdmin(
            **{
                "base_url": self.base_url,
                "credentials": AdminToken(token=self.shop.admin_token),
                "api_version": "2026-10",
                "timeout": 10.0,
                "sleep": sleep,
                **changes,
            }
        )

    @property
    def client_credentials(self) -> ClientCredentials:
        return ClientCredentials(
            client_id=self.shop.client_id, client_secret=self.shop.client_secret
        )

    def refused(
        self, question: Callable[[ShopifyAdmin], Awaitable[Any]], **changes: Any
    ) -> ShopifyRefused:
        try:
            answer = self(question, **changes)
        except ShopifyRefused as error:
            return error
        raise AssertionError(f"not refused: {answer}")

    def unavailable(
        self, question: Callable[[ShopifyAdmin], Awaitable[Any]], **changes: Any
    ) -> ShopifyUnavailable:
        try:
            answer = self(question, **changes)
        except ShopifyUnavailable as error:
            return error
        raise AssertionError(f"answered: {answer}")

    def says(self, *answers: Said) -> None:
        """What the shop answers to the next questions instead."""
        self.shop.answers.extend(answers)

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.shop.received]


async def first_page(admin: ShopifyAdmin, after: str | None = None) -> OrderPage:
    return await admin.orders(since=LONG_AGO, until=None, after=after)


async def every_page(
    admin: ShopifyAdmin, since: datetime = LONG_AGO, until: datetime | None = None
) -> list[OrderPage]:
    pages = [await admin.orders(since=since, until=until, after=None)]
    while pages[-1].cursor is not None:
        pages.append(await admin.orders(since=since, until=until, after=pages[-1].cursor))
    return pages


def ids(pages: list[OrderPage]) -> list[str]:
    return [each["id"] for page in pages for each in page.orders]
