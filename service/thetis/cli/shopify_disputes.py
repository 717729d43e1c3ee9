"""The bodies of disputes/create and disputes/update; see thetis.cli.shopify_payloads.

Their shape: https://shopify.dev/docs/api/admin-rest/latest/resources/dispute
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from thetis.cli.shopify_payloads import SHOP_TIME, Json
from thetis.cli.shopify_templates import identity

DISPUTE_STATUSES = ("needs_response", "under_review", "lost", "accepted", "prevented", "won")

FINAL = frozenset({"lost", "accepted", "prevented", "won"})

FIRST_STATUS: Mapping[str, str] = {"disputes/create": "needs_response", "disputes/update": "won"}
"""What each topic tells, unless another state is asked for."""

TIME_TO_ANSWER = timedelta(days=10)


def dispute(*, order_id: int, status: str, is_inquiry: bool = False, at: datetime) -> Json:
    """The one dispute of an order, as it is told at `at` (aware)."""
    told_at = at.astimezone(SHOP_TIME)
    is_answered = status not in {"needs_response", "accepted"}
    return {
        "id": identity("Dispute", order_id),
        "order_id": order_id,
        "type": "inquiry" if is_inquiry else "chargeback",
        "amount": "49.00",
        "currency": "USD",
        "reason": "fraudulent",
        "network_reason_code": "4837",
        "status": status,
        "evidence_due_by": (told_at + TIME_TO_ANSWER).isoformat(timespec="seconds"),
        "evidence_sent_on": told_at.isoformat(timespec="seconds") if is_answered else None,
        "finalized_on": told_at.date().isoformat() if status in FINAL else None,
        "initiated_at": told_at.isoformat(timespec="seconds"),
    }
