"""One notification that is refused as if a setting were wrong, while others of its kind pass."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.service.worker.conftest import Outbox
from tests.support.service import eventually
from tests.support.shopify import SPLINT, order
from thetis.errors import WrongSettings
from thetis.model import Notification

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about the providers."""

TRIGGER = "post_purchase"


class Knock:
    """Refuses what is about order 1."""

    provider = "knock"
    kinds = frozenset({TRIGGER})

    def wait(self) -> float:
        return 0.0

    def room(self, within: float) -> int | None:  # noqa: ARG002
        return None

    async def send(self, notification: Notification) -> str | None:
        if notification.shopify_order_id == "1":
            raise WrongSettings("knock 404 not_found")
        return None

    async def close(self) -> None:
        """There is nothing to close."""


def waits_by_itself(outbox: Outbox) -> bool:
    row = outbox.message(1, TRIGGER)
    return row["leased_until"] is None and outbox.seconds_to_wait(row) > 1


def test_it_pauses_its_provider_once_and_is_then_tried_by_itself(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thetis.pausing.FIRST", 0.1)
    monkeypatch.setattr("thetis.pausing.LONGEST", 0.1)
    outbox.database.record_orders(*(order(n, SPLINT) for n in range(1, 6)))

    with capture_logs() as logs, outbox.working(senders=[Knock()]):
        eventually(lambda: outbox.counted("sent") == 4)
        outbox.database.record_orders(order(10, SPLINT))
        outbox.wait_for(10, TRIGGER, "sent")
        eventually(lambda: waits_by_itself(outbox))
        for number in range(6, 10):
            attempts = outbox.message(1, TRIGGER)["attempts"]
            outbox.bring_forward()
            outbox.wait_for_attempt(1, TRIGGER, attempts + 1)
            outbox.database.record_orders(order(number, SPLINT))
            outbox.wait_for(number, TRIGGER, "sent")

    told = [each["event"] for each in logs if each["event"].startswith("provider.")]
    assert told == ["provider.paused", "provider.resumed"]
    row = outbox.message(1, TRIGGER)
    assert (row["status"], row["uncertain_since"]) == ("pending", None)
    assert row["last_error"] == "knock 404 not_found"
