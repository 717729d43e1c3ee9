"""The Resend sender against a limit that is enforced, by the real clock."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from devtools.fake_providers import FakeProviders, refusal, running
from devtools.rate_limit import RateLimit
from tests.service.providers.conftest import KEY, Post, notification
from thetis.errors import SendFailure, TemporaryFailure
from thetis.providers import Sender


def send(sender: Sender, count: int) -> list[BaseException | None]:
    """What became of so many emails that are sent at once, after the first has been answered."""
    email = notification("course_access")

    async def attempt(number: int) -> BaseException | None:
        try:
            await sender.send(replace(email, id=f"email {number}"))
        except SendFailure as failure:
            return failure
        return None

    async def all_of_them() -> list[BaseException | None]:
        try:
            first = await attempt(0)
            return [first, *await asyncio.gather(*(attempt(each) for each in range(1, count)))]
        finally:
            await sender.close()

    return asyncio.run(all_of_them())


def test_emails_that_are_sent_at_once_go_out_at_the_limit() -> None:
    limited = FakeProviders(api_key=KEY, rate_limit=RateLimit(20))
    started = time.monotonic()
    with running(limited) as base_url:
        outcomes = send(Post(provider="resend", base_url=base_url).sender(), 40)
    assert outcomes.count(None) == len(limited.effects) >= 38
    assert time.monotonic() - started >= 1.9


def test_a_refusal_makes_the_sender_wait_as_long_as_it_says() -> None:
    last_half_minute = RateLimit(1, window=60, clock=lambda: 30.0)
    with running(FakeProviders(api_key=KEY, rate_limit=last_half_minute)) as base_url:
        post = Post(provider="resend", base_url=base_url)
        post.send()
        sender = post.sender()
        [failure] = send(sender, 1)
    assert isinstance(failure, TemporaryFailure)
    assert (failure.is_refused, failure.retry_after) == (True, 30.0)
    assert sender.wait() > 29


@pytest.mark.parametrize("quota", ["daily_quota_exceeded", "monthly_quota_exceeded"])
def test_a_used_up_quota_is_no_reason_to_send_more_slowly(
    resend: Post, fake_providers: FakeProviders, quota: str
) -> None:
    fake_providers.answer_with("resend", refusal("resend", 429, quota, "You have reached it"))
    sender = resend.sender()
    assert isinstance(send(sender, 1)[0], TemporaryFailure)
    assert sender.wait() == 0.0
