"""The route that Resend posts to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from thetis.deliveries import Received, is_authentic
from thetis.errors import DatabaseError
from thetis.logs import where
from thetis.model import WebhookOutcome
from thetis.webhook_route import LATER, Refused, done, problem, read_body

if TYPE_CHECKING:
    from thetis.app import Parts

log = structlog.get_logger()


class DeliveryRoute:
    """An ASGI application of one route. Without a secret there is no such route."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._parts.resend_secrets:
            answer = problem(404, "RESEND_WEBHOOK_SECRETS is not set")
        else:
            answer, received = await self._answer(scope, receive)
            self._parts.metrics.deliveries.labels(received.type, received.outcome).inc()
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Response, Received]:
        try:
            body = await read_body(self._parts, scope, receive)
        except Refused as refused:
            return refused.response, Received(refused.outcome)
        headers = {str(k, "latin-1"): str(v, "latin-1") for k, v in scope["headers"]}
        if not is_authentic(body, headers, self._parts.resend_secrets):
            log.warning("delivery.unauthorized")
            return _refusal(WebhookOutcome.UNAUTHORIZED, "the signature is missing or wrong")
        try:
            received = await self._parts.deliveries.record(body, headers["svix-id"])
        except DatabaseError as error:
            log.error("delivery.unavailable", code=error.code, reason=str(error))
            return _refusal(WebhookOutcome.UNAVAILABLE, "the database does not answer")
        except Exception as error:
            # A fault of ours. Nothing is lost: Resend sends it again.
            log.error("delivery.failed", error=type(error).__name__, where=where(error))
            return _refusal(WebhookOutcome.FAILED, "this cannot be handled now")
        return done(received.outcome), received


def _refusal(outcome: WebhookOutcome, words: str) -> tuple[Response, Received]:
    headers = LATER if outcome.status == 503 else None
    return problem(outcome.status, words, headers), Received(outcome)
