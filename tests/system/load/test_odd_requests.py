"""Nothing that a sender can send is answered 500, however odd it is and however well signed."""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from tests.support import soak
from tests.support.connections import all_of
from tests.support.database import Database, Row
from tests.support.reused import WRITTEN
from tests.support.service import SECRET, Service
from tests.support.shopify import COURSE, SPLINT, dispute, order, refund, summary
from thetis.cli import shopify_payloads
from thetis.shopify import TOPICS

POST = b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\n"

ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    2**64,
    10**400,
    1.5,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "'; drop table purchases; --",
    '{}[]"\\/',
    "\uff41\uff44\uff41@example.com",
    "x" * 100_000,
    "9" * 30,
    "0x10",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    [],
    [[]],
    [None],
    {},
    {"id": None},
    {"id": {"id": {}}},
]

HEARTBEATS = "thetis.webhook_heartbeats"
"""When each topic was heard last, whatever was in it."""


pytestmark = pytest.mark.timeout(120 + 3 * soak.SECONDS)

FACTS = ("thetis.orders", "thetis.order_lines", "thetis.refunds", "thetis.disputes")


def test_an_odd_body_is_recorded_or_kept_and_leaves_nothing_else(
    service: Service, database: Database
) -> None:
    seed = random.randrange(1_000_000) if soak.IS_LONG else 2026
    outcomes: Counter[str] = Counter()
    count = soak.times(200, per_second=40)
    for number, (topic, body) in enumerate(_odd_bodies(count, random.Random(seed))):
        shown = f"seed {seed}, {number}: {topic} {body[:1000]!r}"
        before = _written(database)
        assert service.send(topic, body, secret="a guess").status_code == 401, shown
        assert _written(database) == before, shown

        response = service.send(topic, body)
        assert response.status_code == 200, shown
        outcome = response.json()["outcome"]
        outcomes[outcome] += 1
        if outcome == "rejected":
            assert _kept_last(database) == body, shown
            before["thetis.rejected_webhooks"] += 1
            # Of an order that lacks only an address we keep what it said, for when one comes.
            before |= {table: _written(database)[table] for table in FACTS}
        if outcome != "recorded":
            assert _written(database) == before, shown
    assert {"recorded", "rejected"} <= outcomes.keys()
    assert outcomes.keys() <= {"recorded", "rejected", "ignored", "unchanged"}


def _written(database: Database) -> Row:
    """How many rows are in each table."""
    counts = (
        f'(select count(*) from {table}) as "{table}"' for table in WRITTEN if table != HEARTBEATS
    )
    [row] = database.rows(f"select {', '.join(counts)}")
    return row


def _kept_last(database: Database) -> bytes:
    newest = "select body from thetis.rejected_webhooks order by id desc limit 1"
    return bytes(database.value(newest))


def _odd_bodies(count: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Orders and refunds with one to three odd values in them, or with damaged bytes."""
    topics = sorted(TOPICS)
    for number in range(count):
        topic = topics[number % len(topics)]
        order_id = 70_000 + number
        payload = order(order_id, COURSE, SPLINT, disputes=[summary(number + 1)])
        if TOPICS[topic] == "refund":
            payload = refund(number + 1, order_id, standard_course=1)
        if TOPICS[topic] == "dispute":
            payload = dispute(number + 1, order_id)
        for _ in range(chance.randint(1, 3)):
            _spoil(payload, chance)
        body = json.dumps(payload, ensure_ascii=chance.random() < 0.5).encode(
            errors="surrogatepass"
        )
        yield topic, _damaged(body, chance) if number % 4 == 0 else body


def _spoil(payload: Any, chance: random.Random) -> None:
    """Put an odd value somewhere."""
    while True:
        places = list(payload) if isinstance(payload, dict) else list(range(len(payload)))
        if not places:
            return
        place = chance.choice(places)
        if not isinstance(payload[place], dict | list) or chance.random() < 0.3:
            payload[place] = deepcopy(chance.choice(ODD_VALUES))
            return
        payload = payload[place]


def _damaged(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body))
    piece = chance.choice([b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"}", b'"', b"\\", b"9" * 50])
    return body[:place] + piece + body[place + chance.randint(0, 3) :]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Shopify-Webhook-Id", "ü" * 50),
        ("X-Shopify-Webhook-Id", "x" * 20_000),
        ("X-Shopify-Webhook-Id", "ada@example.com"),
        ("X-Shopify-Webhook-Id", ""),
        ("X-Shopify-Webhook-Id", "'; drop table purchases; --"),
        ("X-Shopify-Topic", "ü" * 1000),
        ("X-Shopify-Topic", "../../etc/passwd"),
        ("Content-Type", "multipart/form-data; boundary="),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Encoding", "gzip"),
        ("Accept", "nothing/known"),
        ("Expect", "the unexpected"),
        ("Host", "somewhere.else.example.com"),
        ("X-Forwarded-For", "x" * 5000),
        ("X-HTTP-Method-Override", "DELETE"),
    ],
)
@pytest.mark.parametrize(
    "body", [b"unusable", b'{"id": 1, "financial_status": "paid", "line_items": []}']
)
def test_an_odd_header_is_no_reason_to_fail(
    service: Service, name: str, value: str, body: bytes
) -> None:
    headers = shopify_payloads.headers("orders/paid", body, SECRET) | {name: value}
    response = httpx.post(
        f"{service.url}/webhooks/shopify",
        content=body,
        headers=[(key.encode(), text.encode("latin-1")) for key, text in headers.items()],
        timeout=10,
    )
    assert response.status_code == 200


def test_a_webhook_id_that_shopify_would_not_send_is_not_kept(
    service: Service, database: Database
) -> None:
    for odd in ("ada@example.com", "x" * 20_000, "ü"):
        body = f"unusable {odd[:5]}".encode()
        headers = shopify_payloads.headers("orders/paid", body, SECRET)
        headers.pop("X-Shopify-Webhook-Id")
        raw = [(name.encode(), text.encode()) for name, text in headers.items()]
        raw.append((b"X-Shopify-Webhook-Id", odd.encode("latin-1")))
        httpx.post(f"{service.url}/webhooks/shopify", content=body, headers=raw)

        kept = database.value(
            "select webhook_id is null from thetis.rejected_webhooks where body = %s", body
        )
        assert kept is True


def test_without_any_header_of_shopify_it_is_401(service: Service) -> None:
    assert httpx.post(f"{service.url}/webhooks/shopify", content=b"{}").status_code == 401


def test_two_signatures_are_no_better_than_the_first(service: Service) -> None:
    body = b"{}"
    good = shopify_payloads.headers("products/update", body, SECRET)["X-Shopify-Hmac-Sha256"]
    name, bad = "X-Shopify-Hmac-Sha256", "AAAA"
    url = f"{service.url}/webhooks/shopify"
    assert httpx.post(url, content=body, headers=[(name, bad), (name, good)]).status_code == 401


@pytest.mark.parametrize(
    "request_text",
    [
        b"NONSENSE\r\n\r\n",
        b"POST http://[bad HTTP/1.1\r\n\r\n",
        POST + b"\x00: x\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"X-Shopify-Topic: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_hardly_http_is_turned_away(service: Service, request_text: bytes) -> None:
    url = httpx.URL(service.url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as sender:
        sender.sendall(request_text)
        assert b" 500 " not in all_of(sender)
    assert service.get("/healthz").status_code == 200
