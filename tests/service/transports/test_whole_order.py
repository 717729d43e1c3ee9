"""A customer's whole story through the running service, over both ways to the database."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.service.transports.conftest import TransportCase
from tests.support.database import Database
from tests.support.service import eventually, running
from tests.support.shopify import COURSE, SPLINT
from thetis.cli import shopify_payloads

NOW = datetime.now(UTC)
ORDER = 820982911946154508
EMAIL = "Ines@Example.com"


def test_from_the_order_to_access_and_back(way: TransportCase, database: Database) -> None:
    products = [shopify_payloads.SAMPLE_PRODUCTS[slug] for slug in (SPLINT, COURSE)]
    paid = shopify_payloads.order(
        "orders/paid", order_id=ORDER, email=EMAIL, products=products, at=NOW
    )
    refunds = shopify_payloads.refund(order_id=ORDER, products=products, at=NOW)
    account = database.accounts.sign_up("ines@example.com")

    with running(way.settings, poll_seconds=0.05) as service:
        assert service.outcome("orders/paid", paid) == "recorded"
        assert service.outcome("orders/paid", paid) == "unchanged"
        assert database.accounts.has_access(account, COURSE)
        eventually(lambda: service.effects("/trigger") and service.effects("/emails"))

        assert service.outcome("refunds/create", refunds) == "recorded"
        assert not database.accounts.has_access(account, COURSE)
        _bring_forward(database)
        eventually(lambda: service.effects("/cancel"))

        [trigger] = service.effects("/trigger")
        [email] = service.effects("/emails")
        [cancel] = service.effects("/cancel")

    assert {row["status"] for row in database.purchases(ORDER)} == {"refunded"}
    assert trigger["recipients"] == [{"id": "ines@example.com", "email": "ines@example.com"}]
    assert trigger["cancellation_key"] == cancel["cancellation_key"] == str(ORDER)
    assert trigger["data"]["products_ordered"] == [SPLINT, COURSE]
    assert trigger["data"]["categories_ordered"] == ["course", "device"]
    assert email["to"] == ["ines@example.com"]
    assert "https://learn.example.com/claim" in email["text"]
    assert cancel["recipients"] == ["ines@example.com"]
    notifications = database.notifications(ORDER)
    assert {row["status"] for row in notifications.values()} == {"sent"}
    assert len(notifications) == 3


def _bring_forward(database: Database) -> None:
    """A cancellation waits six seconds, since Knock might miss it; here it need not."""
    database.execute(
        "update thetis.notifications set due_at = now() where kind = 'post_purchase_cancel'"
    )


def test_a_rejected_webhook_is_kept_whole(way: TransportCase, database: Database) -> None:
    body = b'{"id": "\xff\x00'

    with running(way.settings) as service:
        assert service.outcome("orders/paid", body) == "rejected"

    assert bytes(database.value("select body from thetis.rejected_webhooks")) == body
