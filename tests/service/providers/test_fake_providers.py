"""The fake providers keep the vendors' manners, so that tests against them mean something."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from devtools.fake_providers import HANG, FakeProviders, ReceivedRequest, readable, running
from devtools.rate_limit import RateLimit
from tests.service.providers.conftest import KEY, Post, notification

EMAIL = {"from": "a@example.com", "to": ["b@example.com"], "subject": "Hello", "text": "Hi"}
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.mark.usefixtures("fake_providers")
def test_a_missing_key_is_401_at_both(base_url: str) -> None:
    assert httpx.post(f"{base_url}/emails", json=EMAIL).status_code == 401
    url = f"{base_url}/v1/workflows/post-purchase/trigger"
    assert httpx.post(url, json={"recipients": ["a"]}).status_code == 401


@pytest.mark.usefixtures("fake_providers")
def test_a_wrong_key_is_401_at_knock_and_403_at_resend(base_url: str) -> None:
    wrong = {"authorization": "Bearer wrong"}
    assert httpx.post(f"{base_url}/emails", json=EMAIL, headers=wrong).status_code == 403
    url = f"{base_url}/v1/workflows/post-purchase/trigger"
    assert httpx.post(url, json={"recipients": ["a"]}, headers=wrong).status_code == 401


def test_a_replay_has_the_first_answer_and_no_effect(
    fake_providers: FakeProviders, base_url: str
) -> None:
    headers = {**BEARER, "idempotency-key": "k"}
    answers = [httpx.post(f"{base_url}/emails", json=EMAIL, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(fake_providers.requests) == 2
    assert len(fake_providers.effects) == 1


def test_knock_says_when_an_answer_is_a_replay(
    fake_providers: FakeProviders, base_url: str
) -> None:
    url = f"{base_url}/v1/workflows/post-purchase/trigger"
    headers = {**BEARER, "idempotency-key": "k"}
    first, again = (httpx.post(url, json={"recipients": ["a"]}, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(fake_providers.effects) == 1


def test_a_key_used_with_another_body_is_409_at_resend(
    fake_providers: FakeProviders, base_url: str
) -> None:
    headers = {**BEARER, "idempotency-key": "k"}
    httpx.post(f"{base_url}/emails", json=EMAIL, headers=headers)
    other = httpx.post(f"{base_url}/emails", json={**EMAIL, "text": "Ho"}, headers=headers)
    assert other.status_code == 409
    assert other.json()["name"] == "invalid_idempotent_request"
    assert len(fake_providers.effects) == 1


def test_without_a_key_every_request_counts(fake_providers: FakeProviders, base_url: str) -> None:
    for _ in range(2):
        httpx.post(f"{base_url}/emails", json=EMAIL, headers=BEARER)
    assert len(fake_providers.effects) == 2


def test_an_email_without_a_sender_is_refused(fake_providers: FakeProviders, base_url: str) -> None:
    email = {**EMAIL, "from": ""}
    answer = httpx.post(f"{base_url}/emails", json=email, headers=BEARER)
    assert answer.json()["name"] == "missing_required_field"
    assert fake_providers.effects == []


def test_it_stops_while_a_request_hangs() -> None:
    arrived = threading.Event()
    fake_providers = FakeProviders(on_request=lambda _: arrived.set())
    fake_providers.answer_with("resend", HANG)
    with ThreadPoolExecutor() as pool:
        with running(fake_providers) as base_url:
            hanging = pool.submit(httpx.post, f"{base_url}/emails", json=EMAIL, timeout=30)
            assert arrived.wait(10)
        assert isinstance(hanging.exception(10), httpx.TransportError)
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{base_url}/emails", json=EMAIL)


def test_each_request_can_be_shown_on_a_console(post: Post) -> None:
    shown: list[ReceivedRequest] = []
    with running(FakeProviders(on_request=shown.append)) as base_url:
        Post(provider=post.provider, base_url=base_url).send()
    text = readable(shown[0])
    assert "ada.lovelace@example.com" in text
    assert "1001" in text


def test_a_cancel_is_readable_too(knock: Post, fake_providers: FakeProviders) -> None:
    knock.send(notification("post_purchase_cancel"))
    assert readable(fake_providers.requests[0]).startswith("Knock: cancel post-purchase\n")


def test_a_limited_resend_tells_its_limit_and_refuses_what_is_above_it() -> None:
    limited = FakeProviders(rate_limit=RateLimit(2, window=60, clock=lambda: 15.0))
    with running(limited) as base_url:
        answers = [httpx.post(f"{base_url}/emails", json=EMAIL, headers=BEARER) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    for answer, remaining in zip(answers, ("1", "0", "0"), strict=True):
        assert answer.headers["ratelimit-limit"] == "2"
        assert answer.headers["ratelimit-remaining"] == remaining
        assert answer.headers["ratelimit-reset"] == "45"
    assert answers[2].headers["retry-after"] == "45"
    assert answers[2].json()["name"] == "rate_limit_exceeded"
    assert len(limited.effects) == 2


def test_a_limit_begins_anew_with_each_window() -> None:
    now = [10.5]
    limit = RateLimit(1, clock=lambda: now[0])
    assert [limit.take()[0] for _ in range(2)] == [True, False]
    now[0] = 11.0
    assert limit.take()[0]
