"""What is to be done about the webhooks that are there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devtools.fake_shopify import FakeShop
from tests.service.shopify_admin.asking import Asking
from thetis.providers.shopify_admin import DISPUTES_SCOPE, ShopifyAdmin, WebhookSubscription
from thetis.subscriptions import (
    DISPUTE_TOPICS,
    ORDER_TOPICS,
    OUR_NAMES,
    Step,
    address,
    do,
    name_of,
    plan,
)

HERE = address("https://thetis.example.com")
RIGHT = [
    WebhookSubscription(
        id=f"gid://shopify/WebhookSubscription/{n}",
        topic=topic,
        uri=HERE,
        name=name_of(topic),
        filter=None,
        include_fields=(),
        format="JSON",
        api_version="2026-10",
    )
    for n, topic in enumerate(ORDER_TOPICS)
]
PAID = next(each for each in RIGHT if each.topic == "orders/paid")
OTHERS = [each for each in RIGHT if each is not PAID]


def steps(*existing: WebhookSubscription, scopes: tuple[str, ...] = ()) -> list[Step]:
    """What is not left as it is."""
    planned = plan(existing, scopes, HERE)
    return [each for each in planned if each.action != "keep"]


def test_nothing_is_done_where_everything_is_right() -> None:
    assert steps(*RIGHT) == []
    assert len(list(plan(RIGHT, (), HERE))) == len(ORDER_TOPICS)


def test_what_is_missing_is_created() -> None:
    assert [(each.action, each.topic) for each in steps()] == [
        ("create", topic) for topic in ORDER_TOPICS
    ]
    [step] = steps(*OTHERS)
    assert (step.action, step.name) == ("create", "thetis-orders-paid")


def test_disputes_are_wanted_where_the_scope_is_there() -> None:
    assert [each.topic for each in steps(*RIGHT, scopes=(DISPUTES_SCOPE,))] == list(DISPUTE_TOPICS)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (replace(PAID, uri="https://old.example.com/webhooks/shopify"), "other address"),
        (replace(PAID, name=None), "other name"),
        (replace(PAID, include_fields=("id",)), "leaves fields out (include_fields)"),
        (replace(PAID, filter="id:1"), "leaves deliveries out (filter)"),
        (replace(PAID, format="XML"), "format XML"),
    ],
)
def test_what_is_wrong_is_mended(wrong: WebhookSubscription, fault: str) -> None:
    [step] = steps(wrong, *OTHERS)
    assert (step.action, step.found, step.faults) == ("mend", wrong, (fault,))


def test_of_two_that_tell_the_same_the_one_at_our_address_stays() -> None:
    old = replace(PAID, id="old", uri="https://old.example.com/webhooks/shopify")
    unnamed = replace(PAID, id="unnamed", name=None)

    gone, mended = steps(old, unnamed, *OTHERS)

    assert (gone.action, gone.found) == ("delete", old)
    assert (mended.action, mended.found) == ("mend", unnamed)


def test_one_with_our_name_and_a_topic_that_we_do_not_want_goes() -> None:
    astray = replace(PAID, id="astray", topic="products/update")
    [step] = steps(astray, *RIGHT)
    assert (step.action, step.found) == ("delete", astray)


def test_what_others_made_of_the_same_app_is_left_alone() -> None:
    theirs = [
        replace(PAID, id="1", name="reports", uri="https://reports.example.com"),
        replace(PAID, id="2", name=None, topic="products/update"),
    ]
    assert steps(*theirs, *RIGHT) == []


def test_a_name_is_one_that_shopify_takes() -> None:
    assert all(len(each) <= 50 and each.replace("-", "").isalpha() for each in OUR_NAMES)


def settle(ask: Asking) -> list[str]:
    """What it took."""

    async def work(admin: ShopifyAdmin) -> list[str]:
        planned = list(plan(await admin.webhooks(), await admin.scopes(), HERE))
        for step in planned:
            await do(step, admin, HERE)
        return [each.action for each in planned]

    return ask(work)


WRONG = {
    "uri": "https://old.example.com/webhooks/shopify",
    "name": "other",
    "filter": "id:1",
    "includeFields": ["id", "email"],
    "format": "XML",
}


@pytest.mark.parametrize("field", WRONG)
def test_shopify_has_it_right_afterwards(ask: Asking, shop: FakeShop, field: str) -> None:
    assert set(settle(ask)) == {"create"}
    for each in shop.webhooks.values():
        each[field] = WRONG[field]

    assert set(settle(ask)) == {"mend"}
    assert set(settle(ask)) == {"keep"}
    assert len(shop.webhooks) == len(ORDER_TOPICS) + len(DISPUTE_TOPICS)


def test_what_an_update_does_not_reach_is_made_anew(ask: Asking, shop: FakeShop) -> None:
    settle(ask)
    shop.is_filter_stuck = True
    for each in shop.webhooks.values():
        each["filter"] = "id:1"
    before = set(shop.webhooks)

    settle(ask)

    assert not before & set(shop.webhooks)
    assert set(settle(ask)) == {"keep"}


def test_more_webhooks_than_a_page_holds_are_all_seen(ask: Asking, shop: FakeShop) -> None:
    for n in range(230):
        key = f"gid://shopify/WebhookSubscription/{n}"
        shop.webhooks[key] = {
            "id": key,
            "topic": "PRODUCTS_UPDATE",
            "uri": f"https://{n}.example.com",
            "name": None,
            "filter": None,
            "includeFields": [],
            "format": "JSON",
        }
    found = ask(lambda admin: admin.webhooks())
    assert [each.uri for each in found] == [f"https://{n}.example.com" for n in range(230)]
    assert {each.topic for each in found} == {"products/update"}


def test_a_new_one_names_no_fields_not_even_none(ask: Asking, shop: FakeShop) -> None:
    """An empty list could be read as: none of the fields."""
    settle(ask)
    created = [each for each in shop.received if each.operation == "ThetisWebhookCreate"]
    assert {frozenset(each.variables["wanted"]) for each in created} == {
        frozenset({"name", "uri", "format"})
    }
