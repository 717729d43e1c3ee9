"""The route that Shopify posts to: read, verify, record, answer.

Tried, with a trivial app; µs of processor time a request, server included:
    as a route of Starlette's   97-118
    as plain ASGI, as here      51-67
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import structlog
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from thetis.errors import DatabaseError
from thetis.logs import where
from thetis.model import WebhookOutcome
from thetis.shopify import TOPICS, verify_signature

if TYPE_CHECKING:
    from thetis.app import Parts

BODY_SECONDS = 10.0
"""How long a sender may take to send a body; Shopify's own limit for all of it is 5 seconds."""

LATER = {"Retry-After": "30"}
"""Seconds, with a 503."""

HANG_UP = {"Connection": "close"}
"""Without it the server would go on to receive, and throw away, the rest of a body."""

log = structlog.get_logger()


class _SenderLeft(Exception):
    """Before the body was whole."""


class Refused(Exception):
    """A body that was not taken, with the answer to its sender."""

    def __init__(
        self, outcome: WebhookOutcome, words: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(words)
        self.outcome = outcome
        self.response = problem(outcome.status, words, headers)


@dataclass(frozen=True)
class _Answer:
    response: Response
    outcome: WebhookOutcome
    is_test: bool = False


class WebhookRoute:
    """An ASGI application of one route."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        topic = _header(scope, b"x-shopify-topic") or ""
        answer = await self._answer(scope, receive, topic)
        self._parts.metrics.count_webhook(_label(topic), answer.outcome, is_test=answer.is_test)
        await answer.response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, topic: str) -> _Answer:
        try:
            body = await read_body(self._parts, scope, receive)
        except Refused as refused:
            return _Answer(refused.response, refused.outcome)
        signature = _header(scope, b"x-shopify-hmac-sha256")
        if not verify_signature(body, signature, self._parts.secrets):
            log.warning("webhook.unauthorized", topic=_label(topic))
            return _refusal(WebhookOutcome.UNAUTHORIZED, "the signature is missing or wrong")
        return await self._record(topic, _header(scope, b"x-shopify-webhook-id"), body)

    async def _record(self, topic: str, webhook_id: str | None, body: bytes) -> _Answer:
        started = time.perf_counter()
        try:
            recorded = await self._parts.recorder.record(topic, webhook_id, body)
        except DatabaseError as error:
            log.error("webhook.unavailable", topic=topic, code=error.code, reason=str(error))
            return _refusal(WebhookOutcome.UNAVAILABLE, "the database does not answer", LATER)
        except Exception as error:
            # A fault of ours. Nothing is lost: Shopify sends it again, perhaps to the next release.
            log.error("webhook.failed", topic=topic, error=type(error).__name__, where=where(error))
            return _refusal(WebhookOutcome.FAILED, "this cannot be handled now", LATER)
        finally:
            self._parts.metrics.webhook_seconds.observe(time.perf_counter() - started)
        if recorded.outcome is WebhookOutcome.RECORDED:
            self._parts.worker.wake()
        return _Answer(done(recorded.outcome), recorded.outcome, is_test=recorded.is_test)


def _header(scope: Scope, name: bytes) -> str | None:
    """The first of that name."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def _label(topic: str) -> str:
    """The topic header is not signed: anybody can put anything into it."""
    return topic if topic in TOPICS else "other"


async def read_body(parts: Parts, scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises Refused when it is too large, too slow or incomplete."""
    limit = parts.max_body_bytes
    try:
        async with asyncio.timeout(parts.body_seconds):
            body = await _read(scope, receive, limit)
    except TimeoutError:
        raise Refused(WebhookOutcome.TOO_SLOW, "the body took too long", HANG_UP) from None
    except _SenderLeft:
        raise Refused(WebhookOutcome.INCOMPLETE, "the body is incomplete") from None
    if body is None:
        words = f"the body is larger than {limit} bytes"
        raise Refused(WebhookOutcome.TOO_LARGE, words, HANG_UP)
    return body


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
def done(outcome: WebhookOutcome) -> Response:
    return JSONResponse({"outcome": outcome})


def _refusal(outcome: WebhookOutcome, words: str, headers: dict[str, str] | None = None) -> _Answer:
    return _Answer(problem(outcome.status, words, headers), outcome)


def problem(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": words}, status_code=status, headers=headers)
