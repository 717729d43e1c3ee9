"""The route that Shopify posts to: read, verify, record, answer.

Tried, with a trivial app; µs of processor time a request, server included:
    as a route of Starlette's   97-118
    as plain ASGI, as here      51-67
"""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import TYPE_CHECKING

import structlog
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from thetis.logs import where
from thetis.shopify import TOPICS, verify_signature
from thetis.transports import DatabaseError

if TYPE_CHECKING:
    from thetis.app import Parts

BODY_SECONDS = 10.0
"""How long a sender may take to send a body; Shopify's own limit for all of it is 5 seconds."""

RETRY_AFTER = "30"
"""Seconds, with a 503."""

HANG_UP = {"Connection": "close"}
"""Without it the server would go on to receive, and throw away, the rest of a body."""

log = structlog.get_logger()


class _SenderLeft(Exception):
    """Before the body was whole."""


class WebhookRoute:
    """An ASGI application of one route."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        topic = _header(scope, b"x-shopify-topic") or ""
        response, outcome = await self._answer(scope, receive, topic)
        self._parts.metrics.webhooks.labels(_label(topic), outcome).inc()
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, topic: str) -> tuple[Response, str]:
        limit = self._parts.max_body_bytes
        try:
            async with asyncio.timeout(self._parts.body_seconds):
                body = await _read(scope, receive, limit)
        except TimeoutError:
            return problem(408, "the body took too long", HANG_UP), "too_slow"
        except _SenderLeft:
            return problem(400, "the body is incomplete"), "incomplete"
        if body is None:
            return problem(413, f"the body is larger than {limit} bytes", HANG_UP), "too_large"
        signature = _header(scope, b"x-shopify-hmac-sha256")
        if not verify_signature(body, signature, self._parts.secrets):
            log.warning("webhook.unauthorized", topic=_label(topic))
            return problem(401, "the signature is missing or wrong"), "unauthorized"
        return await self._record(topic, _header(scope, b"x-shopify-webhook-id"), body)

    async def _record(
        self, topic: str, webhook_id: str | None, body: bytes
    ) -> tuple[Response, str]:
        started = time.perf_counter()
        try:
            outcome = await self._parts.recorder.record(topic, webhook_id, body)
        except DatabaseError as error:
            log.error("webhook.unavailable", topic=topic, code=error.code, reason=str(error))
            return _later("the database does not answer"), "unavailable"
        except Exception as error:
            # A fault of ours. Nothing is lost: Shopify sends it again, perhaps to the next release.
            log.error("webhook.failed", topic=topic, error=type(error).__name__, where=where(error))
            return _later("this cannot be handled now"), "failed"
        finally:
            self._parts.metrics.webhook_seconds.observe(time.perf_counter() - started)
        if outcome == "recorded":
            self._parts.worker.wake()
        return _done(outcome), outcome


def _header(scope: Scope, name: bytes) -> str | None:
    """The first of that name."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def _label(topic: str) -> str:
    """The topic header is not signed: anybody can put anything into it."""
    return topic if topic in TOPICS else "other"


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The body, or None as soon as it is known to be larger than the limit."""
    declared = _header(scope, b"content-length") or ""
    if declared.isdecimal() and int(declared) > limit:
        return None
    body = bytearray()
    while len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _SenderLeft
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body) if len(body) <= limit else None
    return None


@cache
def _done(outcome: str) -> Response:
    return JSONResponse({"outcome": outcome})


def problem(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": words}, status_code=status, headers=headers)


def _later(words: str) -> Response:
    return problem(503, words, {"Retry-After": RETRY_AFTER})
