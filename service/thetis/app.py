"""The HTTP side: routes and lifespan."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from thetis.batching import Batcher
from thetis.database import Database
from thetis.errors import DatabaseError
from thetis.logs import where
from thetis.metrics import Metrics
from thetis.model import Backlog, WebhookOutcome
from thetis.shopify import TOPICS, verify_signature
from thetis.webhooks import WebhookRecorder
from thetis.worker import Worker

BODY_SECONDS = 10.0
"""How long a sender may take to send a body; Shopify's own limit for all of it is 5 seconds."""

LARGE = 256 * 1024
"""Bytes. Anybody may send a body, and proves to be Shopify only with the last byte of it. So of
those larger than this LARGE_AT_ONCE are held in memory, for LARGE_SECONDS at the most, and others
wait for their turn. Shopify's orders hardly ever are that large.
"""

LARGE_AT_ONCE = 8
LARGE_SECONDS = 2.0

RETRY_AFTER = "30"
"""Seconds, with a 503."""

HANG_UP = {"Connection": "close"}
"""Without it the server would go on to receive, and throw away, the rest of a body."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes work with."""

    database: Database
    worker: Worker
    metrics: Metrics
    recorder: WebhookRecorder
    preflight: Callable[[], Awaitable[None]]
    secrets: tuple[str, ...]
    max_body_bytes: int
    backlog_limit_seconds: float
    body_seconds: float = BODY_SECONDS


def create_app(parts: Parts) -> Starlette:
    """The ASGI application; its lifespan opens the database and runs the worker."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.backlog = Batcher(_reader(parts.database), max_calls=1)
        await parts.database.open()
        await parts.preflight()
        working = asyncio.create_task(parts.worker.run())
        log.info("service.started")
        yield
        parts.worker.stop()
        await working
        await parts.database.close()
        log.info("service.stopped")

    app = Starlette(
        routes=[
            Route("/webhooks/shopify", _receive_webhook, methods=["POST"]),
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", _readyz, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
        ],
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.state.turns = asyncio.Semaphore(LARGE_AT_ONCE)
    app.router.redirect_slashes = False  # to Shopify a redirect is a failure like any other
    return app


def _reader(database: Database) -> Callable[[Sequence[None]], Awaitable[list[list[Backlog]]]]:
    """Anybody may probe: however many do at once, they share one call and one connection."""

    async def read(probes: Sequence[None]) -> list[list[Backlog]]:
        return [await database.notification_backlog()] * len(probes)

    return read


async def _receive_webhook(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    topic = request.headers.get("x-shopify-topic", "")
    response, outcome = await _answer(request, parts, topic)
    is_test = getattr(request.state, "is_test", False)
    parts.metrics.count_webhook(_label(topic), outcome, is_test=is_test)
    return response


def _label(topic: str) -> str:
    """The topic header is not signed: anybody can put anything into it."""
    return topic if topic in TOPICS else "other"


async def _answer(request: Request, parts: Parts, topic: str) -> tuple[Response, str]:
    try:
        async with asyncio.timeout(parts.body_seconds):
            body = await _read(request, parts.max_body_bytes)
    except TimeoutError:
        return _problem(408, "the body took too long", HANG_UP), "too_slow"
    except ClientDisconnect:
        return _problem(400, "the body is incomplete"), "incomplete"
    if body is None:
        words = f"the body is larger than {parts.max_body_bytes} bytes"
        return _problem(413, words, HANG_UP), "too_large"
    if not verify_signature(body, request.headers.get("x-shopify-hmac-sha256"), parts.secrets):
        log.warning("webhook.unauthorized", topic=_label(topic))
        return _problem(401, "the signature is missing or wrong"), "unauthorized"
    return await _record(request, parts, topic, body)


async def _record(request: Request, parts: Parts, topic: str, body: bytes) -> tuple[Response, str]:
    started = time.perf_counter()
    try:
        recorded = await parts.recorder.record(
            topic, request.headers.get("x-shopify-webhook-id"), body
        )
    except DatabaseError as error:
        log.error("webhook.unavailable", topic=topic, code=error.code, reason=str(error))
        return _later("the database does not answer"), "unavailable"
    except Exception as error:
        # A fault of ours. Nothing is lost: Shopify sends it again, perhaps to the next release.
        log.error("webhook.failed", topic=topic, error=type(error).__name__, where=where(error))
        return _later("this cannot be handled now"), "failed"
    finally:
        parts.metrics.webhook_seconds.observe(time.perf_counter() - started)
    request.state.is_test = recorded.is_test
    if recorded.outcome is WebhookOutcome.RECORDED:
        parts.worker.wake()
    return JSONResponse({"outcome": recorded.outcome}), recorded.outcome


async def _read(request: Request, limit: int) -> bytes | None:
    """The body, or None as soon as it is known to be larger than the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        return None
    body = bytearray()
    stream = request.stream()
    is_large = await _receive(stream, body, min(LARGE, limit))
    if is_large and len(body) <= limit:
        async with request.app.state.turns, asyncio.timeout(LARGE_SECONDS):
            await _receive(stream, body, limit)
    return bytes(body) if len(body) <= limit else None


async def _receive(stream: AsyncIterator[bytes], body: bytearray, size: int) -> bool:
    """Until the end, or until it is larger than `size`: whether it is."""
    async for chunk in stream:
        body += chunk
        if len(body) > size:
            return True
    return False


def _problem(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": words}, status_code=status, headers=headers)


def _later(words: str) -> Response:
    return _problem(503, words, {"Retry-After": RETRY_AFTER})


async def _healthz(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    try:
        backlog = await request.app.state.backlog.submit(None)
    except DatabaseError:
        return _problem(503, "the database does not answer")
    oldest = max((each.oldest_due_seconds for each in backlog), default=0.0)
    if oldest > parts.backlog_limit_seconds:
        return _problem(503, f"a message has been due for {oldest:.0f} s")
    return JSONResponse({"status": "ready"})


async def _metrics(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    try:
        parts.metrics.observe_backlog(await request.app.state.backlog.submit(None))
    except DatabaseError:
        parts.metrics.forget_backlog()
    return Response(parts.metrics.exposition(), media_type="text/plain; version=0.0.4")
