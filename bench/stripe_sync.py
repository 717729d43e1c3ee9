"""Supabase's own engine for Stripe's webhooks, as a process, and webhooks for it."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bench import serving
from bench.database import ROOT
from devtools.platform import Platform

DATABASE = "peer"
SECRET = "whsec_of_the_benchmark"  # noqa: S105 - lives as long as the benchmark

_NUMBER = 100_000_000_000_000
"""Stands in the template where each customer has a number of their own."""


@contextmanager
def running(at: Platform) -> Iterator[serving.Service]:
    """On the same server as everything else, in a database of its own."""
    with psycopg.connect(at.admin_url, autocommit=True) as admin:
        admin.execute(f"create database {DATABASE} owner postgres".encode())
    settings = {"database_url": at.url("postgres", DATABASE), "stripe_webhook_secret": SECRET}
    command = ("node", str(ROOT / "bench/peers/stripe_sync.cjs"))
    with serving.program(*command, environment={**settings, "node_env": "production"}) as peer:
        yield peer


def requests(count: int, *, first: int, size: int) -> Iterator[bytes]:
    """Whole HTTP requests, each with a body of `size` bytes about a customer of its own. They are
    good for the five minutes that Stripe's signatures are.
    """
    template = _event(size)
    for number in range(first, first + count):
        body = template.replace(b"%d" % _NUMBER, b"%d" % (_NUMBER + number))
        signed_at = b"%d" % time.time()
        digest = hmac.digest(SECRET.encode(), signed_at + b"." + body, "sha256").hex()
        head = (
            "POST /webhooks HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(body)}\r\nContent-Type: application/json; charset=utf-8\r\n"
            "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*\r\n"
            f"Stripe-Signature: t={signed_at.decode()},v1={digest}\r\n\r\n"
        )
        yield head.encode() + body


def _event(size: int) -> bytes:
    event = _customer_updated()
    event["data"]["previous_attributes"]["description"] = "x" * (size - len(_encoded(event)))
    body = _encoded(event)
    assert len(body) == size
    return body


def _encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _customer_updated() -> dict[str, Any]:
    """The cheapest event that the engine stores: one row upserted, and nothing else asked. That of
    a payment costs it a third more. What fills the body up it passes over, as we do with most of an
    order.
    """
    return {
        "id": f"evt_{_NUMBER}",
        "object": "event",
        "api_version": "2020-08-27",
        "created": int(time.time()),
        "data": {"object": _customer(), "previous_attributes": {"description": ""}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "customer.updated",
    }


def _customer() -> dict[str, Any]:
    return {
        "id": f"cus_{_NUMBER}",
        "object": "customer",
        "address": _ADDRESS,
        "balance": 0,
        "created": int(time.time()),
        "currency": "usd",
        "default_source": None,
        "delinquent": False,
        "description": f"Customer {_NUMBER}",
        "discount": None,
        "email": f"customer-{_NUMBER}@example.com",
        "invoice_prefix": "AB12CD34",
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {"order_id": str(_NUMBER), "order_number": "1001"},
        "name": "Ada Example",
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": ["en-US"],
        "shipping": {"address": _ADDRESS, "name": "Ada Example", "phone": None},
        "tax_exempt": "none",
        "test_clock": None,
    }


_ADDRESS = {
    "city": "Louisville",
    "country": "US",
    "line1": "1 Example Street",
    "line2": None,
    "postal_code": "40202",
    "state": "KY",
}
