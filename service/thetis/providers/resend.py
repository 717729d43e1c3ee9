"""The course access email, handed to Resend.

Facts this file stands on:
- The same Idempotency-Key and body within 24 hours is answered again without a second email.
  409 `concurrent_idempotent_requests`: the first is still in progress, try again.
  409 `invalid_idempotent_request`: the key was already used with another body.
  https://resend.com/docs/dashboard/emails/idempotency-keys
- Error names and statuses: https://resend.com/docs/api-reference/errors
- 429 carries `retry-after` in seconds; the quota kinds of 429 last for hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import resend
import structlog
from resend.exceptions import NoContentError, ResendError

from thetis.database import Notification
from thetis.emails import course_access
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

QUOTA_WAIT = 3600.0
"""Seconds. A used-up daily or monthly quota does not come back sooner by asking."""

_QUOTA = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})

log = structlog.get_logger()


class ResendSender:
    """Sends `resend.course_access`. `email_from` is `Name <address>` on a verified domain."""

    provider = "resend"

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        email_from: str,
        course_app_url: str,
        timeout: float = DEADLINE,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url.rstrip("/")
        self._email_from = email_from
        self._course_app_url = course_app_url
        self._timeout = timeout
        self._http = _HttpClient(timeout)

    async def send(self, notification: Notification) -> None:
        if notification.kind != "resend.course_access":
            raise PermanentFailure(f"resend cannot send {notification.kind}")
        email = self._compose(notification.payload)
        try:
            async with asyncio.timeout(self._timeout):
                await self._send(email, notification.id)
        except ResendError as error:
            # The key is this notification's own, so it was this email that Resend took before,
            # worded by another release or for another address of the course app.
            if error.error_type == "invalid_idempotent_request":
                log.warning("resend.already_accepted", notification_id=notification.id)
                return
            raise self._refusal(error) from error
        except TimeoutError as error:
            raise no_answer(self.provider, error) from error

    async def close(self) -> None:
        await self._http.close()

    def _compose(self, payload: Mapping[str, Any]) -> resend.Emails.SendParams:
        email = course_access(payload, self._course_app_url)
        return {
            "from": self._email_from,
            "to": [payload["to"]],
            "subject": email.subject,
            "html": email.html,
            "text": email.text,
        }

    async def _send(self, email: resend.Emails.SendParams, key: str) -> None:
        # The SDK is configured by module globals, which it reads before its first suspension:
        # set here, one process can hold several senders.
        resend.api_key = self._api_key
        resend.api_url = self._base_url
        resend.default_async_http_client = self._http
        try:
            sent: object = await resend.Emails.send_async(email, {"idempotency_key": key})
        except NoContentError as error:
            raise unreadable_answer(self.provider) from error
        if not (isinstance(sent, dict) and sent.get("id")):
            raise unreadable_answer(self.provider)

    def _refusal(self, error: ResendError) -> SendFailure:
        if error.error_type == "HttpClientError":  # the SDK's name for every transport error
            return no_answer(self.provider, error.__context__)
        wait = parse_retry_after(error.headers.get("retry-after"))
        if error.error_type in _QUOTA:
            wait = max(wait or 0.0, QUOTA_WAIT)
        words = redact(f"{error.error_type}: {error.message}", self._api_key)
        return failure(self.provider, int(error.code), words, retry_after=wait)


class _HttpClient(resend.AsyncHTTPClient):
    """The SDK's own client opens a new connection for every email; this one keeps them."""

    def __init__(self, timeout: float) -> None:
        self._client = httpx.AsyncClient(timeout=timeout)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: dict[str, object] | list[object] | None = None,
        files: dict[str, Any] | None = None,
        data: dict[str, str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        response = await self._client.request(
            method, url, headers=headers, json=json, files=files, data=data
        )
        return response.content, response.status_code, response.headers

    async def close(self) -> None:
        await self._client.aclose()
