"""An answer that the provider's API does not document is no success, whatever its status."""

from __future__ import annotations

import pytest

from devtools.fake_providers import Answer, FakeProviders
from tests.service.providers.conftest import Post, Send, notification
from thetis.errors import TemporaryFailure

JSON = {"content-type": "application/json"}


def check_that_it_is_not_believed(
    send: Send, fake_providers: FakeProviders, answer: Answer
) -> TemporaryFailure:
    """The failure; the next attempt, answered as documented, succeeds."""
    fake_providers.answer_with(send.post.provider, answer)
    failure = send.fail()
    assert isinstance(failure, TemporaryFailure)
    assert not failure.is_refused, "it may have been accepted"
    send.succeed()
    assert len(fake_providers.requests) == 2
    return failure


@pytest.mark.parametrize(
    "answer",
    [
        Answer(
            status=200, body="<h1>Log in to the Wi-Fi</h1>", headers={"content-type": "text/html"}
        ),
        Answer(status=200, body="{", headers=JSON),
        Answer(status=200, body="null", headers=JSON),
        Answer(status=200, body={}),
        Answer(status=200, body=[]),
        Answer(status=200),
        Answer(status=202, body={"id": "1", "workflow_run_id": "1"}),
    ],
    ids=["html", "broken", "null", "empty", "list", "nothing", "another status"],
)
def test_a_success_that_is_not_the_providers_own_is_not_believed(
    each_send: Send, fake_providers: FakeProviders, answer: Answer
) -> None:
    failure = check_that_it_is_not_believed(each_send, fake_providers, answer)
    provider, status = each_send.post.provider, answer.status
    assert failure.reason == f"{provider} answered {status} in a form that it does not use"


def test_no_content_is_the_success_of_a_cancellation_and_a_deletion_alone(
    each_send: Send, fake_providers: FakeProviders
) -> None:
    if each_send.notification.kind in {"post_purchase_cancel", "forget_recipient"}:
        each_send.succeed()
    else:
        check_that_it_is_not_believed(each_send, fake_providers, Answer(status=204))


def test_the_success_of_a_trigger_is_none_of_a_cancellation(
    knock: Post, fake_providers: FakeProviders
) -> None:
    cancel = Send(post=knock, notification=notification("post_purchase_cancel"))
    answer = Answer(status=200, body={"workflow_run_id": "1"})
    check_that_it_is_not_believed(cancel, fake_providers, answer)


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_neither_followed_nor_a_success(
    each_send: Send, fake_providers: FakeProviders, base_url: str, status: int
) -> None:
    headers = {"location": f"{base_url}/emails"}
    answer = Answer(status=status, body={"id": "1", "workflow_run_id": "1"}, headers=headers)
    failure = check_that_it_is_not_believed(each_send, fake_providers, answer)
    assert str(status) in failure.reason


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=403, body="<h1>Access denied</h1>", headers={"content-type": "text/html"}),
        Answer(status=404, body={"message": "no Route matched with those values"}),
        Answer(status=400, body=["Bad request"]),
        Answer(status=422, body="{", headers=JSON),
        Answer(status=429, body="Slow down"),
        Answer(status=401),
    ],
    ids=["html", "another form", "list", "broken", "text", "nothing"],
)
def test_a_refusal_without_the_providers_own_words_may_be_that_of_a_proxy(
    each_send: Send, fake_providers: FakeProviders, answer: Answer
) -> None:
    failure = check_that_it_is_not_believed(each_send, fake_providers, answer)
    assert failure.reason.startswith(f"{each_send.post.provider} {answer.status} ")
