"""The two routes of a shop that an app asks: for a token, and for everything else."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devtools.fake_shopify.execution import execute
from devtools.fake_shopify.shop import FakeShop, Json, Received, Said

_TOKEN = "x-shopify-access-token"  # noqa: S105 - the name of a header
_OPERATION = re.compile(r"(?:query|mutation)\s+(\w+)")

NOT_LET_IN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


def application(shop: FakeShop) -> Starlette:
    async def token(request: Request) -> Response:
        return _token(shop, _form(await request.body()))

    async def graphql(request: Request) -> Response:
        asked = json.loads(await request.body())
        said = _said(shop, request, asked)
        if said is not None:
            await asyncio.sleep(said.delay)
            return _response(said.body, said.status, dict(said.headers))
        return _graphql(shop, request, asked)

    return Starlette(
        routes=[
            Route("/admin/oauth/access_token", token, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", graphql, methods=["POST"]),
        ]
    )


def _form(body: bytes) -> dict[str, str]:
    """Shopify takes a form, as its documentation has it, and JSON, which its own package sends."""
    text = body.decode()
    if text.startswith("{"):
        return dict(json.loads(text))
    return {name: values[0] for name, values in parse_qs(text).items()}


def _token(shop: FakeShop, form: dict[str, str]) -> Response:
    if form.get("grant_type") != "client_credentials":
        return _oauth_error("unsupported_grant_type", "grant_type is not supported")
    if form.get("client_id") != shop.client_id:
        return _oauth_error("application_cannot_be_found", "No application has this client id")
    if form.get("client_secret") != shop.client_secret:
        return _oauth_error("invalid_client", "The client secret is wrong")
    with shop.lock:
        given = shop.give_token()
    scope = ",".join(sorted(shop.scopes))
    return JSONResponse({"access_token": given, "scope": scope, "expires_in": shop.token_seconds})


def _oauth_error(code: str, words: str) -> Response:
    return JSONResponse({"error": code, "error_description": words}, 400)


def _said(shop: FakeShop, request: Request, asked: Json) -> Said | None:
    """What the shop was told to answer."""
    with shop.lock:
        shop.received.append(_received(request, asked))
        return shop.answers.popleft() if shop.answers else None


def _graphql(shop: FakeShop, request: Request, asked: Json) -> Response:
    with shop.lock:
        if not shop.is_let_in(request.headers.get(_TOKEN)):
            return JSONResponse({"errors": NOT_LET_IN}, 401)
        served = shop.served_version(request.path_params["version"])
        if served is None:
            return JSONResponse({"errors": "Not Found"}, 404)
        body = execute(shop, served, asked["query"], asked.get("variables") or {})
    return JSONResponse(body, headers={"x-shopify-api-version": served})


def _received(request: Request, asked: Json) -> Received:
    named = _OPERATION.search(asked["query"])
    return Received(
        version=request.path_params["version"],
        token=request.headers.get(_TOKEN),
        operation=named[1] if named else "",
        variables=asked.get("variables") or {},
    )


def _response(body: Any, status: int, headers: dict[str, str]) -> Response:
    if body is None or isinstance(body, str):
        return Response(body, status, headers, media_type="text/html")
    return JSONResponse(body, status, headers)
