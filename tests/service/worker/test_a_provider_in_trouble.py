from __future__ import annotations

import json
import time

import pytest

from devtools.fake_providers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    HANG,
    Answer,
    Provider,
    refusal,
)
from tests.service.worker.conftest import Desk
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about the providers."""

USUAL = {"knock": "knock.trigger", "resend": "resend.course_access"}
PROVIDERS = sorted(USUAL)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(status=500, body="oh no"), "500"),
        (Answer(status=503, body={"message": "maintenance"}), "503"),
        (Answer(status=409, body={"message": "in progress"}), "409"),
        (HANG, "did not answer"),
        (DROP_BEFORE_ACCEPTING, "did not answer"),
        (Answer(status=200, body="<html>a proxy</html>", accepts=False), ""),
    ],
)
def test_trouble_is_tried_again_a_little_later(
    desk: Desk, provider: Provider, answer: Answer, words: str
) -> None:
    desk.database.record_orders(order(1, COURSE))
    kind = USUAL[provider]
    desk.fake_providers.answer_with(provider, answer)

    with desk.working(timeout=0.3):
        row = desk.wait_for_attempt(1, kind)
        assert row["status"] == "pending"
        assert provider in row["last_error"] and words in row["last_error"]
        assert 2 < desk.seconds_to_wait(row) < 6.25
        desk.bring_forward()
        desk.wait_for(1, kind, "sent")

    first, second = (each for each in desk.fake_providers.requests if each.provider == provider)
    assert first.idempotency_key == second.idempotency_key == str(row["id"])
    assert first.content == second.content
    assert len([each for each in desk.fake_providers.effects if each.provider == provider]) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_message_that_was_accepted_unnoticed_is_sent_again_and_noticed_once(
    desk: Desk, provider: Provider
) -> None:
    desk.database.record_orders(order(1, COURSE))
    kind = USUAL[provider]
    desk.fake_providers.answer_with(provider, DROP_AFTER_ACCEPTING, DROP_AFTER_ACCEPTING)

    with desk.working():
        for attempt in (1, 2):
            desk.wait_for_attempt(1, kind, attempt)
            desk.bring_forward()
        desk.wait_for(1, kind, "sent")

    requests = [each for each in desk.fake_providers.requests if each.provider == provider]
    assert len(requests) == 3
    assert len({(each.idempotency_key, each.content) for each in requests}) == 1
    assert len([each for each in desk.fake_providers.effects if each.provider == provider]) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_that_asks_for_time_is_given_it(desk: Desk, provider: Provider) -> None:
    desk.database.record_orders(order(1, COURSE))
    busy = refusal(provider, 429, "rate_limit_exceeded", "Too many", {"retry-after": "120"})
    desk.fake_providers.answer_with(provider, busy)

    with desk.working():
        row = desk.wait_for_attempt(1, USUAL[provider])

    assert 110 < desk.seconds_to_wait(row) <= 120
    assert "rate_limit_exceeded: Too many" in row["last_error"]


@pytest.mark.parametrize(
    ("provider", "answer", "words"),
    [
        ("knock", (401, "api_key_expired", "The key has expired"), "knock 401 api_key_expired"),
        ("knock", (404, "workflow_missing", "Not found. Committed?"), "Not found. Committed?"),
        ("knock", (422, "invalid_params", "Unprocessable"), "knock 422 invalid_params"),
        ("resend", (403, "invalid_api_key", "API key is invalid"), "API key is invalid"),
        ("resend", (422, "validation_error", "Invalid `to` field"), "Invalid `to` field"),
    ],
)
def test_a_refusal_is_the_end_and_kept_in_the_providers_words(
    desk: Desk, provider: Provider, answer: tuple[int, str, str], words: str
) -> None:
    desk.database.record_orders(order(1, COURSE), order(2, COURSE))
    desk.fake_providers.answer_with(provider, refusal(provider, *answer))
    kind = USUAL[provider]

    with desk.working():
        eventually(lambda: sorted(desk.status(each, kind) for each in (1, 2)) == ["dead", "sent"])

    [dead] = [desk.message(each, kind) for each in (1, 2) if desk.status(each, kind) == "dead"]
    assert words in dead["last_error"]
    assert dead["attempts"] == 1
    assert len([each for each in desk.fake_providers.requests if each.provider == provider]) == 2


@pytest.mark.parametrize(
    "words", ["nul \x00 in it", "a lone \ud800 surrogate", "line\nfeed", "\x1b"]
)
def test_words_that_postgres_cannot_hold_do_not_keep_a_batch_from_being_settled(
    desk: Desk, words: str
) -> None:
    desk.database.record_orders(order(1, SPLINT), order(2, SPLINT))
    body, headers = json.dumps({"message": words}), {"content-type": "application/json"}
    desk.fake_providers.answer_with("knock", Answer(status=422, body=body, headers=headers))

    with desk.working():
        eventually(
            lambda: (
                sorted(desk.status(each, "knock.trigger") for each in (1, 2)) == ["dead", "sent"]
            )
        )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_provider_down_does_not_hold_the_other_up(desk: Desk, provider: Provider) -> None:
    desk.database.record_orders(*(order(number, COURSE) for number in range(1, 13)))
    desk.fake_providers.answer_with(provider, *[HANG] * 100)
    other = "knock" if provider == "resend" else "resend"

    started = time.monotonic()
    with desk.working(timeout=2):
        eventually(lambda: len(desk.fake_providers.effects) == 12)
        assert time.monotonic() - started < 2
    assert {each.provider for each in desk.fake_providers.effects} == {other}


def test_a_message_that_hangs_does_not_keep_its_neighbours_from_going_out(desk: Desk) -> None:
    desk.database.record_orders(*(order(number, SPLINT) for number in range(1, 8)))
    desk.fake_providers.answer_with("knock", HANG)

    with desk.working(timeout=0.3):
        eventually(lambda: desk.database.value(_STATES) == {"sent": 6, "pending": 1})
    assert len(desk.fake_providers.effects) == 6


_STATES = """
select jsonb_object_agg(status, total)
from (select status, count(*) as total from thetis.notifications group by status) as counted
"""
