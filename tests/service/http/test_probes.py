"""/healthz, /readyz and /metrics: what they tell those who watch."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.service import Service, eventually, running
from tests.support.shopify import COURSE, SPLINT, order
from thetis.shopify import TOPICS

WEBHOOKS = "thetis_webhooks_total"


class Nobody:
    """A worker that sends nothing."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self.idle = math.inf

    def paused(self) -> dict[str, str]:
        return {}

    def idle_seconds(self, provider: str) -> float:  # noqa: ARG002
        return self.idle

    async def run(self) -> None:
        await self._stopped.wait()

    def wake(self) -> None:
        """There is nobody to wake."""

    def stop(self) -> None:
        self._stopped.set()

    async def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def nobody() -> Nobody:
    return Nobody()


@pytest.fixture
def unsent(cluster: Cluster, nobody: Nobody) -> Iterator[tuple[Service, Database]]:
    """A service that nobody sends for, with a database of its own."""
    with (
        cluster.database() as database,
        running({"database_url": database.url}, parts={"worker": nobody}) as service,
    ):
        yield service, database


def _change(database: Database, change: str, kind: str = "%") -> None:
    database.execute(f"update thetis.notifications set {change} where kind like %s", kind)


def test_healthz_asks_nobody(cut_off: Service) -> None:
    response = cut_off.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_is_ready_when_nothing_waits(service: Service) -> None:
    response = service.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_readyz_is_503_without_a_database(cut_off: Service) -> None:
    response = cut_off.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"error": "the database does not answer"}


def test_readyz_is_503_when_a_message_waits_for_a_worker_too_long(
    unsent: tuple[Service, Database],
) -> None:
    service, database = unsent
    database.record_orders(order(1, SPLINT))
    _change(database, "due_at = now() - interval '890 s'")
    assert service.get("/readyz").status_code == 200

    _change(database, "due_at = now() - interval '960 s'")
    late = service.get("/readyz")
    assert late.status_code == 503
    assert re.fullmatch(r"a notification has been due for 9[67]\d s", late.json()["error"])

    _change(database, "status = 'sent', settled_at = now()")
    assert service.get("/readyz").status_code == 200


def test_readyz_is_200_while_a_provider_that_hangs_is_still_asked(
    unsent: tuple[Service, Database], nobody: Nobody
) -> None:
    service, database = unsent
    nobody.idle = 15.0
    database.record_orders(order(1, SPLINT))
    _change(database, "due_at = now() - interval '2 hours'")

    assert service.get("/readyz").status_code == 200


def test_metrics_are_in_prometheus_form(service: Service) -> None:
    response = service.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE thetis_webhooks_total counter" in response.text
    assert "# TYPE thetis_webhook_seconds histogram" in response.text


def test_metrics_count_what_came_and_what_went(
    service: Service, database: Database, order_id: int
) -> None:
    before = service.metrics()
    service.outcome("orders/paid", order(order_id, COURSE))
    service.outcome("orders/paid", order(order_id, COURSE))
    service.outcome("orders/updated", b"unusable")
    service.outcome("products/update", b"{}")
    service.send("orders/paid", b"{}", secret="wrong")
    eventually(lambda: _sent(database, order_id) == 2)
    after = service.metrics()

    def news(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert news(f'{WEBHOOKS}{{outcome="recorded",topic="orders/paid"}}') == 1
    assert news(f'{WEBHOOKS}{{outcome="unchanged",topic="orders/paid"}}') == 1
    assert news(f'{WEBHOOKS}{{outcome="rejected",topic="orders/updated"}}') == 1
    assert news(f'{WEBHOOKS}{{outcome="ignored",topic="other"}}') == 1
    assert news(f'{WEBHOOKS}{{outcome="unauthorized",topic="orders/paid"}}') == 1
    assert news("thetis_webhook_seconds_count") == 4
    assert news('thetis_notifications_total{kind="post_purchase",result="sent"}') == 1
    assert news('thetis_notifications_total{kind="course_access",result="sent"}') == 1


def _sent(database: Database, order_id: int) -> int:
    return sum(row["status"] == "sent" for row in database.notifications(order_id).values())


def test_metrics_tell_how_the_outbox_stands(unsent: tuple[Service, Database]) -> None:
    service, database = unsent
    database.record_orders(order(1, COURSE))
    _change(database, "due_at = now() + interval '1 hour'")
    _change(database, "status = 'dead', settled_at = now()", kind="course_access")

    told = service.metrics()

    assert told['thetis_notifications_pending{provider="knock"}'] == 1
    assert told['thetis_notifications_pending{provider="resend"}'] == 0
    assert told['thetis_notifications_dead{provider="resend"}'] == 1
    assert told['thetis_notifications_oldest_due_seconds{provider="knock"}'] == 0


def test_metrics_without_a_database_tell_the_rest(cut_off: Service) -> None:
    told = cut_off.metrics()
    assert "thetis_webhook_seconds_count" in told
    assert not [name for name in told if name.startswith("thetis_notifications_pending")]


@pytest.mark.parametrize("secret", ["a-webhook-secret", "wrong"])
def test_no_sender_can_make_up_a_label(cut_off: Service, secret: str) -> None:
    for number in range(5):
        cut_off.send(f"made/up_{number}", b"{}", secret=secret)
        cut_off.send('"},evil="1', b"{}", secret=secret)

    topics = {
        match[1]
        for name in cut_off.metrics()
        if (match := re.fullmatch(WEBHOOKS + r'\{outcome="\w+",topic="(.*)"\}', name))
    }
    assert topics <= {*TOPICS, "other"}
    assert "other" in topics
