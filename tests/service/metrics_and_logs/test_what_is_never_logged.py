"""The whole of the service's life, logged as loud as can be: no address, no payload, no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.fake_providers import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    Answer,
    refusal,
)
from devtools.processes import Process, process
from tests.support.database import Database
from tests.support.service import (
    KNOCK_KEY,
    NO_TLS,
    RESEND_KEY,
    SECRET,
    Service,
    eventually,
    serve,
    settings,
)
from tests.support.shopify import COURSE
from thetis.cli import shopify_payloads

pytestmark = pytest.mark.parametrize("cluster", [18], indirect=True, scope="session")
"""On one version of Postgres: these are about what we say, not what it does."""

EMAIL = "Marked.Customer@example.com"
PASSWORD = "a-database-password"
ORDERS = [6_000_000_000_001 + number for number in range(6)]


def _order(order_id: int, **changes: Any) -> shopify_payloads.Json:
    """All that Shopify would send, and marks where a customer could have left something."""
    product = shopify_payloads.SAMPLE_PRODUCTS[COURSE]
    at = datetime.now(UTC)
    whole = shopify_payloads.order(
        "orders/paid", order_id=order_id, email=EMAIL, products=[product], at=at
    )
    marks = {"note": "marked-note", "phone": "+1555marked", "token": "marked-token"}
    return {**whole, **marks, "tags": "marked-tag", **changes}


def _values(payload: Any) -> Iterator[str]:
    """Every value in a payload that is long enough to be recognised."""
    if isinstance(payload, dict | list):
        for each in payload.values() if isinstance(payload, dict) else payload:
            yield from _values(each)
    elif isinstance(payload, str | int) and len(str(payload)) >= 8:
        yield str(payload)


@dataclass(frozen=True, kw_only=True)
class TransportCase:
    settings: dict[str, str]
    secrets: list[str]


@pytest.fixture(params=["postgres", "supabase"])
def way(request: pytest.FixtureRequest, database: Database) -> TransportCase:
    if request.param == "postgres":
        url = database.url.replace("postgres@", f"postgres:{PASSWORD}@")
        assert PASSWORD in url
        return TransportCase(settings={"database_url": url}, secrets=[PASSWORD])
    api = request.getfixturevalue("supabase_api")
    return TransportCase(
        settings={"supabase_url": api.url, "supabase_secret_key": api.service_key},
        secrets=[api.service_key],
    )


def _tell_everything(service: Service, database: Database) -> list[str]:
    """Everything that can happen to a webhook and a message; returns the payloads' values."""
    good, withdrawn, nobodys, odd, busy, late = (_order(order_id) for order_id in ORDERS)
    service.fake_providers.answer_with(
        "knock",
        refusal("knock", 422, "invalid_params", f"{EMAIL} of {KNOCK_KEY} is no recipient"),
        Answer(status=503, body=f"<p>{EMAIL.lower()}</p>"),
        DROP_BEFORE_ACCEPTING,
    )
    service.fake_providers.answer_with(
        "resend",
        refusal("resend", 422, "validation_error", f"Invalid `to` field: <{EMAIL.lower()}>"),
        refusal("resend", 429, "rate_limit_exceeded", f"{RESEND_KEY}: too many"),
        DROP_AFTER_ACCEPTING,
    )
    for payload in (good, withdrawn, busy):
        assert service.outcome("orders/paid", payload) == "recorded"
        assert service.outcome("orders/updated", payload) == "unchanged"
    eventually(lambda: len(service.fake_providers.requests) >= 6)
    refunded = shopify_payloads.refund(
        order_id=ORDERS[1],
        products=[shopify_payloads.SAMPLE_PRODUCTS[COURSE]],
        at=datetime.now(UTC),
    )
    assert service.outcome("refunds/create", refunded) == "recorded"

    nobodys |= {"email": None, "contact_email": None, "customer": None}
    assert service.outcome("orders/paid", nobodys) == "rejected"
    odd |= {"line_items": EMAIL, "cancelled_at": EMAIL, "financial_status": [EMAIL]}
    assert service.outcome("orders/paid", odd) == "rejected"
    assert service.outcome("orders/paid", f'{{"email": "{EMAIL}'.encode()) == "rejected"
    assert service.outcome("products/update", good) == "ignored"
    assert service.send("orders/paid", good, secret="wrong").status_code == 401
    _send_with_odd_headers(service)

    with database.connect() as other, other.transaction():
        other.execute("lock table thetis.orders in access exclusive mode")
        assert service.send("orders/paid", late).status_code == 503
    return [value for payload in (good, refunded, nobodys, odd, late) for value in _values(payload)]


def _send_with_odd_headers(service: Service) -> None:
    """What a sender puts into headers is not ours to repeat."""
    body = shopify_payloads.encode(_order(ORDERS[0]))
    for secret in (SECRET, "wrong"):
        for name in ("X-Shopify-Topic", "X-Shopify-Webhook-Id", "X-Shopify-Shop-Domain"):
            headers = shopify_payloads.headers("orders/paid", body, secret) | {name: EMAIL}
            url = f"{service.url}/webhooks/shopify"
            httpx.post(url, content=body, headers=headers, timeout=10, verify=NO_TLS)
    httpx.get(f"{service.url}/{EMAIL}?email={EMAIL}", verify=NO_TLS)


def test_no_line_of_the_service_holds_an_address_a_payload_or_a_secret(
    way: TransportCase, database: Database, tmp_path: Path
) -> None:
    with serve(
        way.settings,
        log_file=tmp_path / "log",
        log_level="debug",
        database_timeout_seconds=1,
        poll_seconds=0.05,
    ) as (service, running):
        values = _tell_everything(service, database)
        assert running.stop() == 0

    _knows_nothing(running, values, way)
    told = {line["event"] for line in _lines(running)}
    assert told >= {
        "service.started",
        "webhook.received",
        "webhook.rejected",
        "webhook.topic_ignored",
        "webhook.unauthorized",
        "webhook.unavailable",
        "notification.settled",
        "service.stopped",
    }


def test_no_line_of_a_worker_holds_an_address_a_payload_or_a_secret(
    way: TransportCase, database: Database, tmp_path: Path
) -> None:
    values = []
    for order_id in ORDERS:
        payload = _order(order_id)
        database.record_orders(payload)
        values += list(_values(payload))
    environment = settings(
        "http://127.0.0.1:1", **way.settings, log_level="debug", poll_seconds=0.05
    )
    with process("worker", log_file=tmp_path / "log", environment=environment) as worker:
        eventually(lambda: worker.log().count("notification.settled") == 2 * len(ORDERS))
        assert worker.stop() == 0

    _knows_nothing(worker, values, way)


def _lines(running: Process) -> list[dict[str, Any]]:
    """Each line as JSON, with what every line has."""
    lines = [json.loads(line) for line in running.log().splitlines()]
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    return lines


def _knows_nothing(running: Process, values: list[str], way: TransportCase) -> None:
    lines = _lines(running)
    assert lines
    log = running.log().lower()
    for hidden in [SECRET, KNOCK_KEY, RESEND_KEY, *way.secrets]:
        assert hidden.lower() not in log
    assert EMAIL.lower() not in log
    assert "@" not in log
    assert "marked" not in log
    known = {str(order_id) for order_id in ORDERS}  # an order's id is ours to log
    assert [value for value in set(values) - known if value.lower() in log] == []


@pytest.mark.parametrize(
    ("level", "quiet"), [("warning", {"info"}), ("error", {"info", "warning"})]
)
def test_a_level_silences_what_is_below_it(
    database: Database, tmp_path: Path, level: str, quiet: set[str]
) -> None:
    way = {"database_url": database.url}
    with serve(way, log_file=tmp_path / "log", log_level=level) as (service, running):
        service.outcome("orders/paid", _order(ORDERS[0]))
        service.outcome("orders/paid", b"unusable")
        service.send("orders/paid", b"{}", secret="wrong")
        running.stop()

    levels = {line["level"] for line in _lines(running)}
    assert "error" in levels
    assert not levels & quiet


def test_the_console_format_is_for_people(database: Database, tmp_path: Path) -> None:
    way = {"database_url": database.url}
    with serve(way, log_file=tmp_path / "log", log_format="console") as (service, running):
        service.outcome("orders/paid", _order(ORDERS[0]))
        running.stop()

    [line] = [line for line in running.log().splitlines() if "webhook.received" in line]
    assert "outcome=recorded" in line
    assert f"order_id={ORDERS[0]}" in line
