"""One question over HTTP to whoever is examined."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

SECONDS = 8.0

LOCAL = {"localhost", "127.0.0.1", "::1"}

Wanted = TypeVar("Wanted")


class NoAnswer(Exception):
    """Nothing came back, or nothing that can be read; the message is for a person."""


def client() -> httpx.AsyncClient:
    """Follows no redirects: an API does not redirect, and Shopify would not follow either."""
    return httpx.AsyncClient(
        timeout=SECONDS, follow_redirects=False, headers={"User-Agent": "thetis-doctor"}
    )


async def ask(http: httpx.AsyncClient, method: str, url: str, **more: Any) -> httpx.Response:
    """Whatever was answered. Raises NoAnswer when nothing was."""
    try:
        return await http.request(method, url, **more)
    except httpx.ConnectError as error:
        raise NoAnswer(f"{host(url)} cannot be reached: {_reason(error)}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{host(url)} does not answer ({type(error).__name__})") from None


def _reason(error: httpx.ConnectError) -> str:
    words = str(error).rsplit("] ", 1)[-1].strip()
    return words or "no connection"


def host(url: str) -> str:
    return urlsplit(url).netloc or url


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def content(response: httpx.Response) -> dict[str, Any]:
    """The JSON object that was answered. Raises NoAnswer for anything else."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        name = response.url.host
        raise NoAnswer(f"{name} answered {response.status_code}, and not with a JSON object")
    return body


def said(response: httpx.Response) -> str:
    """What an API says of an error, in its own words, which are short."""
    try:
        body = response.json()
    except ValueError:
        return f"{response.status_code}"
    if not isinstance(body, dict):
        return f"{response.status_code}"
    words = body.get("message") or body.get("error") or body.get("msg") or body.get("name")
    return f"{response.status_code}: {words}"[:200] if words else f"{response.status_code}"
