from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.service.shopify.bodies import (
    AT,
    COURSE,
    ORDER_ID,
    SPLINT,
    a_refund,
    an_amount_only_refund,
    an_order,
)
from thetis.cli import shopify_payloads
from thetis.cli.shopify_disputes import FIRST_STATUS
from thetis.shopify import TOPICS, translate_order, translate_refund, verify_signature

SECRET = "hush"


def test_there_is_a_sample_for_every_topic_we_handle() -> None:
    about_orders = {topic for topic, kind in TOPICS.items() if kind != "privacy"}
    samples = {*shopify_payloads.FINANCIAL_STATUS, "refunds/create", *FIRST_STATUS}
    assert samples == about_orders


def test_a_sample_carries_a_signature_that_verifies() -> None:
    body = shopify_payloads.encode(an_order())
    headers = shopify_payloads.headers("orders/paid", body, SECRET)
    assert verify_signature(body, headers["X-Shopify-Hmac-Sha256"], [SECRET])


def test_the_headers_are_those_of_a_delivery_and_each_delivery_has_its_own_id() -> None:
    first, second = (shopify_payloads.headers("orders/paid", b"{}", SECRET) for _ in range(2))
    assert first["X-Shopify-Topic"] == "orders/paid"
    assert first["X-Shopify-Shop-Domain"] == "thetis-demo.myshopify.com"
    assert first["X-Shopify-API-Version"] == "2026-10"
    assert first["Content-Type"] == "application/json"
    assert first["X-Shopify-Triggered-At"].endswith("Z")
    assert first["X-Shopify-Webhook-Id"] != second["X-Shopify-Webhook-Id"]
    assert first["X-Shopify-Event-Id"] != first["X-Shopify-Webhook-Id"]


@pytest.mark.parametrize("slug", shopify_payloads.SAMPLE_PRODUCTS)
def test_an_order_of_one_line_is_as_large_as_shopifys(slug: str) -> None:
    products = [shopify_payloads.SAMPLE_PRODUCTS[slug]]
    order = shopify_payloads.order(
        "orders/paid", order_id=ORDER_ID, email="ada@example.com", products=products, at=AT
    )
    assert 5_000 < len(shopify_payloads.encode(order)) < 10_000
    assert len(order) > 90


def test_a_refund_is_as_large_as_shopifys() -> None:
    assert 2_000 < len(shopify_payloads.encode(a_refund())) < 4_000
    assert 1_500 < len(shopify_payloads.encode(an_amount_only_refund())) < 4_000


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert shopify_payloads.encode(an_order()) == shopify_payloads.encode(an_order())
    assert shopify_payloads.encode(a_refund()) == shopify_payloads.encode(a_refund())


def test_later_and_different_refunds_have_ids_of_their_own() -> None:
    later = shopify_payloads.refund(
        order_id=ORDER_ID, products=[SPLINT], at=AT + timedelta(seconds=1)
    )
    other = shopify_payloads.refund(order_id=ORDER_ID, products=[COURSE], at=AT)
    ids = {refund["id"] for refund in (a_refund(), later, other, an_amount_only_refund())}
    assert len(ids) == 4


def test_a_refund_names_the_line_items_of_the_order_whatever_their_position() -> None:
    order = translate_order(shopify_payloads.encode(an_order()))
    refund = translate_refund(
        shopify_payloads.encode(
            shopify_payloads.refund(order_id=ORDER_ID, products=[SPLINT, COURSE], at=AT)
        )
    )
    ordered = [item["id"] for item in order["line_items"]]
    assert [item["line_item_id"] for item in refund["refund_line_items"]] == ordered[::-1]


def test_a_product_named_twice_is_one_line_of_two() -> None:
    items = translate_order(shopify_payloads.encode(an_order()))["line_items"]
    assert [item["quantity"] for item in items] == [1, 2]


def test_the_line_items_of_two_orders_differ() -> None:
    assert shopify_payloads.line_item_id(ORDER_ID, SPLINT) != shopify_payloads.line_item_id(
        ORDER_ID + 1, SPLINT
    )


def test_ids_look_like_todays() -> None:
    assert len(str(shopify_payloads.line_item_id(ORDER_ID, SPLINT))) == 14
    assert len(str(shopify_payloads.new_order_id())) == 13
    assert shopify_payloads.new_order_id() != shopify_payloads.new_order_id()


def test_an_order_adds_up() -> None:
    order = an_order()
    assert order["subtotal_price"] == "527.00"
    assert order["total_tax"] == "31.62"
    assert order["total_price"] == order["total_price_set"]["shop_money"]["amount"] == "558.62"
    assert an_order("orders/create")["total_outstanding"] == "558.62"


def test_a_cancelled_sample_is_told_by_its_cancellation_alone() -> None:
    order = an_order("orders/cancelled")
    assert (order["cancel_reason"], order["financial_status"]) == ("customer", "paid")
    assert all(item["current_quantity"] == item["quantity"] for item in order["line_items"])
    assert order["refunds"] == []


def test_an_order_updated_later_keeps_the_day_it_was_made() -> None:
    order = shopify_payloads.order(
        "orders/updated",
        order_id=ORDER_ID,
        email="ada@example.com",
        products=[COURSE],
        at=AT + timedelta(days=2),
        created_at=AT,
    )
    assert order["created_at"] == order["processed_at"] == "2026-11-23T07:30:15-05:00"
    assert order["updated_at"] == "2026-11-25T07:30:15-05:00"


@pytest.mark.parametrize("is_test", [True, False])
def test_a_sample_may_be_of_a_test_order(*, is_test: bool) -> None:
    order = shopify_payloads.order(
        "orders/paid", order_id=1, email="a@example.com", products=[COURSE], at=AT, is_test=is_test
    )
    assert order["test"] is is_test


def test_a_sample_holds_no_place_that_was_not_filled_in() -> None:
    for payload in (an_order(), a_refund(), an_amount_only_refund()):
        assert not re.search(rb'"[$@]', shopify_payloads.encode(payload))


def test_an_amount_only_refund_is_booked_as_a_discrepancy() -> None:
    refund = an_amount_only_refund()
    assert refund["refund_line_items"] == []
    assert refund["transactions"][0]["amount"] == "10.00"
    assert refund["order_adjustments"][0]["kind"] == "refund_discrepancy"


@pytest.mark.parametrize(("slug", "product"), shopify_payloads.SAMPLE_PRODUCTS.items())
def test_a_product_is_found_by_slug_and_by_shopify_id(
    slug: str, product: shopify_payloads.SampleProduct
) -> None:
    assert shopify_payloads.find_product(slug) is product
    assert shopify_payloads.find_product(str(product.shopify_id)) is product


def test_a_product_added_later_is_found_by_its_shopify_id() -> None:
    product = shopify_payloads.find_product("9846189260000")
    assert (product.shopify_id, product.price) == (9846189260000, Decimal("49.00"))


@pytest.mark.parametrize("name", ["", "crutches", "0", "-1", "1.5", "٣", "1\n", "9" * 19])
def test_an_unknown_product_is_refused_with_the_known_ones_named(name: str) -> None:
    with pytest.raises(ValueError, match="neither a Shopify product id nor one of standard_course"):
        shopify_payloads.find_product(name)
