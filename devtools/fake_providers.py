"""Fakes of the parts of Knock and Resend that we use: real HTTP, on loopback.

They answer as the vendors document, remember what they received, and can be told to misbehave.
What the vendors do and these do not: forget idempotency keys after a day, answer 409 while a
request with the same key is in progress, run workflows, deliver anything.

    fake_providers = FakeProviders()
    with running(fake_providers) as base_url:
        ...                       # base_url serves both vendors: their paths do not overlap
        fake_providers.effects          # what a customer would notice
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devtools import fake_accounts
from devtools.fake_answers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    HANG,
    Answer,
    FakeProviders,
    Provider,
    ReceivedRequest,
    readable,
    refusal,
)
from devtools.loopback import serving

__all__ = [
    "DROP_AFTER_ACCEPTING",
    "DROP_BEFORE_ACCEPTING",
    "HANG",
    "Answer",
    "FakeProviders",
    "Provider",
    "ReceivedRequest",
    "readable",
    "refusal",
    "running",
]


@contextmanager
def running(fake_providers: FakeProviders) -> Iterator[str]:
    """Serve in a thread on a free port of 127.0.0.1; yields the base URL, without a path."""
    with serving(_application(fake_providers), "fake providers") as base_url:
        yield base_url


def _application(fake_providers: FakeProviders) -> Starlette:
    async def knock(request: Request) -> Response:
        return await _serve(fake_providers, "knock", request)

    async def resend(request: Request) -> Response:
        return await _serve(fake_providers, "resend", request)

    return Starlette(
        routes=[
            Route("/v1/workflows/{key}/trigger", knock, methods=["POST"]),
            Route("/v1/workflows/{key}/cancel", knock, methods=["POST"]),
            Route("/v1/objects/{collection}/{id}", knock, methods=["PUT"]),
            Route("/v1/users/{id}", knock, methods=["DELETE"]),
            Route("/emails", resend, methods=["POST"]),
            *fake_accounts.routes(fake_providers.accounts, fake_providers.is_key),
        ]
    )


async def _serve(fake_providers: FakeProviders, provider: Provider, request: Request) -> Response:
    answer = fake_providers.take(await _received(provider, request))
    await asyncio.sleep(answer.delay)
    if answer.then == "answer":
        return _response(answer)
    if answer.then == "drop":
        _cut(request)
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


def _cut(request: Request) -> None:
    # ASGI has no word for this: an application can only answer.
    for connection in list(request.app.state.connections):
        if connection.client == request.scope["client"]:
            connection.transport.abort()


async def _received(provider: Provider, request: Request) -> ReceivedRequest:
    content = await request.body()
    return ReceivedRequest(
        provider=provider,
        method=request.method,
        path=request.url.path,
        headers=dict(request.headers),
        content=content,
        body=_json_object(content),
        idempotency_key=request.headers.get("idempotency-key"),
    )


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _response(answer: Answer) -> Response:
    status, headers = answer.status or 200, dict(answer.headers)
    if answer.body is None or isinstance(answer.body, str):
        return Response(answer.body, status, headers, media_type="text/plain")
    return JSONResponse(answer.body, status, headers)
