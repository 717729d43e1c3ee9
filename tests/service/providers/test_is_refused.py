"""A failure says whether the provider certainly did not take the notification.

Only an attempt of which that is not certain lets a key's time run: once the provider has forgotten
the key, another attempt could have a second effect.
"""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from devtools.fake_providers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    HANG,
    Answer,
    FakeProviders,
    refusal,
)
from tests.service.providers.conftest import Post
from thetis.errors import TemporaryFailure


@pytest.mark.parametrize(
    "code", ["rate_limit_exceeded", "daily_quota_exceeded", "monthly_quota_exceeded"]
)
def test_too_many_requests_are_a_definite_refusal(
    post: Post, fake_providers: FakeProviders, code: str
) -> None:
    fake_providers.answer_with(post.provider, refusal(post.provider, 429, code, "Too many"))
    failure = post.failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.is_refused


@pytest.mark.parametrize(
    "answer",
    [HANG, DROP_BEFORE_ACCEPTING, DROP_AFTER_ACCEPTING, Answer(then="hang")],
    ids=["no answer", "dropped", "dropped after accepting", "no answer after accepting"],
)
def test_a_request_without_an_answer_may_have_been_accepted(
    post: Post, fake_providers: FakeProviders, answer: Answer
) -> None:
    fake_providers.answer_with(post.provider, answer)
    failure = replace(post, timeout=0.3).failure()
    assert isinstance(failure, TemporaryFailure)
    assert not failure.is_refused


def test_a_request_that_found_no_connection_was_certainly_not_accepted(post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = replace(post, base_url=f"http://127.0.0.1:{port}").failure()
    assert isinstance(failure, TemporaryFailure)
    assert failure.is_refused


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
def test_a_fault_on_their_side_may_come_after_they_accepted(
    post: Post, fake_providers: FakeProviders, status: int
) -> None:
    fake_providers.answer_with(post.provider, refusal(post.provider, status, "trouble", "Later"))
    failure = post.failure()
    assert isinstance(failure, TemporaryFailure)
    assert not failure.is_refused


def test_an_attempt_beside_one_that_is_in_progress_may_yet_be_accepted(
    resend: Post, fake_providers: FakeProviders
) -> None:
    busy = refusal("resend", 409, "concurrent_idempotent_requests", "Still in progress")
    fake_providers.answer_with("resend", busy)
    failure = resend.failure()
    assert isinstance(failure, TemporaryFailure)
    assert not failure.is_refused
