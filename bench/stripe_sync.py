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
"""Stands in the template where each charge has a number of its own."""


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
    """Whole HTTP requests, each with a body of `size` bytes about a charge of its own. They are
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
    """What fills it up lies in a field that the engine passes over, and is cheap to parse."""
    event = _charge_succeeded()
    event["data"]["object"]["receipt_url"] += "x" * (size - len(_encoded(event)))
    body = _encoded(event)
    assert len(body) == size
    return body


def _encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _charge_succeeded() -> dict[str, Any]:
    """One guest's payment: the engine upserts one row for it, and asks for nothing else."""
    return {
        "id": f"evt_{_NUMBER}",
        "object": "event",
        "api_version": "2020-08-27",
        "created": int(time.time()),
        "data": {"object": _charge()},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "charge.succeeded",
    }


def _charge() -> dict[str, Any]:
    return {
        "id": f"ch_{_NUMBER}",
        "object": "charge",
        "amount": 58700,
        "amount_captured": 58700,
        "amount_refunded": 0,
        "balance_transaction": f"txn_{_NUMBER}",
        "billing_details": {
            "address": _ADDRESS,
            "email": f"customer-{_NUMBER}@example.com",
            "name": "Ada Example",
            "phone": None,
        },
        "calculated_statement_descriptor": "EXAMPLE",
        "captured": True,
        "created": int(time.time()),
        "currency": "usd",
        "description": f"Order {_NUMBER}",
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": {"order_id": str(_NUMBER), "order_number": "1001"},
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_{_NUMBER}",
        "payment_method": f"pm_{_NUMBER}",
        "payment_method_details": {"card": _CARD, "type": "card"},
        "receipt_email": f"customer-{_NUMBER}@example.com",
        "receipt_url": "https://example.com/receipts/",
        "refunded": False,
        "refunds": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/charges/ch_{_NUMBER}/refunds",
        },
        "shipping": {"address": _ADDRESS, "name": "Ada Example", "carrier": None, "phone": None},
        "status": "succeeded",
        **dict.fromkeys(_ABSENT),
    }


_ADDRESS = {
    "city": "Louisville",
    "country": "US",
    "line1": "1 Example Street",
    "line2": None,
    "postal_code": "40202",
    "state": "KY",
}
_CARD = {
    "amount_authorized": 58700,
    "authorization_code": None,
    "brand": "visa",
    "checks": {
        "address_line1_check": "pass",
        "address_postal_code_check": "pass",
        "cvc_check": "pass",
    },
    "country": "US",
    "exp_month": 4,
    "exp_year": 2030,
    "fingerprint": "aFingerprint",
    "funding": "credit",
    "installments": None,
    "last4": "4242",
    "mandate": None,
    "network": "visa",
    "three_d_secure": None,
    "wallet": None,
}
_ABSENT = (
    *("application", "application_fee", "application_fee_amount", "customer", "destination"),
    *("dispute", "failure_balance_transaction", "failure_code", "failure_message", "invoice"),
    *("on_behalf_of", "order", "receipt_number", "review", "source", "source_transfer"),
    *("statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group"),
)
