"""Shopify's compliance webhooks, as they are published, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.service import Service
from tests.support.shopify import COURSE, order
from thetis.errors import UnusablePayload
from thetis.shopify import translate_privacy_request

SHOP = {"shop_id": 954889, "shop_domain": "a-shop.example.com"}
CUSTOMER = {"id": 191167, "email": "John@Example.com", "phone": "555-625-1199"}
BODIES: dict[str, dict[str, Any]] = {
    "customers/data_request": {
        **SHOP,
        "orders_requested": [299938, 280263],
        "customer": CUSTOMER,
        "data_request": {"id": 9999},
    },
    "customers/redact": {**SHOP, "customer": CUSTOMER, "orders_to_redact": [299938, 280263]},
    "shop/redact": SHOP,
}
EMPTY: dict[str, Any] = {"email": None, "shopify_order_ids": [], "request_id": None}


def translated(topic: str, body: dict[str, Any]) -> dict[str, Any]:
    return translate_privacy_request(topic, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("topic", "fields"),
    [
        (
            "customers/data_request",
            {
                "email": "John@Example.com",
                "shopify_order_ids": ["299938", "280263"],
                "request_id": "9999",
            },
        ),
        (
            "customers/redact",
            {
                "email": "John@Example.com",
                "shopify_order_ids": ["299938", "280263"],
                "request_id": None,
            },
        ),
        ("shop/redact", EMPTY),
    ],
)
def test_each_is_translated(topic: str, fields: dict[str, Any]) -> None:
    expected = {"topic": topic, "shop": "a-shop.example.com", **fields}
    assert translated(topic, BODIES[topic]) == expected


@pytest.mark.parametrize("customer", [None, {}, {"id": 1, "email": None}, {"email": ""}])
def test_a_customer_need_not_have_an_address(customer: dict[str, Any] | None) -> None:
    body = {**BODIES["customers/redact"], "customer": customer, "orders_to_redact": None}
    assert translated("customers/redact", body) == {
        "topic": "customers/redact",
        "shop": "a-shop.example.com",
        **EMPTY,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"shop_domain": 1}'])
def test_what_is_none_is_unusable(body: bytes) -> None:
    with pytest.raises(UnusablePayload):
        translate_privacy_request("shop/redact", body)


@pytest.mark.parametrize("topic", BODIES)
def test_each_is_recorded_once(service: Service, topic: str) -> None:
    assert service.outcome(topic, BODIES[topic]) == "recorded"
    assert service.outcome(topic, BODIES[topic]) == "unchanged"


@pytest.mark.parametrize(
    ("topic", "waiting"),
    [("customers/data_request", 1), ("customers/redact", 0), ("shop/redact", 1)],
)
def test_what_waits_for_an_answer_is_a_metric(
    service: Service, database: Database, topic: str, waiting: int
) -> None:
    database.execute("delete from thetis.privacy_requests")
    assert service.outcome(topic, BODIES[topic]) == "recorded"

    assert service.metrics()["thetis_privacy_requests_open"] == waiting

    database.execute("update thetis.privacy_requests set answered_at = now(), email = null")
    assert service.metrics()["thetis_privacy_requests_open"] == 0


def test_a_customer_is_forgotten_before_the_answer(
    service: Service, database: Database, order_id: int
) -> None:
    service.outcome("orders/paid", order(order_id, COURSE, email="mary@example.com"))
    body = {
        **SHOP,
        "customer": {"id": 1, "email": "Mary@example.com"},
        "orders_to_redact": [order_id],
    }

    assert service.outcome("customers/redact", body) == "recorded"

    [row] = database.purchases(order_id)
    assert (row["shopify_customer_email"], row["status"]) == ("", "cancelled")
    assert service.outcome("orders/paid", order(order_id, COURSE, email="mary@example.com")) in {
        "recorded",
        "unchanged",
    }
    assert database.purchases(order_id)[0]["shopify_customer_email"] == ""


def test_an_unusable_one_is_kept(service: Service, database: Database) -> None:
    assert service.outcome("customers/redact", b'{"shop_domain": null}') == "rejected"
    assert database.value(
        "select count(*) from thetis.rejected_webhooks where topic = 'customers/redact'"
    )
