"""What the rows that the database answers mean: one reader for each shape."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from thetis.errors import DatabaseUnavailable
from thetis.model import (
    Act,
    Backlog,
    ListedNotification,
    Notification,
    Outcome,
    ReconcileStatus,
    RejectedWebhook,
    Resent,
    Retried,
    WebhookOutcome,
)
from thetis.sync_state import SyncState
from thetis.transports import Row

Answer = TypeVar("Answer")


def read(rows: list[Row], form: Callable[[list[Row]], Answer]) -> Answer:
    """An answer of another shape comes from a proxy, or from another release of the database."""
    try:
        return form(rows)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DatabaseUnavailable(f"an unreadable answer ({type(error).__name__})") from error


def rejected_webhook(rows: list[Row], *, rejected_id: int) -> RejectedWebhook | None:
    if not rows:
        return None
    [row] = rows
    body = base64.b64decode(row.pop("body_base64"))
    return RejectedWebhook(**row, id=rejected_id, body=body)


def notifications(rows: list[Row]) -> list[Notification]:
    return [Notification(**{**row, "id": str(row["id"])}) for row in rows]


def backlogs(rows: list[Row]) -> list[Backlog]:
    return [
        Backlog(**{**row, "oldest_due_seconds": row["oldest_due_seconds"] or 0.0}) for row in rows
    ]


def _in_order(rows: list[Row], count: int) -> list[Row]:
    """One for each element that was sent."""
    if len(rows) != count:
        raise ValueError(f"{len(rows)} outcomes for {count}")
    return sorted(rows, key=lambda row: row["ordinal"])


def outcomes(rows: list[Row], *, count: int) -> list[Outcome]:
    return [
        Outcome(
            shopify_order_id=row["shopify_order_id"],
            outcome=WebhookOutcome(row["outcome"]),
            reason=row["reason"],
        )
        for row in _in_order(rows, count)
    ]


def sync_state(rows: list[Row]) -> SyncState:
    told = document(rows, function="begin_order_sync")
    moments = {name: datetime.fromisoformat(told[name]) for name in ("since", "until", "reached")}
    return SyncState(**{**told, **moments})


def reconcile_status(rows: list[Row]) -> ReconcileStatus | None:
    return ReconcileStatus(**rows[0]) if rows else None


def listed_notifications(rows: list[Row]) -> list[ListedNotification]:
    return [ListedNotification(**{**row, "id": str(row["id"])}) for row in rows]


def stored_notification(rows: list[Row]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = rows[0]["get_notification"]
    return found


def retried(rows: list[Row]) -> list[Retried]:
    return [
        Retried(id=str(row["id"]), outcome=row["outcome"], refusal=row["refusal"]) for row in rows
    ]


def resent(rows: list[Row]) -> list[Resent]:
    return [Resent(**{**row, "id": None if row["id"] is None else str(row["id"])}) for row in rows]


def delivery_outcomes(rows: list[Row], *, count: int) -> list[WebhookOutcome]:
    return [WebhookOutcome(row["outcome"]) for row in _in_order(rows, count)]


def document(rows: list[Row], *, function: str) -> dict[str, Any]:
    """The one JSON object that the function answers."""
    return dict(rows[0][function])


def act(rows: list[Row], *, function: str) -> Act:
    return Act(**document(rows, function=function))
