"""Notifications for Knock: start the post-purchase workflow, or stop it.

Facts this file stands on:
- Only a trigger honours Idempotency-Key: the same key and body within 24 hours is answered again
  without a second run, and only a 2xx is remembered. A cancel needs none: repeating it changes
  nothing. https://docs.knock.app/api-reference/overview/idempotent-requests
- Errors carry `code` and `message`. https://docs.knock.app/api-reference/overview/error-codes
"""

from __future__ import annotations

import asyncio

from knockapi import APIConnectionError, APIStatusError, AsyncKnock

from thetis.database import Notification
from thetis.providers import (
    DEADLINE,
    PermanentFailure,
    SendFailure,
    failure,
    no_answer,
    parse_retry_after,
    redact,
    unreadable_answer,
)

BRANCHED_CATEGORIES = frozenset({"course", "device"})
"""The categories of products for which the workflow has a branch of its own."""


class KnockSender:
    """Sends `knock.trigger` and `knock.cancel`. `base_url` comes without `/v1`."""

    provider = "knock"

    def __init__(self, *, api_key: str, base_url: str, timeout: float = DEADLINE) -> None:
        self._api_key = api_key
        self._timeout = timeout
        # The outbox owns retries: a second layer here would outlive the deadline.
        self._client = AsyncKnock(
            api_key=api_key, base_url=base_url, timeout=timeout, max_retries=0
        )

    async def send(self, notification: Notification) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._call(notification)
        except APIStatusError as error:
            raise self._refusal(error) from error
        except APIConnectionError as error:
            raise no_answer(self.provider, error.__cause__) from error
        except TimeoutError as error:
            raise no_answer(self.provider, error) from error

    async def close(self) -> None:
        await self._client.close()

    async def _call(self, notification: Notification) -> None:
        match notification.kind:
            case "knock.trigger":
                await self._trigger(notification)
            case "knock.cancel":
                await self._cancel(notification)
            case kind:
                raise PermanentFailure(f"knock cannot send {kind}")

    async def _trigger(self, notification: Notification) -> None:
        payload = notification.payload
        try:
            run = await self._client.workflows.trigger(
                payload["workflow"],
                recipients=[payload["recipient"]],
                data=payload["data"],
                cancellation_key=payload["cancellation_key"],
                idempotency_key=notification.id,
            )
        except ValueError as error:  # the SDK's, for a body that claims to be JSON and is not
            raise unreadable_answer(self.provider) from error
        # The SDK hands other content types, and objects of another shape, through unchecked.
        if not getattr(run, "workflow_run_id", None):
            raise unreadable_answer(self.provider)

    async def _cancel(self, notification: Notification) -> None:
        payload = notification.payload
        await self._client.workflows.cancel(
            payload["workflow"],
            cancellation_key=payload["cancellation_key"],
            recipients=payload["recipients"],
            idempotency_key=notification.id,
        )

    def _refusal(self, error: APIStatusError) -> SendFailure:
        wait = parse_retry_after(error.response.headers.get("retry-after"))
        words = redact(_words(error.body), self._api_key)
        return failure(self.provider, error.status_code, words, retry_after=wait)


def _words(body: object) -> str:
    if not isinstance(body, dict):
        return str(body or "without a word")
    # `errors` stands in for `message` where the parameters were wrong.
    parts = (body.get("code"), body.get("message"), body.get("errors"))
    return ": ".join(str(part) for part in parts if part)
