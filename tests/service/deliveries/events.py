"""What Resend tells of an email, as it publishes the form."""

from __future__ import annotations

from typing import Any

ADDRESS = "ada@example.com"

BOUNCE = {
    "diagnosticCode": [f"smtp; 550 5.1.1 <{ADDRESS}> user unknown"],
    "message": "There is no such mailbox.",
    "subType": "NoEmail",
    "type": "Permanent",
}
SUPPRESSED = {
    "diagnosticCode": [f"smtp; 550 <{ADDRESS}> is on the list"],
    "message": "The address is on the list.",
    "reason": "previous_bounce",
    "type": "OnAccountSuppressionList",
}
FAILED = {"reason": "reached_daily_quota"}


def told(kind: str, **data: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "created_at": "2026-11-20T10:00:00.000Z",
        "data": {
            "created_at": "2026-11-20T09:59:00.000Z",
            "email_id": "re_1",
            "from": "Courses <courses@example.com>",
            "to": [ADDRESS],
            "subject": "Your course is ready",
            **data,
        },
    }
