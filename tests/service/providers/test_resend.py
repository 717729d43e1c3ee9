from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from devtools.fake_providers import Answer, FakeProviders, refusal, running
from tests.service.providers.conftest import BRAND, Post, notification
from thetis.errors import PermanentFailure, TemporaryFailure, WrongSettings
from thetis.providers.resend import ResendSender


def test_the_email_goes_to_the_buyer_from_the_configured_sender(
    resend: Post, fake_providers: FakeProviders
) -> None:
    resend.send()
    [received] = fake_providers.effects
    assert received.path == "/emails"
    assert received.body["from"] == "Courses <courses@example.com>"
    assert received.body["to"] == ["ada.lovelace@example.com"]
    assert received.body["subject"] == "Your course is ready (order #1001)"


@pytest.mark.parametrize("part", ["html", "text"])
def test_both_bodies_lead_to_the_claim_page(
    resend: Post, fake_providers: FakeProviders, part: str
) -> None:
    resend.send()
    assert "https://learn.example.com/claim" in fake_providers.effects[0].body[part]


@pytest.mark.parametrize("quota", ["daily_quota_exceeded", "monthly_quota_exceeded"])
def test_a_used_up_quota_is_not_asked_again_within_the_hour(
    resend: Post, fake_providers: FakeProviders, quota: str
) -> None:
    exceeded = refusal("resend", 429, quota, "You have reached your quota", {"retry-after": "1"})
    fake_providers.answer_with("resend", exceeded)
    failure = resend.failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after == 3600.0


def test_an_email_accepted_in_other_words_is_not_sent_again(
    resend: Post, fake_providers: FakeProviders
) -> None:
    email = notification("course_access")
    resend.send(email)
    with capture_logs() as logs:
        resend.send(notification("course_access", has_account=True))
    assert len(fake_providers.effects) == 1
    assert logs == [
        {"event": "resend.already_accepted", "log_level": "warning", "notification_id": email.id}
    ]


def test_an_address_that_is_none_is_a_permanent_failure(resend: Post) -> None:
    with pytest.raises(PermanentFailure) as caught:
        resend.send(notification("course_access", email="nobody"))
    assert caught.value.reason == "resend 422 validation_error: Invalid `to` field: nobody"


def test_a_domain_that_is_not_verified_is_a_wrong_setting(
    resend: Post, fake_providers: FakeProviders
) -> None:
    words = "The example.com domain is not verified. Please, add and verify your domain."
    fake_providers.answer_with("resend", refusal("resend", 403, "validation_error", words))
    failure = resend.failure()
    assert isinstance(failure, WrongSettings)
    assert failure.reason == f"resend 403 validation_error: {words}"


def test_two_senders_in_one_process_keep_to_their_own_server_and_key() -> None:
    """The SDK keeps its configuration in module globals."""

    def sender(url: str, key: str) -> ResendSender:
        return ResendSender(
            api_key=key,
            base_url=url,
            email_from="a@example.com",
            course_app_url="https://example.com",
            brand=BRAND,
            timeout=10,
        )

    async def both(here: str, there: str) -> None:
        senders = [sender(here, "here"), sender(there, "there")]
        email = notification("course_access")
        await asyncio.gather(
            *(each.send(replace(email, id=str(n))) for each in senders for n in range(5))
        )
        for each in senders:
            await each.close()

    one, other = FakeProviders(api_key="here"), FakeProviders(api_key="there")
    slow = [Answer(delay=0.05)] * 5
    one.answer_with("resend", *slow)
    other.answer_with("resend", *slow)
    with running(one) as here, running(other) as there:
        asyncio.run(both(here, there))
    assert len(one.effects) == len(other.effects) == 5
