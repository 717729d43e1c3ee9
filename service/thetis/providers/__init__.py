"""What a sender is, and the two ways in which a send can fail.

    SendFailure
    ├── TemporaryFailure   try again later, with the same idempotency key
    └── PermanentFailure   trying again cannot help: a human has to look

A sender that returns has handed the message over. An unknown outcome (no answer, an unreadable
one) is a TemporaryFailure: the idempotency key makes a second attempt harmless.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from thetis.database import Notification

DEADLINE = 15.0
"""Seconds for one send, connection to last byte, unless SEND_TIMEOUT_SECONDS says otherwise."""

LONGEST_WAIT = 86_400.0
"""Seconds. Both providers forget an idempotency key after a day; waiting longer is pointless."""

_RETRIED = frozenset({408, 409, 429})
_ADDRESS = re.compile(r"[^\s<>()\"'`,;:=\[\]{}]+(?:@|%40)[^\s<>()\"'`,;:=\[\]{}]+")
_LONGEST_REASON = 500


class Sender(Protocol):
    """One provider. Safe to call concurrently within one event loop."""

    provider: str
    """`knock` or `resend`: the part of a notification's kind before the dot."""

    async def send(self, notification: Notification) -> None:
        """Hand one notification over; the idempotency key is the notification's id.

        Raises TemporaryFailure or PermanentFailure, after the sender's timeout at the latest.
        """
        ...

    async def close(self) -> None:
        """Close the connections that are kept open between sends."""
        ...


class SendFailure(Exception):
    """A send did not succeed; `reason` is free of secrets and of email addresses."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(SendFailure):
    """Worth another attempt, no sooner than `retry_after` seconds when the provider said so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PermanentFailure(SendFailure):
    """The provider refused, and would refuse the same request again."""


def failure(
    provider: str, status: int, words: str, *, retry_after: float | None = None
) -> SendFailure:
    """Translate an HTTP status of 300 or above.

    409 is temporary because both providers use it for "the same key is being handled right now".
    """
    reason = f"{provider} {status} {words}"
    if status in _RETRIED or status >= 500:
        return TemporaryFailure(reason, retry_after)
    return PermanentFailure(reason)


def no_answer(provider: str, cause: BaseException | None) -> TemporaryFailure:
    """Nothing came back, so whether the provider accepted the message is unknown."""
    return TemporaryFailure(f"{provider} did not answer ({type(cause).__name__})")


def unreadable_answer(provider: str) -> TemporaryFailure:
    """A success that does not look like the provider's own, perhaps from a proxy in between."""
    return TemporaryFailure(f"{provider} answered success in a form it does not use")


def redact(words: str, secret: str) -> str:
    """The provider's own words, short, without the API key and without email addresses."""
    one_line = " ".join(words.replace(secret, "[key]").split())
    return _ADDRESS.sub("[address]", one_line)[:_LONGEST_REASON]


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait, from a Retry-After header of either form; None when it says nothing.

    Source: RFC 9110, section 10.2.3.
    """
    if not value:
        return None
    try:
        seconds = float(int(value)) if value.strip().isdigit() else _until(value, now)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(http_date: str, now: datetime | None) -> float:
    moment = parsedate_to_datetime(http_date)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - (now or datetime.now(UTC))).total_seconds()
