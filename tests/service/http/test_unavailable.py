"""When the database does not answer in time it is 503, and Shopify sends it again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, LiteralString

import pytest

from tests.support.database import Database
from tests.support.service import NOWHERE, Service, running
from tests.support.shopify import COURSE, order, refund
from thetis.database import Database as Client
from thetis.transports import PostgresTransport, Row
from thetis.webhooks import WebhookRecorder


@pytest.fixture(scope="module")
def brief(database: Database) -> Iterator[Service]:
    """A service that gives up soon."""
    with running({"database_url": database.url}, database_timeout_seconds=0.4) as started:
        yield started


@pytest.mark.parametrize("topic", ["orders/paid", "refunds/create"])
def test_a_database_that_hangs_is_503_in_time(
    brief: Service, database: Database, order_id: int, topic: str
) -> None:
    payload = order(order_id, COURSE)
    if topic == "refunds/create":
        payload = refund(order_id + 1, order_id, standard_course=1)

    with database.connect() as other, other.transaction():
        other.execute("lock table thetis.orders in access exclusive mode")
        started = time.monotonic()
        response = brief.send(topic, payload)
        assert time.monotonic() - started < 2

    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert response.json() == {"error": "the database does not answer"}
    # Given up is not undone: it may have gone through in the last moment.
    assert brief.outcome(topic, payload) in {"recorded", "unchanged"}


def test_a_rejected_webhook_that_cannot_be_kept_is_503(brief: Service, database: Database) -> None:
    with database.connect() as other, other.transaction():
        other.execute("lock table thetis.rejected_webhooks in access exclusive mode")
        assert brief.send("orders/paid", b"unusable").status_code == 503

    assert brief.outcome("orders/paid", b"unusable") == "rejected"
    assert len(database.rows("select * from thetis.rejected_webhooks")) == 1


def test_without_a_database_it_is_503(cut_off: Service) -> None:
    response = cut_off.send("orders/paid", order(1, COURSE))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert cut_off.send("orders/paid", b"unusable").status_code == 503


def test_without_a_database_what_is_not_ours_is_still_ignored(cut_off: Service) -> None:
    assert cut_off.outcome("products/update", b"{}") == "ignored"


def test_a_database_without_our_functions_is_503(database: Database, order_id: int) -> None:
    name = database.platform.url("postgres", "bare")
    with running({"database_url": name}) as service:
        assert service.send("orders/paid", order(order_id, COURSE)).status_code == 503
        assert service.get("/readyz").status_code == 503


class _Broken(PostgresTransport):
    """A fault of ours, in the place where it would do most harm."""

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        raise ZeroDivisionError(f"{function} with {arguments}")


def test_a_fault_of_ours_is_503_and_not_500(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Client(_Broken(NOWHERE, timeout=1), timeout=1)
    parts = {"recorder": WebhookRecorder(broken)}
    with running({"database_url": NOWHERE}, parts=parts, database_timeout_seconds=0.3) as service:
        response = service.send("orders/paid", order(1, COURSE, email="ines@example.com"))
        counted = service.metrics()

    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert counted['thetis_webhooks_total{outcome="failed",topic="orders/paid"}'] == 1
    told = "".join(capsys.readouterr())
    assert "webhook.failed" in told and "ZeroDivisionError" in told
    assert "ines@example.com" not in told
