"""An order of the API becomes what a webhook about it would have become."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools.fake_shopify import FakeShop
from devtools.fake_shopify.execution import execute
from tests.service.shopify.bodies import a_refund, an_amount_only_refund, an_order
from tests.service.shopify_admin.asking import Asking, first_page
from thetis.providers import shopify_orders, shopify_queries
from thetis.shopify import Order, translate_order

Json = dict[str, Any]

NOT_IN_THE_API = {"contact_email"}
"""Of a webhook. The database asks for it after `email`, which is the same but for odd cases."""

NOT_IN_A_WEBHOOK = {"disputes"}
"""Of an order. They come by topics of their own."""

IN_ONE_ALONE = NOT_IN_THE_API | NOT_IN_A_WEBHOOK


def _by_webhook(body: Json) -> Json:
    told = translate_order(json.dumps(body).encode())
    return {name: value for name, value in told.items() if name not in IN_ONE_ALONE}


def _by_api(body: Json) -> Json:
    shop = FakeShop()
    shop.put(body)
    gid = f"gid://shopify/Order/{body['id']}"
    answer = execute(shop, "2026-10", shopify_queries.ORDER, {"id": gid})
    told = shopify_orders.translate(answer["data"]["order"])
    assert told["contact_email"] is None
    return {name: value for name, value in told.items() if name not in IN_ONE_ALONE}


BODIES = {
    "paid": an_order(),
    "not yet paid": an_order("orders/create"),
    "cancelled": an_order("orders/cancelled"),
    "a test": an_order(test=True),
    "without an address": an_order(email="", customer=None),
    "with the customer's address alone": an_order(email=None),
    "a customer without an address": an_order(customer={"id": 7, "email": None}),
    "refunded": an_order(refunds=[a_refund()], financial_status="partially_refunded"),
    "money given back": an_order(refunds=[an_amount_only_refund()], financial_status="refunded"),
    "a status of null": an_order(financial_status=None),
    "ids of 18 digits": an_order(id=820982911946154508),
    "money outstanding": an_order(total_outstanding="12.50"),
    "too much was paid": an_order(total_outstanding="-12.50"),
    "a custom item": an_order(
        line_items=[{"id": 1, "product_id": None, "quantity": 1, "current_quantity": 1}]
    ),
    "everything removed": an_order(
        line_items=[{"id": 1, "product_id": 5, "quantity": 3, "current_quantity": 0}]
    ),
    "without a line": an_order(line_items=[]),
}


def _sorted(told: Json) -> Json:
    return told | {"line_items": sorted(told["line_items"], key=lambda each: int(each["id"]))}


@pytest.mark.parametrize("name", BODIES)
def test_the_two_tell_the_same(name: str) -> None:
    assert _sorted(_by_api(BODIES[name])) == _sorted(_by_webhook(BODIES[name]))


moments = st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - made aware
    lambda each: each.replace(microsecond=0, tzinfo=UTC).isoformat()
)
numbers = st.integers(1, 2**63 - 1)
few = st.integers(0, 9)
orders = st.fixed_dictionaries(
    {
        "id": numbers,
        "order_number": st.integers(1, 2**31 - 1),
        "email": st.sampled_from(["ada@example.com", "", None, "not an address"]),
        "customer": st.sampled_from([None, {"id": 1, "email": "eve@example.com"}]),
        "financial_status": st.sampled_from(["paid", "pending", "voided", "refunded", None]),
        "total_outstanding": st.decimals(-(10**6), 10**6, places=2).map(str),
        "test": st.booleans(),
        "cancelled_at": moments | st.none(),
        "created_at": moments,
        "processed_at": moments,
        "updated_at": moments,
        "line_items": st.lists(
            st.fixed_dictionaries(
                {
                    "id": numbers,
                    "product_id": numbers | st.none(),
                    "quantity": few,
                    "current_quantity": few,
                }
            ),
            max_size=5,
            unique_by=lambda each: each["id"],
        ),
        "refunds": st.lists(
            st.fixed_dictionaries(
                {
                    "id": numbers,
                    "refund_line_items": st.lists(
                        st.fixed_dictionaries({"line_item_id": numbers, "quantity": few}),
                        max_size=5,
                    ),
                }
            ),
            max_size=3,
            unique_by=lambda each: each["id"],
        ),
    }
)


@given(orders)
def test_whatever_an_order_holds_the_two_tell_the_same(body: Json) -> None:
    assert _sorted(_by_api(body)) == _sorted(_by_webhook(body))


def test_every_field_of_a_webhook_that_we_read_is_asked_of_the_api() -> None:
    told = shopify_orders.as_webhook(_node(an_order()))
    assert set(Order.model_fields) - set(told) == NOT_IN_THE_API


def _node(body: Json) -> Json:
    shop = FakeShop()
    shop.put(body)
    shop.dispute(body["id"], 77, "CHARGEBACK", "NEEDS_RESPONSE")
    variables = {"id": f"gid://shopify/Order/{body['id']}"}
    answer = execute(shop, "2026-10", shopify_queries.ORDER, variables)
    return dict(answer["data"]["order"])


def test_a_dispute_is_told_in_the_words_of_a_webhook() -> None:
    told = shopify_orders.as_webhook(_node(an_order()))
    assert told["disputes"] == [
        {"id": "77", "initiated_as": "chargeback", "status": "needs_response"}
    ]


def test_a_product_that_was_deleted_is_null_as_in_a_webhook(ask: Asking) -> None:
    ask.shop.put(an_order())
    [course, splint] = sorted({str(each["product_id"]) for each in an_order()["line_items"]})
    ask.shop.deleted_products.add(course)

    [told] = ask(first_page).orders

    assert {each["product_id"] for each in told["line_items"]} == {None, splint}


def test_an_order_that_the_database_could_not_hold_is_rejected_and_the_others_are_not(
    ask: Asking,
) -> None:
    wrong = {"id": 20, "product_id": 5, "quantity": -1, "current_quantity": 0}
    ask.shop.put(an_order(id=1), an_order(id=2, line_items=[wrong]), an_order(id=3))

    page = ask(first_page)

    assert [each["id"] for each in page.orders] == ["1", "3"]
    [rejected] = page.rejected
    assert rejected.order_id == "2"
    assert rejected.reason.startswith("line_items.0.quantity: ")
