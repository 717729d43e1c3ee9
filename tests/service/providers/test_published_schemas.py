"""Requests as the official SDKs send them, against the schemas that the providers publish."""

from __future__ import annotations

import pytest

from devtools.fake_providers import FakeProviders
from tests.service.providers.conftest import Post, notification
from tests.support.published import KNOCK, RESEND, SPECIFICATIONS


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("post_purchase", "TriggerWorkflowRequest"),
        ("post_purchase_cancel", "CancelWorkflowRequest"),
        ("post_purchase_update", "SetObjectRequest"),
    ],
)
def test_what_knock_receives_satisfies_its_schema(
    knock: Post, fake_providers: FakeProviders, kind: str, schema: str
) -> None:
    knock.send(notification(kind))
    [received] = fake_providers.requests
    assert KNOCK.faults(schema, received.body) == []


@pytest.mark.parametrize("has_account", [False, True])
def test_what_resend_receives_satisfies_its_schema(
    resend: Post, fake_providers: FakeProviders, *, has_account: bool
) -> None:
    resend.send(notification("course_access", has_account=has_account))
    [received] = fake_providers.requests
    assert RESEND.faults("SendEmailRequest", received.body) == []


def test_the_email_with_a_code_satisfies_it_too(
    resend: Post, fake_providers: FakeProviders
) -> None:
    resend.send(notification("claim_code"))
    [received] = fake_providers.requests
    assert RESEND.faults("SendEmailRequest", received.body) == []
    assert received.body["to"] == ["ada.lovelace@example.com"]
    assert "042917" in received.body["html"]


def test_the_schemas_would_notice_a_mistake() -> None:
    assert KNOCK.faults("TriggerWorkflowRequest", {"recipients": "ada@example.com"})
    assert KNOCK.faults("TriggerWorkflowRequest", {"recipients": [], "datum": {}})
    assert KNOCK.faults("CancelWorkflowRequest", {"recipients": []})
    assert RESEND.faults("SendEmailRequest", {"from": "a@example.com", "to": []})


def test_the_extracts_are_what_is_published_wherever_the_whole_is_at_hand() -> None:
    for specification in SPECIFICATIONS:
        if specification.whole_path.exists():
            assert specification.shipped() == specification.extract(), specification.file
