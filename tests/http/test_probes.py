"""/healthz, /readyz and /metrics: what they tell those who watch."""

from __future__ import annotations

import re

import pytest

from service.shopify import TOPICS
from tests.support.database import Database
from tests.support.service import Service, eventually, running
from tests.support.shopify import COURSE, SPLINT, order

WEBHOOKS = "thetis_webhooks_total"


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


def test_readyz_is_503_when_a_message_waits_for_a_dispatcher_too_long(
    service: Service, database: Database, order_id: int
) -> None:
    """The dispatcher does not see the message, since somebody else holds its row."""
    database.record_orders(order(order_id, SPLINT))
    mine = "shopify_order_id = %s and kind = 'knock.trigger'"
    eventually(lambda: database.notifications(order_id)["knock.trigger"]["status"] == "sent")

    with database.connect() as other, other.transaction():
        for age, status in ((890, 200), (960, 503)):
            other.execute(
                "update private.notifications set status = 'pending', settled_at = null,"
                f" due_at = now() - make_interval(secs => {age}) where {mine}",
                (str(order_id),),
            )
            other.execute("commit")
            other.execute("begin")
            other.execute(
                f"select from private.notifications where {mine} for update", (str(order_id),)
            )
            assert service.get("/readyz").status_code == status
        words = service.get("/readyz").json()["error"]
        assert re.fullmatch(r"a message has been due for 9[67]\d s", words)

    eventually(lambda: service.get("/readyz").status_code == 200)


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
    assert news('thetis_notifications_total{kind="knock.trigger",result="sent"}') == 1
    assert news('thetis_notifications_total{kind="resend.course_access",result="sent"}') == 1


def _sent(database: Database, order_id: int) -> int:
    return sum(row["status"] == "sent" for row in database.notifications(order_id).values())


def test_metrics_tell_how_the_outbox_stands(database: Database, order_id: int) -> None:
    database.record_orders(order(order_id, COURSE))
    database.execute(
        "update private.notifications set due_at = now() + interval '1 hour'"
        " where shopify_order_id = %s",
        str(order_id),
    )
    database.execute(
        "update private.notifications set status = 'dead', settled_at = now()"
        " where shopify_order_id = %s and kind = 'resend.course_access'",
        str(order_id),
    )
    with running({"database_url": database.url}) as service:
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
