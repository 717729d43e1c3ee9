"""A token is asked for when it is needed, renewed before it ends, and once more when refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from shopify_app import ShopifyApp

from devtools.fake_shopify import FakeShop, Said
from tests.service.shopify_admin.asking import Asking, first_page, ids
from tests.support.shopify import COURSE, order
from thetis.errors import ShopifyRefused, ShopifyUnavailable
from thetis.providers import shopify_queries
from thetis.providers.shopify_admin import ClientCredentials, ShopifyAdmin
from thetis.providers.shopify_tokens import EARLY, RenewedToken


@pytest.fixture(autouse=True)
def _an_order(shop: FakeShop) -> None:
    shop.put(order(1, COURSE))


def test_the_first_of_many_questions_asks_for_a_token(ask: Asking) -> None:
    async def questions(admin: ShopifyAdmin) -> None:
        await asyncio.gather(*(first_page(admin) for _ in range(5)))
        await first_page(admin)

    ask(questions, credentials=ask.client_credentials)

    assert ask.shop.tokens_given == 1
    assert len({each.token for each in ask.shop.received}) == 1


def test_a_token_that_is_refused_is_renewed_once_for_all_who_ask(ask: Asking) -> None:
    async def questions(admin: ShopifyAdmin) -> list[str]:
        await first_page(admin)
        ask.shop.expire_tokens()
        return ids(await asyncio.gather(*(first_page(admin) for _ in range(5))))

    assert ask(questions, credentials=ask.client_credentials) == ["1"] * 5
    assert ask.shop.tokens_given == 2


def test_a_new_token_that_is_refused_too_is_the_end_of_it(ask: Asking) -> None:
    ask.says(*(Said(status=401, body={"errors": "Invalid API key or access token"}),) * 2)
    error = ask.refused(first_page, credentials=ask.client_credentials)
    assert error.code == "401"
    assert ask.shop.tokens_given == 2


@pytest.mark.parametrize(("lasts", "renewed_after"), [(86399, 86399 - EARLY), (400, 200), (2, 1)])
def test_a_token_is_renewed_before_its_end(ask: Asking, lasts: int, renewed_after: float) -> None:
    ask.shop.token_seconds = lasts
    now = 1000.0

    async def tokens() -> list[str]:
        nonlocal now
        async with httpx.AsyncClient() as http:
            source = RenewedToken(http, ask.base_url, ask.client_credentials, clock=lambda: now)
            given = [await source.get()]
            now += renewed_after - 0.5
            given.append(await source.get())
            now += 0.5
            given.append(await source.get())
            return given

    first, second, third = asyncio.run(tokens())
    assert first == second != third


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_secret": "shpss_wrong"}, "invalid_client"),
        ({"client_id": "another"}, "application_cannot_be_found"),
    ],
)
def test_credentials_that_are_wrong_are_refused_in_shopifys_words(
    ask: Asking, changes: dict[str, str], code: str
) -> None:
    right = ask.client_credentials
    given = {"client_id": right.client_id, "client_secret": right.client_secret, **changes}

    error = ask.refused(first_page, credentials=ClientCredentials(**given))

    assert error.code == code
    assert f"shopify gave no token (400 {code}: " in str(error)
    assert given["client_secret"] not in str(error)
    assert ask.slept == [] and ask.operations == []


def _answering(answer: httpx.Response) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(503), ShopifyUnavailable, "shopify gave no token (503)"),
        (httpx.Response(429), ShopifyUnavailable, "shopify gave no token (429)"),
        (httpx.Response(200, text="<html>"), ShopifyUnavailable, "in a form that it does not use"),
        (
            httpx.Response(200, json={"scope": "x"}),
            ShopifyUnavailable,
            "in a form that it does not use",
        ),
        (httpx.Response(200, json=[]), ShopifyUnavailable, "in a form that it does not use"),
        (httpx.Response(404, text="<html>"), ShopifyRefused, "(404 not in words)"),
        (httpx.Response(400, json=["?"]), ShopifyRefused, "(400 not in words)"),
    ],
)
def test_what_is_no_token_is_not_taken_for_one(
    ask: Asking, answer: httpx.Response, kind: type[Exception], words: str
) -> None:
    async def get() -> str:
        async with _answering(answer) as http:
            return await RenewedToken(http, ask.base_url, ask.client_credentials).get()

    with pytest.raises(kind) as caught:
        asyncio.run(get())
    assert words in str(caught.value)


def test_a_token_endpoint_that_cannot_be_reached_is_asked_again(ask: Asking) -> None:
    nowhere: dict[str, Any] = {"base_url": "http://127.0.0.1:9"}
    ask.unavailable(first_page, credentials=ask.client_credentials, **nowhere)
    assert ask.slept == [1.0, 4.0]


def test_a_secret_is_not_in_the_words_for_credentials(ask: Asking) -> None:
    assert ask.shop.client_secret not in repr(ask.client_credentials)


# Shopify's own package, as the judge of the stand-in.


class _ToTheStandIn(httpx.HTTPTransport):
    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base = httpx.URL(base_url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(
            scheme=self._base.scheme, host=self._base.host, port=self._base.port
        )
        return super().handle_request(request)


@pytest.fixture
def official(ask: Asking) -> ShopifyApp:
    return ShopifyApp(ask.shop.client_id, ask.shop.client_secret)


def test_shopifys_own_package_gets_a_token_where_we_get_one(
    ask: Asking, official: ShopifyApp
) -> None:
    name = ask.shop.domain.removesuffix(".myshopify.com")
    with httpx.Client(transport=_ToTheStandIn(ask.base_url)) as http:
        exchanged = official.exchange_using_client_credentials(name, http)
        assert exchanged.ok and exchanged.access_token is not None
        token = exchanged.access_token.token
        answer = official.admin_graphql_request(
            shopify_queries.ORDERS,
            shop=name,
            access_token=token,
            api_version="2026-10",
            variables={"first": 20, "query": "updated_at:>='2020-01-01T00:00:00Z'"},
            http_client=http,
        )

    assert answer.ok, answer.log
    assert answer.data is not None
    assert [each["id"] for each in answer.data["orders"]["nodes"]] == ["gid://shopify/Order/1"]
    assert ids([ask(first_page, credentials=ask.client_credentials)]) == ["1"]


def test_shopifys_own_package_is_refused_where_we_are(ask: Asking) -> None:
    name = ask.shop.domain.removesuffix(".myshopify.com")
    wrong = ShopifyApp(ask.shop.client_id, "shpss_wrong")
    with httpx.Client(transport=_ToTheStandIn(ask.base_url)) as http:
        exchanged = wrong.exchange_using_client_credentials(name, http)
    assert not exchanged.ok
    assert exchanged.log.code == "invalid_client"
