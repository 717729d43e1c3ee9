"""While a provider is paused, only what is sent to try it tells whether the setting was mended."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.service.worker.conftest import Outbox
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order, refund
from thetis.errors import PermanentFailure, WrongSettings
from thetis.model import Notification

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about the providers."""

PAUSED, RESUMED = "provider.paused", "provider.resumed"
TRIGGER, UPDATE = "post_purchase", "post_purchase_update"
MISSING = WrongSettings("knock 404 workflow_missing")

Answer = float | BaseException
"""Seconds until it is accepted, or what is raised."""


class Knock:
    """Answers the n-th send, from 0, of a kind as it is told to."""

    provider = "knock"
    kinds = frozenset({"post_purchase", "post_purchase_update", "post_purchase_cancel"})

    def __init__(self, answer: Callable[[int, str], Answer]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def wait(self) -> float:
        return 0.0

    def room(self, within: float) -> int | None:  # noqa: ARG002
        return None

    async def send(self, notification: Notification) -> str | None:
        answer = self.answer(len(self.asked), notification.kind)
        self.asked.append(notification.kind)
        if isinstance(answer, BaseException):
            raise answer
        await asyncio.sleep(answer)
        return None

    async def close(self) -> None:
        """There is nothing to close."""


def told(logs: list[EventDict]) -> list[str]:
    return [each["event"] for each in logs if each["event"] in {PAUSED, RESUMED}]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thetis.pausing.FIRST", 0.1)
    monkeypatch.setattr("thetis.pausing.LONGEST", 0.1)


def test_what_was_accepted_meanwhile_does_not_end_a_pause(outbox: Outbox) -> None:
    knock = Knock(lambda n, _: MISSING if n == 0 else 0.2)
    outbox.database.record_orders(*(order(n, SPLINT) for n in range(1, 21)))

    with capture_logs() as logs, outbox.working(senders=[knock]):
        eventually(lambda: outbox.counted("sent") == 9)
        time.sleep(0.3)

    assert told(logs) == [PAUSED]
    assert len(knock.asked) == 10


@pytest.mark.usefixtures("soon")
def test_a_probe_that_is_cut_off_is_followed_by_another(outbox: Outbox) -> None:
    """A bug in a library can cancel a send; that must not keep the provider paused for ever."""
    answers: list[Answer] = [MISSING, MISSING, asyncio.CancelledError()]
    knock = Knock(lambda n, _: answers[n] if n < len(answers) else 0.0)
    outbox.database.record_orders(order(1, SPLINT), order(2, SPLINT))

    with capture_logs() as logs, outbox.working(senders=[knock]):
        eventually(lambda: RESUMED in told(logs))
        eventually(lambda: outbox.counted("sent") == 1)

    assert told(logs) == [PAUSED, RESUMED]


@pytest.mark.usefixtures("soon")
def test_a_probe_refused_for_its_own_reason_ends_the_pause(outbox: Outbox) -> None:
    answers: list[Answer] = [MISSING, MISSING, PermanentFailure("knock 422 invalid_params")]
    knock = Knock(lambda n, _: answers[n] if n < len(answers) else 0.0)
    outbox.database.record_orders(order(1, SPLINT), order(2, SPLINT))

    with capture_logs() as logs, outbox.working(senders=[knock]):
        eventually(lambda: (outbox.counted("dead"), outbox.counted("sent")) == (1, 1))

    assert told(logs) == [PAUSED, RESUMED]


@pytest.mark.usefixtures("soon")
def test_a_missing_workflow_is_one_pause_though_other_requests_are_accepted(
    outbox: Outbox,
) -> None:
    knock = Knock(lambda _n, _kind: 0.0)
    begun = range(1, 6)
    outbox.database.record_orders(*(order(n, SPLINT, COURSE) for n in begun))

    with capture_logs() as logs, outbox.working(senders=[knock]):
        eventually(lambda: outbox.counted("sent") == 5)
        knock.answer = lambda _, kind: MISSING if kind == TRIGGER else 0.0
        outbox.database.record_orders(order(6, SPLINT))
        eventually(lambda: told(logs) == [PAUSED])
        outbox.database.record_refunds(*(refund(n, n, **{COURSE: 1}) for n in begun))
        eventually(lambda: all(outbox.status(n, UPDATE) == "sent" for n in begun))
        outbox.database.record_orders(order(7, SPLINT))
        time.sleep(0.3)

        assert told(logs) == [PAUSED]
        assert Counter(knock.asked)[UPDATE] == 5
        knock.answer = lambda _n, _kind: 0.0
        eventually(lambda: [outbox.status(n, TRIGGER) for n in (6, 7)] == ["sent", "sent"])

    assert told(logs) == [PAUSED, RESUMED]
    assert outbox.counted("dead") == 0
