"""How we show Shopify's Admin API who asks.

An app of the Dev Dashboard exchanges its client id and secret for a token that lasts a day:
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant
An app that was made in the admin before 2026 has one that lasts for ever, `shpat_…`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from thetis.errors import ShopifyRefused, ShopifyUnavailable
from thetis.providers import redact

EARLY = 300.0
"""Seconds before its end at which a token is renewed: no request may begin with one that ends."""


@dataclass(frozen=True, kw_only=True)
class AdminToken:
    """The permanent token of an app that was made in the admin."""

    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """The client id and secret of an app of the organisation that the shop belongs to."""

    client_id: str
    client_secret: str = field(repr=False)


class PermanentToken:
    def __init__(self, credentials: AdminToken) -> None:
        self._token = credentials.token

    async def get(self) -> str:
        return self._token

    async def replace(self, _refused: str) -> None:
        """There is no other one."""


class RenewedToken:
    """Asks for a token when it is needed, and again before it ends. Safe to share."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        credentials: ClientCredentials,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._url = f"{base_url}/admin/oauth/access_token"
        self._credentials = credentials
        self._clock = clock
        self._token: str | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        async with self._lock:
            if self._token is None or self._clock() >= self._renew_at:
                self._token = await self._ask()
            return self._token

    async def replace(self, refused: str) -> str:
        """Another token than the one that Shopify refused; of many who ask, one renews it."""
        async with self._lock:
            if self._token == refused:
                self._token = None
        return await self.get()

    async def _ask(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        headers = {"accept": "application/json"}
        try:
            response = await self._http.post(self._url, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise ShopifyUnavailable(f"shopify did not answer ({type(error).__name__})") from error
        if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise ShopifyUnavailable(f"shopify gave no token ({response.status_code})")
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        return self._keep(response)

    def _keep(self, response: httpx.Response) -> str:
        try:
            told = response.json()
            token, lasts = str(told["access_token"]), float(told["expires_in"])
        except (ValueError, KeyError, TypeError):
            raise ShopifyUnavailable(
                "shopify gave a token in a form that it does not use"
            ) from None
        # Of a token that lasts minutes, half: otherwise each request would ask for another.
        self._renew_at = self._clock() + max(lasts - EARLY, lasts / 2)
        return token

    def _refusal(self, response: httpx.Response) -> ShopifyRefused:
        try:
            told = response.json()
            code = str(told["error"])
            words = f"{code}: {told.get('error_description', '')}"
        except (ValueError, KeyError, TypeError, AttributeError):
            code, words = str(response.status_code), "not in words"
        reason = redact(words, self._credentials.client_secret)
        return ShopifyRefused(f"shopify gave no token ({response.status_code} {reason})", code)
