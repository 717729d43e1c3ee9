"""The HTTP side: the application, its lifespan, and the routes for those who watch it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from thetis.batching import Batcher
from thetis.database import Database
from thetis.deliveries import OTHER, STATES, DeliveryRecorder
from thetis.delivery_route import DeliveryRoute
from thetis.errors import DatabaseError
from thetis.metrics import Metrics
from thetis.model import Figures
from thetis.readiness import Readiness
from thetis.shopify import TOPICS
from thetis.supervision import Supervisor
from thetis.syncs import OrderSyncs
from thetis.webhook_route import BODY_SECONDS, WebhookRoute, problem
from thetis.webhooks import WebhookRecorder
from thetis.worker import Worker

WEBHOOKS = "/webhooks/shopify"
DELIVERIES = "/webhooks/resend"

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the routes work with."""

    database: Database
    worker: Worker
    metrics: Metrics
    recorder: WebhookRecorder
    deliveries: DeliveryRecorder
    preflight: Callable[[], Awaitable[None]]
    secrets: tuple[str, ...]
    resend_secrets: tuple[str, ...]
    max_body_bytes: int
    backlog_limit_seconds: float
    body_seconds: float = BODY_SECONDS


class _App(Starlette):
    """Webhooks go past Starlette's layers, which cost as much as the rest of the server."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == WEBHOOKS and scope.get("method") == "POST":
            await self.state.webhooks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@dataclass(frozen=True, kw_only=True)
class WorkerParts:
    """What a worker that runs alone has, and what its routes ask."""

    database: Database
    worker: Worker
    metrics: Metrics


def create_worker_app(parts: WorkerParts) -> Starlette:
    """For those who watch a worker that runs alone; its lifespan opens the database and runs it."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        supervisor = Supervisor(parts.worker)
        app.state.metrics = parts.metrics
        app.state.figures = Batcher(_reader(parts.database), max_calls=1)
        async with _opened(parts), _at_work(supervisor):
            yield {"count_closed": parts.metrics.count_closed}

    return Starlette(
        routes=[
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


def create_app(parts: Parts) -> Starlette:
    """The ASGI application; its lifespan opens the database and runs the worker."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        supervisor = Supervisor(parts.worker)
        parts.metrics.begin_at_zero([*TOPICS, OTHER], [*STATES, OTHER])
        app.state.metrics = parts.metrics
        app.state.figures = Batcher(_reader(parts.database), max_calls=1)
        app.state.readiness = Readiness(
            parts.database,
            parts.worker,
            supervisor,
            backlog_limit_seconds=parts.backlog_limit_seconds,
        )
        async with _opened(parts):
            await parts.preflight()
            async with _at_work(supervisor):
                log.info("service.started")
                yield {"count_closed": parts.metrics.count_closed}
            await parts.recorder.close()
        log.info("service.stopped")

    webhooks = WebhookRoute(parts)
    app = _App(
        routes=[
            Route(WEBHOOKS, webhooks, methods=["POST"]),
            Route(DELIVERIES, DeliveryRoute(parts), methods=["POST"]),
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", _readyz, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
        ],
        lifespan=lifespan,
    )
    app.state.webhooks = webhooks
    app.router.redirect_slashes = False  # to Shopify a redirect is a failure like any other
    return app


@asynccontextmanager
async def _opened(parts: Parts | WorkerParts) -> AsyncIterator[None]:
    async with AsyncExitStack() as opened:
        opened.push_async_callback(parts.database.close)
        opened.push_async_callback(parts.worker.close)
        await parts.database.open()
        yield


@asynccontextmanager
async def _at_work(supervisor: Supervisor) -> AsyncIterator[None]:
    working = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        supervisor.stop()
        await working


def _reader(database: Database) -> Callable[[Sequence[None]], Awaitable[list[Figures]]]:
    """Anybody may ask: however many do at once, they share one look and one connection."""

    async def read(requests: Sequence[None]) -> list[Figures]:
        backlog = await database.notification_backlog()
        conflicts = await database.count_address_conflicts()
        undelivered = await database.undelivered_emails()
        requests_open = await database.count_privacy_requests()
        figures = Figures(
            backlog=backlog,
            address_conflicts=conflicts,
            privacy_requests=requests_open,
            undelivered=undelivered,
            reconciling=await OrderSyncs(database, holder="metrics").reconcile_status(),
        )
        return [figures] * len(requests)

    return read


async def _healthz(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    readiness: Readiness = request.app.state.readiness
    if found := await readiness.problem():
        return problem(503, found)
    paused = readiness.paused()
    return JSONResponse({"status": "ready", **({"paused": paused} if paused else {})})


async def _metrics(request: Request) -> Response:
    metrics: Metrics = request.app.state.metrics
    try:
        metrics.observe(await request.app.state.figures.submit(None))
    except DatabaseError:
        metrics.forget()
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")
