"""A wrong setting is ours to mend: it turns no message into a dead one."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from devtools.fake_providers import HANG, Answer, Provider, refusal
from tests.service.worker.conftest import Outbox
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about the providers."""

REFUSALS: dict[Provider, Answer] = {
    "knock": refusal("knock", 401, "api_key_expired", "Your API key has expired"),
    "resend": refusal("resend", 403, "validation_error", "The domain is not verified."),
}
DAY = 60


@pytest.mark.parametrize("provider", REFUSALS)
def test_nothing_is_dead_and_all_goes_out_once_after_mending(
    outbox: Outbox, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thetis.pausing.FIRST", 0.05)
    monkeypatch.setattr("thetis.pausing.LONGEST", 0.2)
    outbox.fake_providers.answer_with(provider, *[REFUSALS[provider]] * 14)
    outbox.database.record_orders(*(order(n, COURSE) for n in range(1, DAY + 1)))

    with capture_logs() as told, outbox.working():
        eventually(lambda: outbox.counted("sent") == 2 * DAY, patience=30)

    assert outbox.counted("dead") == 0
    assert len([each for each in outbox.fake_providers.effects if each.provider == provider]) == DAY
    events = [(each["event"], each.get("provider")) for each in told]
    assert events.count(("provider.paused", provider)) == 1
    assert events.count(("provider.resumed", provider)) == 1
    assert not [each for each in told if each.get("result") == "dead"]


@pytest.mark.parametrize("provider", REFUSALS)
def test_the_other_provider_goes_on(outbox: Outbox, provider: Provider) -> None:
    outbox.fake_providers.answer_with(provider, *[REFUSALS[provider]] * 100)
    outbox.database.record_orders(*(order(n, COURSE) for n in range(1, 21)))

    with outbox.working():
        eventually(lambda: outbox.counted("sent") == 20)
        eventually(lambda: outbox.counted("pending") == 20)
    asked = [each for each in outbox.fake_providers.requests if each.provider == provider]
    assert 1 <= len(asked) <= 10  # what was under way together


def test_it_stops_at_once_in_the_middle_of_a_pause(outbox: Outbox) -> None:
    outbox.fake_providers.answer_with("knock", *[REFUSALS["knock"]] * 10)
    outbox.database.record_orders(order(1, SPLINT))

    with outbox.working():  # which fails if it does not stop
        eventually(lambda: outbox.message(1, "post_purchase")["attempts"] == 1)


def test_what_was_refused_is_due_at_once_and_never_expires(outbox: Outbox) -> None:
    outbox.fake_providers.answer_with("knock", *[REFUSALS["knock"]] * 10)
    outbox.database.record_orders(order(1, SPLINT))

    with outbox.working():
        row = outbox.wait_for_attempt(1, "post_purchase")

    assert (row["status"], row["uncertain_since"]) == ("pending", None)
    assert outbox.seconds_to_wait(row) <= 0
    outbox.database.execute(
        "update thetis.notifications set enqueued_at = now() - interval '9 days'"
    )
    assert [each["id"] for each in outbox.database.claim("knock")] == [row["id"]]


def test_a_probe_that_hangs_is_followed_by_another(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thetis.pausing.FIRST", 0.05)
    outbox.fake_providers.answer_with("knock", REFUSALS["knock"], HANG)
    outbox.database.record_orders(order(1, SPLINT))

    with outbox.working(timeout=0.3):
        eventually(lambda: len(outbox.fake_providers.requests) == 2)
        # What hung is a failure like any other, and waits by itself.
        outbox.wait_for_attempt(1, "post_purchase", 2)
        outbox.bring_forward()
        outbox.wait_for(1, "post_purchase", "sent")

    assert len(outbox.fake_providers.effects) == 1
