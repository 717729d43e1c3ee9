"""One question to Shopify's Admin GraphQL API, and what its answer means.

- A query that costs more than is left is answered 200, with the error THROTTLED and, in
  `extensions.cost`, how much is left and how fast it comes back.
  https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
- Whatever else is in `errors` fails the whole answer, because the data beside it looks real: an
  address that the app may not read is null.
- A version that is no longer supported is served as the oldest one that is; only the header
  X-Shopify-API-Version tells. https://shopify.dev/docs/api/usage/versioning
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, LiteralString

import httpx
import structlog

from thetis.errors import ShopifyError, ShopifyRefused, ShopifyUnavailable
from thetis.providers import parse_retry_after, redact
from thetis.providers.shopify_tokens import (
    AdminToken,
    ClientCredentials,
    PermanentToken,
    RenewedToken,
)

PATIENCE = 120.0
"""Seconds that one question may wait for points, all waits together. From nothing to a full bucket
it takes twenty on the smallest plan; others may drink from the same one."""

PAUSES = (1.0, 4.0)
"""Seconds before a question is asked a second and a third time that got no answer."""

_FAULTS_OF_SHOPIFY = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})

log = structlog.get_logger()


class _Throttled(Exception):
    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class GraphQL:
    """Safe to call concurrently within one event loop."""

    def __init__(
        self,
        *,
        base_url: str,
        credentials: AdminToken | ClientCredentials,
        api_version: str,
        timeout: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api_version = api_version
        self.served_version: str | None = None
        self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=False)
        self._url = f"{base_url}/admin/api/{api_version}/graphql.json"
        self._tokens = (
            PermanentToken(credentials)
            if isinstance(credentials, AdminToken)
            else RenewedToken(self._http, base_url, credentials)
        )
        self._sleep = sleep

    async def close(self) -> None:
        await self._http.aclose()

    async def query(self, document: LiteralString, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The data. A question is repeated when there was no answer, an order to change is not."""
        pauses = list(PAUSES if not document.lstrip().startswith("mutation") else ())
        waited = 0.0
        while True:
            try:
                return await self._ask(document, variables)
            except _Throttled as throttled:
                waited += throttled.wait
                if waited > PATIENCE:
                    raise ShopifyUnavailable("shopify is throttled", throttled.wait) from None
                await self._sleep(throttled.wait)
            except ShopifyUnavailable as error:
                if not pauses:
                    raise
                await self._sleep(max(pauses.pop(0), min(error.retry_after or 0.0, PATIENCE)))

    async def _ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        token = await self._tokens.get()
        response = await self._post(document, variables, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            renewed = await self._tokens.replace(token)
            if renewed is not None:
                token = renewed
                response = await self._post(document, variables, token)
        if response.status_code != httpx.codes.OK:
            raise _failure(response, token)
        self._notice_version(response)
        return _data(_json(response), token)

    async def _post(
        self, document: str, variables: Mapping[str, Any], token: str
    ) -> httpx.Response:
        asked = {"query": document, "variables": dict(variables)}
        headers = {"x-shopify-access-token": token, "accept": "application/json"}
        try:
            return await self._http.post(self._url, json=asked, headers=headers)
        except httpx.HTTPError as error:
            raise ShopifyUnavailable(f"shopify did not answer ({type(error).__name__})") from error

    def _notice_version(self, response: httpx.Response) -> None:
        served = response.headers.get("x-shopify-api-version")
        if served not in {self.served_version, self.api_version, None}:
            log.warning("admin_api.other_version_served", asked=self.api_version, served=served)
        self.served_version = served


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ShopifyUnavailable(
            f"shopify answered {response.status_code} in a form that it does not use"
        )
    return answer


def _failure(response: httpx.Response, token: str) -> ShopifyError:
    status = response.status_code
    if status >= 500 or status in {408, 423, 429, 430}:
        wait = parse_retry_after(response.headers.get("retry-after"))
        return ShopifyUnavailable(f"shopify answered {status}", wait)
    if response.is_redirect:
        words = "is elsewhere: set SHOPIFY_SHOP to its name.myshopify.com"
    else:
        words = redact(_words(response), token)
    return ShopifyRefused(f"shopify {status} {words}", str(status))


def _words(response: httpx.Response) -> str:
    try:
        errors = response.json()["errors"]
    except (ValueError, KeyError, TypeError):
        return "not in words"
    return errors if isinstance(errors, str) else str(errors)


def _data(answer: dict[str, Any], token: str) -> dict[str, Any]:
    errors = answer.get("errors")
    if errors:
        raise _error(errors if isinstance(errors, list) else [errors], answer, token)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise ShopifyUnavailable("shopify answered 200 without data")
    return data


def _error(errors: list[Any], answer: dict[str, Any], token: str) -> Exception:
    codes = [code for each in errors if (code := _code(each))]
    if "THROTTLED" in codes:
        return _throttled(answer)
    words = "; ".join(
        str(each.get("message", each) if isinstance(each, dict) else each) for each in errors
    )
    words = redact(words, token)
    if codes and _FAULTS_OF_SHOPIFY.issuperset(codes):
        return ShopifyUnavailable(f"shopify: {words}")
    return ShopifyRefused(f"shopify: {words}", codes[0] if codes else None)


def _code(error: object) -> str | None:
    if not isinstance(error, dict):
        return None
    code = (error.get("extensions") or {}).get("code")
    # Old answers have THROTTLED in words alone.
    if code is None and error.get("message") == "Throttled":
        return "THROTTLED"
    return str(code) if code is not None else None


def _throttled(answer: dict[str, Any]) -> Exception:
    try:
        cost = answer["extensions"]["cost"]
        left = cost["throttleStatus"]
        needed = float(cost["requestedQueryCost"])
        available, rate = float(left["currentlyAvailable"]), float(left["restoreRate"])
        most = float(left["maximumAvailable"])
    except (KeyError, TypeError, ValueError):
        return _Throttled(PAUSES[0])
    if needed > most or rate <= 0:
        return ShopifyRefused(f"shopify: a query of {needed:g} points never fits", "THROTTLED")
    # What others take meanwhile is not known: a wait of nothing would ask in circles.
    return _Throttled(max((needed - available) / rate, 0.1))
