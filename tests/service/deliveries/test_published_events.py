"""What Resend publishes of its events, and what we make of them."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.service.deliveries.events import BOUNCE, FAILED, SUPPRESSED, told
from tests.support.published import EVENTS, RESEND
from thetis.deliveries import STATES, translate_event

ID = str(uuid4())
DETAILS: dict[str, dict[str, Any]] = {
    "email.bounced": {"bounce": BOUNCE},
    "email.suppressed": {"suppressed": SUPPRESSED},
    "email.failed": {"failed": FAILED},
}
REASONS = {
    "email.bounced": "Permanent: NoEmail: There is no such mailbox.",
    "email.suppressed": "OnAccountSuppressionList: The address is on the list.: previous_bounce",
    "email.failed": "reached_daily_quota",
}


def test_each_state_comes_from_a_published_event() -> None:
    schemas = RESEND.shipped()["components"]["schemas"]
    published = {schemas[name]["properties"]["type"]["const"] for name in EVENTS}
    assert published == STATES.keys()


@pytest.mark.parametrize("kind", STATES)
def test_an_event_of_the_published_form_is_understood(kind: str) -> None:
    event = told(kind, tags={"notification_id": ID}, **DETAILS.get(kind, {}))
    [schema] = [each for each in EVENTS if not RESEND.faults(each, event, is_ours=False)]
    assert schema.removesuffix("Event").lower() == kind.replace(".", "").replace("_", "")
    assert translate_event(json.dumps(event).encode()) == {
        "notification_id": ID,
        "provider_message_id": "re_1",
        "state": STATES[kind],
        "reason": REASONS.get(kind),
        "occurred_at": "2026-11-20T10:00:00+00:00",
    }


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "rfc822;ada@example.com",
        "<ada=example.com@bounces.example.org>",
        '"ada lovelace"@example.com',
    ],
)
def test_a_reason_holds_no_address_in_whatever_form_a_mail_server_writes_it(address: str) -> None:
    event = told("email.bounced", bounce={**BOUNCE, "message": f"no {address} here"})
    reason = translate_event(json.dumps(event).encode())["reason"]
    assert "[address]" in reason
    assert "ada" not in reason
