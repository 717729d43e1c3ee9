"""What is not a whole answer fails, in Shopify's own words; what may pass is waited for."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from devtools.fake_shopify import FakeShop, Said
from tests.service.shopify_admin.asking import Asking, every_page, first_page, ids
from tests.support.shopify import COURSE, order
from thetis.providers.shopify_admin import AdminToken, ShopifyAdmin
from thetis.providers.shopify_graphql import PATIENCE


async def make_a_webhook(admin: ShopifyAdmin) -> object:
    return await admin.create_webhook(
        topic="orders/paid", name="thetis-orders-paid", uri="https://thetis.example.com/x"
    )


@pytest.fixture(autouse=True)
def _an_order(shop: FakeShop) -> None:
    shop.put(order(1, COURSE, customer={"id": 7, "email": "ada@example.com"}))


def throttled(*, needed: float, left: float, rate: float = 100, most: float = 2000) -> Said:
    status = {"maximumAvailable": most, "currentlyAvailable": left, "restoreRate": rate}
    cost = {"requestedQueryCost": needed, "actualQueryCost": None, "throttleStatus": status}
    errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    return Said(status=200, body={"errors": errors, "extensions": {"cost": cost}})


def test_an_address_that_the_app_may_not_read_fails_the_page_and_is_not_taken_for_null(
    ask: Asking,
) -> None:
    ask.shop.is_email_withheld = True

    error = ask.refused(first_page)

    assert error.code == "ACCESS_DENIED"
    assert "not approved to access the Order object's email field" in str(error)
    assert "ada@example.com" not in str(error)


@pytest.mark.parametrize(
    ("scope", "field"),
    [("read_orders", "orders"), ("read_products", "product"), ("read_customers", "customer")],
)
def test_a_scope_that_is_missing_is_named_in_shopifys_own_words(
    ask: Asking, scope: str, field: str
) -> None:
    ask.shop.scopes.remove(scope)

    error = ask.refused(first_page)

    assert error.code == "ACCESS_DENIED"
    assert f"Access denied for {field} field. Required access: `{scope}` access scope" in str(error)


def test_an_app_without_any_scope_is_told_its_shop_and_nothing_else(ask: Asking) -> None:
    ask.shop.scopes.clear()

    assert ask(lambda admin: admin.scopes()) == frozenset()
    assert ask(lambda admin: admin.shop()).name == ask.shop.name
    assert ask.refused(first_page).code == "ACCESS_DENIED"


def test_points_that_are_used_up_are_waited_for_by_what_the_status_says(ask: Asking) -> None:
    ask.says(throttled(needed=777, left=277), throttled(needed=777, left=677, rate=50))

    assert ids([ask(first_page)]) == ["1"]
    assert ask.slept == [5.0, 2.0]


def test_who_is_throttled_for_no_reason_asks_again_a_little_later(ask: Asking) -> None:
    ask.says(throttled(needed=10, left=500))
    ask(first_page)
    assert ask.slept == [0.1]


def test_throttled_without_a_status_is_waited_for_too(ask: Asking) -> None:
    ask.says(Said(status=200, body={"errors": [{"message": "Throttled"}]}))
    ask(first_page)
    assert ask.slept == [1.0]


def test_a_shop_that_is_throttled_for_ever_is_given_up(ask: Asking) -> None:
    ask.shop.throttled = 10_000
    error = ask.unavailable(first_page)
    assert "throttled" in str(error)
    assert sum(ask.slept) <= PATIENCE


def test_a_query_that_no_bucket_could_hold_is_not_waited_for(ask: Asking) -> None:
    ask.says(throttled(needed=3000, left=2000))
    assert ask.refused(first_page).code == "THROTTLED"
    assert ask.slept == []


@pytest.mark.parametrize(
    "passing",
    [
        Said(status=500),
        Said(status=502, body="<html>Bad gateway</html>"),
        Said(status=429),
        Said(status=200, body="<html>Maintenance</html>"),
        Said(status=200, body={}),
        Said(status=200, body=[]),
        Said(
            status=200,
            body={
                "errors": [
                    {
                        "message": "Internal error. Looks like something went wrong on our end.",
                        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
                    }
                ]
            },
        ),
    ],
    ids=str,
)
def test_what_may_pass_is_asked_again_twice(ask: Asking, passing: Said) -> None:
    ask.says(passing, passing)
    assert ids([ask(first_page)]) == ["1"]
    assert ask.slept == [1.0, 4.0]

    ask.says(passing, passing, passing)
    ask.unavailable(first_page)


def test_shopify_is_left_alone_for_as_long_as_it_wishes(ask: Asking) -> None:
    ask.says(Said(status=429, headers={"retry-after": "17"}))
    ask(first_page)
    assert ask.slept == [17.0]


def test_what_changes_something_is_not_asked_again_when_there_was_no_answer(ask: Asking) -> None:
    ask.says(Said(status=502))
    ask.unavailable(make_a_webhook)
    assert ask.operations == ["ThetisWebhookCreate"]

    ask.says(throttled(needed=10, left=0))  # which Shopify did not do, certainly
    ask(make_a_webhook)
    assert len(ask.shop.webhooks) == 1


def test_a_shop_that_cannot_be_reached_is_unavailable(ask: Asking) -> None:
    error = ask.unavailable(first_page, base_url="http://127.0.0.1:9")
    assert str(error) == "shopify did not answer (ConnectError)"


def test_a_shop_that_does_not_answer_in_time_is_unavailable(ask: Asking) -> None:
    ask.says(Said(status=200, body={}, delay=5.0))
    error = ask.unavailable(make_a_webhook, timeout=0.2)
    assert str(error) == "shopify did not answer (ReadTimeout)"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(status=404, body={"errors": "Not Found"}), "shopify 404 Not Found"),
        (
            Said(status=402, body={"errors": "Unavailable Shop"}),
            "shopify 402 Unavailable Shop",
        ),
        (Said(status=403, body="<html>"), "shopify 403 not in words"),
        (
            Said(status=301, headers={"location": "https://other.myshopify.com"}),
            "shopify 301 is elsewhere: set SHOPIFY_SHOP to its name.myshopify.com",
        ),
    ],
)
def test_another_status_is_a_refusal_in_its_words(ask: Asking, said: Said, words: str) -> None:
    ask.says(said)
    error = ask.refused(first_page)
    assert (str(error), error.code) == (words, str(said.status))
    assert ask.slept == []


def test_several_errors_are_all_told(ask: Asking) -> None:
    errors = [{"message": "One is wrong"}, {"message": "So is another"}]
    ask.says(Said(status=200, body={"data": {"orders": None}, "errors": errors}))
    assert str(ask.refused(first_page)) == "shopify: One is wrong; So is another"


def test_neither_a_token_nor_an_address_is_in_the_words(ask: Asking) -> None:
    words = f"ada@example.com may not use {ask.shop.admin_token}"
    for said in (
        Said(status=403, body={"errors": words}),
        Said(status=200, body={"errors": [{"message": words}]}),
    ):
        ask.says(said)
        assert "[address] may not use [key]" in str(ask.refused(first_page))


def test_an_order_that_vanishes_while_it_is_read_fails_the_page(ask: Asking) -> None:
    lines = [{"id": n, "product_id": n, "quantity": 1} for n in range(1, 8)]
    ask.shop.put(order(1, *lines))
    whole = ask(first_page)
    ask.shop.received.clear()

    async def page(admin: ShopifyAdmin) -> object:
        admin.query = _removing(ask.shop, admin)  # type: ignore[method-assign]
        return await first_page(admin)

    assert "no longer has gid://shopify/Order/1" in str(ask.refused(page))
    assert len(whole.orders[0]["line_items"]) == 7


def _removing(shop: FakeShop, admin: ShopifyAdmin):  # type: ignore[no-untyped-def] # noqa: ANN202
    asked = type(admin).query

    async def query(document: str, **variables: object) -> object:
        answer = await asked(admin, document, **variables)
        if "ThetisOrders" in document:
            shop.remove(1)
        return answer

    return query


# Versions.


def test_the_version_that_is_served_is_told_beside_the_one_that_was_asked(ask: Asking) -> None:
    told = ask(lambda admin: admin.shop())
    assert (told.asked_version, told.served_version) == ("2026-10", "2026-10")
    assert told.supported_versions == tuple(ask.shop.versions)
    assert (told.domain, told.currency) == (ask.shop.domain, "USD")


def test_a_version_that_has_ended_is_noticed_and_logged_once(ask: Asking) -> None:
    ask.shop.versions = ("2026-07", "2026-10")

    with capture_logs() as logs:
        ask(every_page, api_version="2026-04")
        told = ask(lambda admin: admin.shop(), api_version="2026-04")

    assert (told.asked_version, told.served_version) == ("2026-04", "2026-07")
    assert [(each["event"], each["asked"], each["served"]) for each in logs] == [
        ("admin_api.other_version_served", "2026-04", "2026-07")
    ] * 2, "once by each client"


def test_a_version_that_never_was_is_refused(ask: Asking) -> None:
    assert ask.refused(first_page, api_version="2031-01").code == "404"


def test_a_token_that_was_taken_back_is_refused_and_not_asked_for_again(ask: Asking) -> None:
    error = ask.refused(first_page, credentials=AdminToken(token="shpat_old"))
    assert error.code == "401"
    assert "Invalid API key or access token" in str(error)
    assert len(ask.operations) == 1
