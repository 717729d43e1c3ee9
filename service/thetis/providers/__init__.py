"""What a sender is, and what an answer of a provider means.

A sender that returns has handed the notification over. Every other end is one of the failures in
`thetis.errors`. Only what the provider's API documents counts: a success in another form, or an
error without the provider's own words, comes from something in between.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx

from thetis.errors import PermanentFailure, SendFailure, TemporaryFailure, WrongSettings
from thetis.model import Notification

_OUTCOME_UNKNOWN = frozenset({408, 409})
"""Of the statuses that blame the request. Both providers use 409 while an earlier request with the
same key is in progress, and that one may yet succeed; 408 may come from a proxy that gave up."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_ADDRESS = re.compile(r"""(?:"[^"@]*"|[^\s<>()"'`,;:\[\]{}]+)(?:@|%40)[^\s<>()"'`,;:=\[\]{}]+""")
"""An `=` may be of the address: who forwards mail writes `ada=example.com@example.org`."""

_LONGEST_REASON = 500


class Sender(Protocol):
    """One provider. Safe to call concurrently within one event loop."""

    provider: str
    kinds: frozenset[str]
    """The kinds of notifications that it sends."""

    def wait(self) -> float:
        """Seconds until the provider wants to be asked again."""
        ...

    def room(self, within: float) -> int | None:
        """How many sends may begin within so many seconds from now; None is any number."""
        ...

    async def send(self, notification: Notification) -> str | None:
        """Hand one notification over; the idempotency key is the notification's id. Returns the
        provider's own name for it, where it gives one that later events use.

        Begins when the provider wants it, within the time that `room` was asked about. Raises a
        SendFailure, no later than the sender's timeout after that.
        """
        ...

    async def close(self) -> None:
        """Close the connections that are kept open between sends."""
        ...


def failure(
    provider: str,
    status: int,
    words: str,
    *,
    is_readable: bool,
    is_about_settings: bool,
    retry_after: float | None = None,
) -> SendFailure:
    """Translate an HTTP status of 300 or above. `is_readable`: the error is in the provider's form.

    An error in another form comes from something in between, which may let the next attempt pass.
    """
    reason = f"{provider} {status} {words}"
    is_refused = is_readable and 400 <= status < 500 and status not in _OUTCOME_UNKNOWN
    if is_refused and is_about_settings:
        return WrongSettings(reason)
    if is_refused and status != httpx.codes.TOO_MANY_REQUESTS:
        return PermanentFailure(reason)
    return TemporaryFailure(reason, retry_after, is_refused=is_refused)


def no_answer(provider: str, cause: BaseException | None) -> TemporaryFailure:
    """Nothing came back. Unless there was no connection, the provider may have accepted."""
    reason = f"{provider} did not answer ({type(cause).__name__})"
    return TemporaryFailure(reason, is_refused=isinstance(cause, _NEVER_SENT))


def unreadable_answer(provider: str, status: int) -> TemporaryFailure:
    """Neither an error nor the success that the API documents, perhaps from a proxy in between."""
    return TemporaryFailure(f"{provider} answered {status} in a form that it does not use")


def cannot_send(sender: Sender, notification: Notification) -> PermanentFailure:
    return PermanentFailure(f"{sender.provider} cannot send {notification.kind}")


def redact(words: str, secret: str | None = None) -> str:
    """The provider's own words, short, without the API key and without email addresses."""
    one_line = " ".join((words.replace(secret, "[key]") if secret else words).split())
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
    return max(seconds, 0.0)


def _until(http_date: str, now: datetime | None) -> float:
    moment = parsedate_to_datetime(http_date)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - (now or datetime.now(UTC))).total_seconds()
