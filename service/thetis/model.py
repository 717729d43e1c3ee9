"""The types that the parts of the service hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Result = Literal["sent", "retry", "dead"]
"""What became of one attempt to send."""


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A row of the outbox that is ours to send until its lease ends. `attempt` names the lease."""

    id: str
    kind: str
    attempt: int
    shopify_order_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of one attempt to send.

    `is_refused` on a retry says that the provider certainly did not take the notification; without
    it, nobody knows.
    """

    id: str
    attempt: int
    result: Result
    error: str | None = None
    retry_after_seconds: float | None = None
    is_refused: bool = False
