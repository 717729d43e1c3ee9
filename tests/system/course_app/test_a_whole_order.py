"""From Shopify's webhook to the course app and back, with nothing but the project's API between."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.service import eventually, running
from tests.support.shopify import COURSE, SPLINT
from tests.system.course_app.apps import Answer, App
from tests.system.course_app.conftest import People, has_access, purchases
from thetis.cli import shopify_payloads

NOW = datetime.now(UTC)
ORDER = 820982911946154508


@pytest.mark.parametrize("key", ["secret_key", "service_key"])
def test_a_customer_gets_what_they_paid_for_until_they_are_paid_back(
    app: App, people: People, key: str
) -> None:
    """With a new secret key and with the legacy service_role key."""
    products = [shopify_payloads.SAMPLE_PRODUCTS[slug] for slug in (SPLINT, COURSE)]
    paid = shopify_payloads.order(
        "orders/paid", order_id=ORDER, email="Ada@Example.com", products=products, at=NOW
    )
    refunded = shopify_payloads.refund(order_id=ORDER, products=products, at=NOW)
    way = {"supabase_url": people.api.url, "supabase_secret_key": getattr(people.api, key)}

    with running(way, poll_seconds=0.05) as service:
        assert service.outcome("orders/paid", paid) == "recorded"
        eventually(lambda: service.effects("/trigger") and service.effects("/emails"))
        ada = people.sign_up("ada@example.com")
        eve = people.sign_up("eve@example.com")

        assert has_access(app, ada, COURSE) == Answer(data=True)
        assert has_access(app, eve, COURSE) == Answer(data=False)
        assert {row["product_slug"] for row in purchases(app, ada).data} == {COURSE, SPLINT}

        assert service.outcome("refunds/create", refunded) == "recorded"
        assert has_access(app, ada, COURSE) == Answer(data=False)
        assert {row["status"] for row in purchases(app, ada).data} == {"refunded"}
