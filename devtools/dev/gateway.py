"""What answers at SUPABASE_URL: /rest/v1 from PostgREST, /auth/v1 from Auth, for whoever has a key.

As on Supabase, browsers of any origin may ask, a key alone counts as the token that it stands for,
and a secret key is refused from a browser:
https://github.com/supabase/cli/blob/develop/apps/cli-go/internal/start/start.go
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

REST, AUTH = "/rest/v1", "/auth/v1"

Headers = list[tuple[str, str]]

_HOP_BY_HOP = {"connection", "content-length", "date", "host", "keep-alive", "transfer-encoding"}
_OF_CORS = "access-control-"
_DECODED = {"content-encoding"}
_OPEN = {"/auth/v1/verify", "/auth/v1/callback", "/auth/v1/authorize"}
"""A link in an email carries no key."""


class Gateway:
    """`tokens` says which token each API key stands for."""

    def __init__(
        self, rest: httpx.AsyncClient, auth: httpx.AsyncClient, tokens: Mapping[str, str]
    ) -> None:
        self._upstreams = {REST: rest, AUTH: auth}
        self._tokens = tokens

    async def __call__(self, request: Request) -> Response:
        answer = await self._answer(request)
        answer.headers["access-control-allow-origin"] = "*"
        answer.headers["access-control-expose-headers"] = "content-range, x-supabase-api-version"
        return answer

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return _preflight(request)
        key = request.headers.get("apikey") or request.query_params.get("apikey") or ""
        if key not in self._tokens and request.url.path not in _OPEN:
            words = "Invalid API key" if key else "No API key found in request"
            return JSONResponse({"message": words}, 401)
        if key.startswith("sb_secret_") and "Mozilla" in request.headers.get("user-agent", ""):
            return JSONResponse({"message": "Forbidden use of secret API key in browser"}, 401)
        prefix = REST if request.url.path.startswith(REST) else AUTH
        headers = _passed_on(request)
        if key in self._tokens and not _has_user(request):
            headers = [each for each in headers if each[0] != "authorization"]
            headers.append(("authorization", f"Bearer {self._tokens[key]}"))
        return await _forward(self._upstreams[prefix], request, headers)


def door(upstream: httpx.AsyncClient) -> Callable[[Request], Awaitable[Response]]:
    """Hands on what is asked, as it is."""

    async def hand_on(request: Request) -> Response:
        return await _forward(upstream, request, _passed_on(request))

    return hand_on


def _passed_on(request: Request) -> Headers:
    return [(name, text) for name, text in request.headers.items() if name not in _HOP_BY_HOP]


def _has_user(request: Request) -> bool:
    return request.headers.get("authorization", "Bearer sb_").startswith("Bearer sb_") is False


def _preflight(request: Request) -> Response:
    asked = request.headers.get("access-control-request-headers", "*")
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS",
            "access-control-allow-headers": asked,
            "access-control-max-age": "3600",
        },
    )


async def _forward(upstream: httpx.AsyncClient, request: Request, headers: Headers) -> Response:
    asked = upstream.build_request(
        request.method,
        httpx.URL(path=request.url.path.removeprefix(REST), query=request.url.query.encode()),
        headers=headers,
        content=await request.body(),
    )
    try:
        answer = await upstream.send(asked, follow_redirects=False)
    except httpx.TransportError:
        return JSONResponse({"message": "the upstream does not answer"}, 503)
    response = Response(answer.content, answer.status_code)
    for name, text in answer.headers.multi_items():
        if name not in _HOP_BY_HOP | _DECODED and not name.startswith(_OF_CORS):
            response.headers.append(name, text)
    return response
