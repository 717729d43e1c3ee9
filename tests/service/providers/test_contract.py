"""What holds for every provider, through its official SDK, over HTTP."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from devtools.fake_providers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    HANG,
    Answer,
    FakeProviders,
    refusal,
    running,
)
from tests.service.providers.conftest import ADDRESS, KEY, Post, notification
from thetis.errors import PermanentFailure, TemporaryFailure, WrongSettings


def test_a_send_carries_the_notification_id_as_idempotency_key(
    post: Post, fake_providers: FakeProviders
) -> None:
    post.send()
    [received] = fake_providers.effects
    assert received.idempotency_key == notification("post_purchase").id
    assert received.headers["authorization"] == f"Bearer {KEY}"


def test_two_attempts_are_byte_identical_and_have_one_effect(
    post: Post, fake_providers: FakeProviders
) -> None:
    post.send()
    post.send()
    first, second = fake_providers.requests
    assert first.content == second.content
    assert first.idempotency_key == second.idempotency_key
    assert fake_providers.effects == [first]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409])
def test_a_fault_on_their_side_is_temporary_and_asked_once(
    post: Post, fake_providers: FakeProviders, status: int
) -> None:
    fake_providers.answer_with(
        post.provider, refusal(post.provider, status, "trouble", "Later, please")
    )
    failure = post.failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == f"{post.provider} {status} trouble: Later, please"
    assert failure.retry_after is None
    assert len(fake_providers.requests) == 1


def test_an_error_page_from_a_proxy_is_temporary(post: Post, fake_providers: FakeProviders) -> None:
    fake_providers.answer_with(post.provider, Answer(status=502, body="<h1>Bad gateway</h1>"))
    failure = post.failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason.startswith(f"{post.provider} 502 ")


def test_a_rate_limit_is_temporary_for_as_many_seconds_as_they_say(
    post: Post, fake_providers: FakeProviders
) -> None:
    limit = refusal(post.provider, 429, "rate_limit_exceeded", "Slow down", {"Retry-After": "7"})
    fake_providers.answer_with(post.provider, limit)
    failure = post.failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after == 7.0


def test_a_rate_limit_may_name_a_moment_instead(post: Post, fake_providers: FakeProviders) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    limit = refusal(post.provider, 429, "rate_limit_exceeded", "Slow down", {"Retry-After": moment})
    fake_providers.answer_with(post.provider, limit)
    failure = post.failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after == pytest.approx(90, abs=10)


def test_silence_ends_at_the_deadline(post: Post, fake_providers: FakeProviders) -> None:
    fake_providers.answer_with(post.provider, HANG)
    failure = replace(post, timeout=0.3).failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason.startswith(f"{post.provider} did not answer (")


def test_nobody_listening_is_temporary(post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = replace(post, base_url=f"http://127.0.0.1:{port}").failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == f"{post.provider} did not answer (ConnectError)"


def test_a_connection_lost_before_they_accept_is_made_good_by_the_next_attempt(
    post: Post, fake_providers: FakeProviders
) -> None:
    fake_providers.answer_with(post.provider, DROP_BEFORE_ACCEPTING)
    assert isinstance(post.failure(), TemporaryFailure)
    assert fake_providers.effects == []
    post.send()
    assert len(fake_providers.effects) == 1


def test_a_connection_lost_after_they_accepted_does_not_send_twice(
    post: Post, fake_providers: FakeProviders
) -> None:
    fake_providers.answer_with(post.provider, DROP_AFTER_ACCEPTING)
    assert isinstance(post.failure(), TemporaryFailure)
    post.send()
    assert len(fake_providers.requests) == 2
    assert len(fake_providers.effects) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_is_permanent_and_keeps_their_words(
    post: Post, fake_providers: FakeProviders, status: int
) -> None:
    fake_providers.answer_with(post.provider, refusal(post.provider, status, "not_so", "We cannot"))
    failure = post.failure()
    assert isinstance(failure, PermanentFailure)
    assert failure.reason == f"{post.provider} {status} not_so: We cannot"


def test_a_reason_holds_neither_the_key_nor_an_address(
    post: Post, fake_providers: FakeProviders
) -> None:
    words = f"{KEY} may not write to {ADDRESS}, <{ADDRESS}> or /users/ada%40example.com"
    fake_providers.answer_with(post.provider, refusal(post.provider, 422, "no", words))
    assert post.failure().reason == (
        f"{post.provider} 422 no: [key] may not write to [address], <[address]> or [address]"
    )


def test_a_wrong_key_is_a_wrong_setting(post: Post) -> None:
    with running(FakeProviders(api_key="another key")) as base_url:
        failure = replace(post, base_url=base_url).failure()
    assert isinstance(failure, WrongSettings)
    assert KEY not in failure.reason


def test_a_kind_that_a_sender_does_not_declare_is_permanent(
    post: Post, fake_providers: FakeProviders
) -> None:
    other = "course_access" if post.provider == "knock" else "post_purchase"
    failure = post.failure(notification(other))
    assert isinstance(failure, PermanentFailure)
    assert failure.reason == f"{post.provider} cannot send {other}"
    assert fake_providers.requests == []


def test_one_sender_serves_many_notifications(post: Post, fake_providers: FakeProviders) -> None:
    usual = post.usual()
    post.send(usual, replace(usual, id="another"))
    assert [request.idempotency_key for request in fake_providers.effects] == [usual.id, "another"]
