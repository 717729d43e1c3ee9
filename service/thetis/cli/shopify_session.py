"""A question to Shopify's Admin API, or one line that says why there is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import httpx

from thetis import logs, wiring
from thetis.errors import ShopifyError, ShopifyRefused
from thetis.providers.shopify_admin import ShopifyAdmin
from thetis.shopify_settings import AdminSettings

Answer = TypeVar("Answer")

_HINTS = {
    "invalid_client": "SHOPIFY_CLIENT_SECRET is not that of the app, or it is not installed",
    "application_cannot_be_found": "no app has this SHOPIFY_CLIENT_ID",
    "shop_not_permitted": "the app must be of the organisation that the shop belongs to",
    "app_not_installed": "install the app in the shop first",
    "401": "SHOPIFY_ADMIN_TOKEN is not of this shop, or the app was removed from it",
    "404": "is SHOPIFY_SHOP right, and SHOPIFY_API_VERSION one that there is?",
    "ACCESS_DENIED": "give the app the scope and release a new version of it",
}
"""What to mend, by the code of a refusal."""

_UNREACHABLE = "is SHOPIFY_SHOP right, and does this machine reach the internet?"


def ask_shopify(
    chosen: AdminSettings, question: Callable[[ShopifyAdmin], Awaitable[Answer]]
) -> Answer:
    logs.configure("warning", "console")
    try:
        return asyncio.run(_with_shopify(chosen, question))
    except ShopifyError as error:
        raise click.ClickException(in_plain_words(error)) from None


async def _with_shopify(
    chosen: AdminSettings, question: Callable[[ShopifyAdmin], Awaitable[Answer]]
) -> Answer:
    admin = wiring.shopify_admin(chosen)
    try:
        return await question(admin)
    finally:
        await admin.close()


def in_plain_words(error: ShopifyError) -> str:
    """What Shopify said, and what to mend where that is known."""
    hint = None
    if isinstance(error, ShopifyRefused):
        hint = _HINTS.get(error.code or "")
    elif isinstance(error.__cause__, httpx.ConnectError):
        hint = _UNREACHABLE
    return f"{error}\n{hint}" if hint else str(error)
