"""How far a pass over Shopify's orders has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class SyncState:
    """`state`: begun, resumed, or busy. The counts are of orders."""

    state: str
    leased_seconds: float
    id: int
    since: datetime
    until: datetime
    reached: datetime
    pages: int
    seen: int
    recorded: int
    unchanged: int
    ignored: int
    rejected: int
    missed: int
    """How many told something new that a webhook should have told long before."""
