from __future__ import annotations

import json
import time
from typing import Any, LiteralString

import pytest

from devtools.fake_providers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    HANG,
    Answer,
    Provider,
    refusal,
)
from tests.service.worker.conftest import Outbox
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order
from thetis.transports import PostgresTransport, Row

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about the providers."""

USUAL = {"knock": "post_purchase", "resend": "course_access"}
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
    outbox: Outbox, provider: Provider, answer: Answer, words: str
) -> None:
    outbox.database.record_orders(order(1, COURSE))
    kind = USUAL[provider]
    outbox.fake_providers.answer_with(provider, answer)

    with outbox.working(timeout=0.3):
        row = outbox.wait_for_attempt(1, kind)
        assert row["status"] == "pending"
        assert provider in row["last_error"] and words in row["last_error"]
        assert 2 < outbox.seconds_to_wait(row) < 6.25
        outbox.bring_forward()
        outbox.wait_for(1, kind, "sent")

    first, second = (each for each in outbox.fake_providers.requests if each.provider == provider)
    assert first.idempotency_key == second.idempotency_key == str(row["id"])
    assert first.content == second.content
    assert len([each for each in outbox.fake_providers.effects if each.provider == provider]) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_message_that_was_accepted_unnoticed_is_sent_again_and_noticed_once(
    outbox: Outbox, provider: Provider
) -> None:
    outbox.database.record_orders(order(1, COURSE))
    kind = USUAL[provider]
    outbox.fake_providers.answer_with(provider, DROP_AFTER_ACCEPTING, DROP_AFTER_ACCEPTING)

    with outbox.working():
        for attempt in (1, 2):
            outbox.wait_for_attempt(1, kind, attempt)
            outbox.bring_forward()
        outbox.wait_for(1, kind, "sent")

    requests = [each for each in outbox.fake_providers.requests if each.provider == provider]
    assert len(requests) == 3
    assert len({(each.idempotency_key, each.content) for each in requests}) == 1
    assert len([each for each in outbox.fake_providers.effects if each.provider == provider]) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_that_asks_for_time_is_given_it(outbox: Outbox, provider: Provider) -> None:
    outbox.database.record_orders(order(1, COURSE))
    busy = refusal(provider, 429, "rate_limit_exceeded", "Too many", {"retry-after": "120"})
    outbox.fake_providers.answer_with(provider, busy)

    with outbox.working():
        row = outbox.wait_for_attempt(1, USUAL[provider])

    assert 110 < outbox.seconds_to_wait(row) <= 120
    assert "rate_limit_exceeded: Too many" in row["last_error"]


@pytest.mark.parametrize(
    ("provider", "answer", "words"),
    [
        ("knock", (422, "invalid_params", "Unprocessable"), "knock 422 invalid_params"),
        ("resend", (422, "validation_error", "Invalid `to` field"), "Invalid `to` field"),
    ],
)
def test_a_refusal_is_the_end_and_kept_in_the_providers_words(
    outbox: Outbox, provider: Provider, answer: tuple[int, str, str], words: str
) -> None:
    outbox.database.record_orders(order(1, COURSE), order(2, COURSE))
    outbox.fake_providers.answer_with(provider, refusal(provider, *answer))
    kind = USUAL[provider]

    with outbox.working():
        eventually(lambda: sorted(outbox.status(each, kind) for each in (1, 2)) == ["dead", "sent"])

    [dead] = [outbox.message(each, kind) for each in (1, 2) if outbox.status(each, kind) == "dead"]
    assert words in dead["last_error"]
    assert dead["attempts"] == 1
    assert len([each for each in outbox.fake_providers.requests if each.provider == provider]) == 2


class _Recording(PostgresTransport):
    """Keeps what the database is told of attempts."""

    def __init__(self, url: str) -> None:
        super().__init__(url, timeout=2)
        self.results: list[Row] = []

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        if function == "settle_notifications":
            self.results += arguments["results"]
        return await super().call(function, arguments)


@pytest.mark.parametrize(
    ("answer", "result", "is_refused"),
    [
        (Answer(), "sent", False),
        (refusal("resend", 429, "daily_quota_exceeded", "Too many"), "retry", True),
        (refusal("resend", 403, "invalid_api_key", "API key is invalid"), "paused", True),
        (refusal("resend", 409, "concurrent_idempotent_requests", "Busy"), "retry", False),
        (Answer(status=200, body="<html>a proxy</html>", accepts=False), "retry", False),
        (DROP_AFTER_ACCEPTING, "retry", False),
        (HANG, "retry", False),
    ],
    ids=["sent", "quota", "wrong key", "in progress", "unreadable", "dropped", "no answer"],
)
def test_the_database_is_told_whether_the_provider_certainly_refused(
    outbox: Outbox, answer: Answer, result: str, *, is_refused: bool
) -> None:
    outbox.database.record_orders(order(1, COURSE))
    outbox.fake_providers.answer_with("resend", answer)
    transport = _Recording(outbox.database.url)

    with outbox.working(timeout=0.3, transport=transport):
        eventually(lambda: len(transport.results) >= 2)

    email = str(outbox.message(1, "course_access")["id"])
    [told] = [each for each in transport.results if each["id"] == email]
    assert (told["result"], told["is_refused"]) == (result, is_refused)


@pytest.mark.parametrize(
    "words", ["nul \x00 in it", "a lone \ud800 surrogate", "line\nfeed", "\x1b"]
)
def test_words_that_postgres_cannot_hold_do_not_keep_a_batch_from_being_settled(
    outbox: Outbox, words: str
) -> None:
    outbox.database.record_orders(order(1, SPLINT), order(2, SPLINT))
    body, headers = (
        json.dumps({"code": "invalid", "message": words}),
        {"content-type": "application/json"},
    )
    outbox.fake_providers.answer_with("knock", Answer(status=422, body=body, headers=headers))

    with outbox.working():
        eventually(
            lambda: (
                sorted(outbox.status(each, "post_purchase") for each in (1, 2)) == ["dead", "sent"]
            )
        )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_provider_down_does_not_hold_the_other_up(outbox: Outbox, provider: Provider) -> None:
    outbox.database.record_orders(*(order(number, COURSE) for number in range(1, 13)))
    outbox.fake_providers.answer_with(provider, *[HANG] * 100)
    other = "knock" if provider == "resend" else "resend"

    started = time.monotonic()
    with outbox.working(timeout=2):
        eventually(lambda: len(outbox.fake_providers.effects) == 12)
        assert time.monotonic() - started < 2
    assert {each.provider for each in outbox.fake_providers.effects} == {other}


def test_a_message_that_hangs_does_not_keep_its_neighbours_from_going_out(outbox: Outbox) -> None:
    outbox.database.record_orders(*(order(number, SPLINT) for number in range(1, 8)))
    outbox.fake_providers.answer_with("knock", HANG)

    with outbox.working(timeout=0.3):
        eventually(lambda: outbox.database.value(_STATES) == {"sent": 6, "pending": 1})
    assert len(outbox.fake_providers.effects) == 6


_STATES = """
select jsonb_object_agg(status, total)
from (select status, count(*) as total from thetis.notifications group by status) as counted
"""


def test_a_slow_send_occupies_one_slot_and_the_others_go_on(outbox: Outbox) -> None:
    outbox.fake_providers.answer_with("knock", HANG)
    outbox.database.record_orders(*(order(number, SPLINT) for number in range(1, 41)))

    with outbox.working(timeout=10):
        eventually(lambda: outbox.counted("sent") == 39, patience=8)
        assert outbox.counted("pending") == 1


def test_a_provider_that_never_answers_has_as_many_requests_at_once_as_there_are_slots(
    outbox: Outbox,
) -> None:
    outbox.fake_providers.answer_with("knock", *[HANG] * 40)
    outbox.database.record_orders(*(order(number, SPLINT) for number in range(1, 41)))

    with outbox.working(timeout=1.5):
        eventually(lambda: len(outbox.fake_providers.requests) == 10)
        claimed = "select count(*) from thetis.notifications where attempts > 0"
        assert outbox.database.value(claimed) == 10
