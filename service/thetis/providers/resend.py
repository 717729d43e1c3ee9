"""The emails that we word ourselves, handed to Resend.

Facts this file stands on:
- The same Idempotency-Key and body within 24 hours is answered again without a second email.
  409 `concurrent_idempotent_requests`: the first is still in progress, try again.
  409 `invalid_idempotent_request`: the key was already used with another body.
  https://resend.com/docs/dashboard/emails/idempotency-keys
- Success is 200 with an `id`; errors carry `name` and `message`.
  https://resend.com/docs/api-reference/errors
- Every answer carries `ratelimit-limit`, `ratelimit-remaining` and `ratelimit-reset`, which count
  the requests of the whole team; 429 carries `retry-after` in seconds. The quota kinds of 429 last
  for hours. https://resend.com/docs/api-reference/rate-limit
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import resend
import structlog
from resend.exceptions import ResendError

from thetis.emails import Brand, Email, claim_code, course_access
from thetis.errors import SendFailure, TemporaryFailure
from thetis.model import Notification
from thetis.providers import (
    cannot_send,
    failure,
    no_answer,
    parse_retry_after,
    redact,
    unreadable_answer,
)
from thetis.providers.pacing import Pace

TAG = "notification_id"
"""A tag of each email, which comes back in what Resend tells of it later."""

QUOTA_WAIT = 3600.0
"""Seconds. A used-up daily or monthly quota does not come back sooner by asking."""

_QUOTA = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})

_NOT_FROM_RESEND = frozenset({"application_error", "InternalServerError"})
"""The SDK's names for an error that has none of Resend's. Resend uses the first with 500 alone."""

WRONG_SETTINGS = frozenset({"invalid_from_address"})
"""Names of errors that are about settings although their status blames the email. 401 and 403 are
about the key, and about a domain that is not verified.
https://resend.com/docs/api-reference/errors
"""

LONGEST_TURN = 5.0
"""Seconds that an email which was claimed may wait for its turn."""

log = structlog.get_logger()


class ResendSender:
    """`email_from` is `Name <address>` on a verified domain."""

    provider = "resend"
    kinds = frozenset({"course_access", "claim_code"})

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        email_from: str,
        course_app_url: str,
        brand: Brand,
        timeout: float,
        max_per_second: float | None = None,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url.rstrip("/")
        self._email_from = email_from
        self._course_app_url = course_app_url
        self._brand = brand
        self._timeout = timeout
        self._pace = Pace(max_per_second=max_per_second)
        self._http = _HttpClient(timeout, self._pace)

    def wait(self) -> float:
        return self._pace.wait()

    def room(self, within: float) -> int | None:
        return self._pace.room(within)

    async def send(self, notification: Notification) -> str | None:
        if notification.kind not in self.kinds:
            raise cannot_send(self, notification)
        email = self._compose(notification)
        if (wait := self._pace.wait()) > LONGEST_TURN:
            # Asked to pause after this was claimed: the lease would end while it waits.
            raise TemporaryFailure("resend asked for a pause", wait, is_refused=True)
        try:
            await self._pace.turn()
            async with asyncio.timeout(self._timeout):
                return await self._send(email, notification.id)
        except ResendError as error:
            # The key is this notification's own, so it was this email that Resend took before,
            # worded by another release or for another address of the course app.
            if error.error_type == "invalid_idempotent_request":
                log.warning("resend.already_accepted", notification_id=notification.id)
                return None
            raise self._refusal(error) from error
        except TimeoutError as error:
            raise no_answer(self.provider, error) from error
        finally:
            self._pace.ended()

    async def close(self) -> None:
        await self._http.close()

    def _compose(self, notification: Notification) -> resend.Emails.SendParams:
        email = self._worded(notification)
        return {
            "from": self._email_from,
            "to": [notification.payload["email"]],
            "reply_to": self._brand.support_email,
            "tags": [{"name": TAG, "value": notification.id}],
            "subject": email.subject,
            "html": email.html,
            "text": email.text,
        }

    def _worded(self, notification: Notification) -> Email:
        if notification.kind == "claim_code":
            return claim_code(notification.payload, self._brand)
        return course_access(notification.payload, self._course_app_url, self._brand)

    async def _send(self, email: resend.Emails.SendParams, key: str) -> str:
        # The SDK is configured by module globals, which it reads before its first suspension:
        # set here, one process can hold several senders.
        resend.api_key = self._api_key
        resend.api_url = self._base_url
        resend.default_async_http_client = self._http
        accepted = await resend.Emails.send_async(email, {"idempotency_key": key})
        return str(accepted["id"])

    def _refusal(self, error: ResendError) -> SendFailure:
        if error.error_type == "HttpClientError":  # the SDK's name for all that its client raises
            cause = error.__context__
            return cause if isinstance(cause, TemporaryFailure) else no_answer("resend", cause)
        status = int(error.code)
        wait = parse_retry_after(error.headers.get("retry-after"))
        if error.error_type in _QUOTA:
            wait = max(wait or 0.0, QUOTA_WAIT)
        elif status == httpx.codes.TOO_MANY_REQUESTS:
            self._pace.exceeded(wait)
        return failure(
            self.provider,
            status,
            redact(f"{error.error_type}: {error.message}", self._api_key),
            is_readable=error.error_type not in _NOT_FROM_RESEND,
            is_about_settings=status in {401, 403} or error.error_type in WRONG_SETTINGS,
            retry_after=wait,
        )


class _HttpClient(resend.AsyncHTTPClient):
    """What the SDK's own client does not do: it keeps connections, learns the limit from every
    answer, and lets no success pass that is not Resend's.
    """

    def __init__(self, timeout: float, pace: Pace) -> None:
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False)
        self._pace = pace

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: dict[str, object] | list[object] | None = None,
        files: dict[str, Any] | None = None,
        data: dict[str, str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        told: Mapping[str, str] = {}
        try:
            response = await self._client.request(
                method, url, headers=headers, json=json, files=files, data=data
            )
            told = response.headers
        finally:
            self._pace.observe(told)
        if response.status_code < 400 and not _is_accepted(response):
            raise unreadable_answer("resend", response.status_code)
        return response.content, response.status_code, response.headers

    async def close(self) -> None:
        await self._client.aclose()


def _is_accepted(response: httpx.Response) -> bool:
    try:
        body = response.json()
    except ValueError:
        return False
    return response.status_code == 200 and isinstance(body, dict) and bool(body.get("id"))
