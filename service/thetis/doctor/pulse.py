"""Whether webhooks still come, whoever made them: was the newest order told?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from thetis.doctor.checks import Finding, failed, passed, unknown
from thetis.heartbeat import TEST_TOPIC
from thetis.installation import Heard

LATE = timedelta(minutes=15)
"""Shopify takes seconds as a rule, and we note it once a minute."""


def pulse(ordered_at: datetime, webhooks: Mapping[str, Heard], now: datetime) -> Finding:
    """`webhooks` by topic; those of `--live` do not count."""
    heard = [each.received_at for topic, each in webhooks.items() if topic != TEST_TOPIC]
    heard_at = max(heard, default=None)
    order = f"the newest order is of {_minute(ordered_at)}"
    if heard_at is not None and heard_at >= ordered_at - LATE:
        return passed(f"{order}, the newest webhook of {_minute(heard_at)}")
    if now - ordered_at < LATE:
        return unknown(f"{order}: its webhook may be on its way")
    if heard_at is None:
        return failed(f"{order}, and no webhook ever came")
    return failed(f"{order}, but the newest webhook of {_minute(heard_at)}")


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
