"""The newest order, the products of the catalogue, and our webhooks one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from devtools.fake_shopify import FakeShop
from tests.service.shopify_admin.asking import Asking
from tests.support.shopify import COURSE, order
from thetis.providers.shopify_admin import ShopifyAdmin

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_newest_order_is_the_one_that_was_made_last(ask: Asking, shop: FakeShop) -> None:
    changed_later = (NOON + timedelta(days=1)).isoformat()
    shop.put(
        order(1, COURSE, made_at=NOON, updated_at=changed_later),
        order(2, COURSE, made_at=NOON + timedelta(hours=1)),
    )
    newest = ask(lambda admin: admin.newest_order())
    assert newest is not None
    assert (newest.order_id, newest.created_at) == ("2", NOON + timedelta(hours=1))
    assert newest.updated_at == newest.created_at


def test_a_shop_that_has_sold_nothing_has_no_newest_order(ask: Asking) -> None:
    assert ask(lambda admin: admin.newest_order()) is None


@pytest.mark.parametrize(
    ("fields", "has_email"),
    [
        ({"email": "ada@example.com"}, True),
        ({"email": None, "customer": {"id": 7, "email": "ada@example.com"}}, True),
        ({"email": "", "customer": {"id": 7, "email": None}}, False),
        ({"email": None}, False),
    ],
)
def test_the_newest_order_says_whether_it_has_an_address(
    ask: Asking, shop: FakeShop, fields: dict[str, object], *, has_email: bool
) -> None:
    shop.put(order(1, COURSE) | fields)
    newest = ask(lambda admin: admin.newest_order())
    assert newest is not None and newest.has_email is has_email
    assert "ada@example.com" not in repr(newest)


def test_an_address_that_may_not_be_read_is_a_refusal_and_not_a_missing_one(
    ask: Asking, shop: FakeShop
) -> None:
    shop.put(order(1, COURSE))
    shop.is_email_withheld = True
    assert ask.refused(lambda admin: admin.newest_order()).code == "ACCESS_DENIED"


def test_of_many_products_those_that_exist_are_told_with_their_titles(
    ask: Asking, shop: FakeShop
) -> None:
    shop.products = {str(n): f"Product {n}" for n in range(1, 251)}
    shop.deleted_products = {"7"}
    asked = [str(n) for n in range(1, 300)]

    titles = ask(lambda admin: admin.products(asked))

    assert titles == {str(n): f"Product {n}" for n in range(1, 251) if n != 7}
    assert ask(lambda admin: admin.products([])) == {}


def test_without_read_products_they_are_not_taken_for_deleted(ask: Asking, shop: FakeShop) -> None:
    shop.scopes.remove("read_products")
    [one, *_] = shop.products
    assert ask.refused(lambda admin: admin.products([one])).code == "ACCESS_DENIED"


def test_a_webhook_is_made_changed_and_deleted(ask: Asking, shop: FakeShop) -> None:
    async def work(admin: ShopifyAdmin) -> None:
        made = await admin.create_webhook(
            topic="refunds/create", name="one", uri="https://a.example.com/"
        )
        assert await admin.webhooks() == [made]
        changed = await admin.update_webhook(made.id, name="two", uri="https://b.example.com/")
        assert (changed.id, changed.topic) == (made.id, "refunds/create")
        assert (changed.name, changed.uri) == ("two", "https://b.example.com/")
        await admin.delete_webhook(made.id)
        assert await admin.webhooks() == []

    ask(work)


def test_what_shopify_says_against_a_change_is_a_refusal(ask: Asking, shop: FakeShop) -> None:
    gone = "gid://shopify/WebhookSubscription/404"
    for error in (
        ask.refused(lambda admin: admin.delete_webhook(gone)),
        ask.refused(
            lambda admin: admin.update_webhook(gone, name="x", uri="https://x.example.com")
        ),
    ):
        assert error.code == "USER_ERROR"
        assert "Webhook subscription does not exist" in str(error)
    error = ask.refused(
        lambda admin: admin.create_webhook(
            topic="orders/paid", name="x", uri="http://x.example.com"
        )
    )
    assert "webhookSubscription.uri: Address is not allowed" in str(error)
    assert shop.webhooks == {}
