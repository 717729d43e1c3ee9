"""Whether this machine knows the time: by it Resend's webhooks and users' tokens are judged."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from thetis.doctor.asking import NoAnswer, ask
from thetis.doctor.checks import Finding, failed, passed, warned

WRONG_SECONDS = 60

INEXACT_SECONDS = 5


def skew(seconds: float, whose: str) -> Finding:
    """How far this machine's clock is ahead of another's."""
    words = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} {whose}"
    if abs(seconds) >= WRONG_SECONDS:
        return failed(f"this machine's clock is {words}: signatures and tokens will be refused")
    if abs(seconds) >= INEXACT_SECONDS:
        return warned(f"this machine's clock is {words}")
    return passed(f"this machine and {whose} agree")


async def ahead_of(http: httpx.AsyncClient, url: str) -> float | None:
    """Seconds that this machine is ahead of a server; None where that does not tell the time."""
    asked_at = datetime.now(UTC)
    try:
        answer = await ask(http, "HEAD", url)
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except (NoAnswer, ValueError):
        return None
    ours = asked_at + (datetime.now(UTC) - asked_at) / 2
    # The header has whole seconds, and may be up to one behind.
    ahead = (ours - theirs).total_seconds()
    return 0.0 if 0 <= ahead <= 1 else ahead
