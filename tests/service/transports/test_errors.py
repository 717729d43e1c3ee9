"""Which errors blame the request, and which only mean "not now"."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.service.transports.conftest import TransportCase
from tests.support.database import Database
from tests.support.http import serving
from tests.support.shopify import COURSE, order
from tests.support.supabase_api import JWT_SECRET, SupabaseApi, token
from thetis.database import Database as Client
from thetis.errors import DatabaseRefused, DatabaseUnavailable
from thetis.model import Settlement
from thetis.transports import Row, SupabaseTransport

SECRET_KEY = "sb_secret_made_up"


def _product(client: Client, **changes: Any) -> Awaitable[None]:
    usual: dict[str, Any] = {
        "slug": "brace",
        "name": "Brace",
        "category": "device",
        "shopify_product_id": None,
        "access_period": None,
    }
    return client.add_product(**{**usual, **changes})


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("22P02", lambda client: client.settle_notifications([_settlement(id="no uuid")])),
        ("22P05", lambda client: client.settle_notifications([_settlement(error="a\x00b")])),
        ("22003", lambda client: client.settle_notifications([_settlement(attempt=2**40)])),
        ("TH004", lambda client: _product(client, access_period="a while")),
        ("TH004", lambda client: _product(client, slug="Not A Slug")),
        ("TH004", lambda client: _product(client, name=None)),
    ],
)
def test_data_that_cannot_be_stored_is_refused(
    way: TransportCase, code: str, question: Callable[[Client], Awaitable[Any]]
) -> None:
    with pytest.raises(DatabaseRefused) as caught:
        way.ask(question)
    assert caught.value.code == code


def _settlement(**changes: Any) -> Settlement:
    usual = Settlement(id="0b6f6e0e-7d0c-4d51-9f3e-0a4c8f0d1e11", attempt=1, result="dead")
    return replace(usual, **changes)


def test_a_refusal_changes_nothing(way: TransportCase, database: Database) -> None:
    with pytest.raises(DatabaseRefused):
        way.ask(lambda client: _product(client, shopify_product_id="not a number"))
    assert database.rows("select * from public.products where slug = 'brace'") == []


def test_a_function_that_is_missing_is_not_the_fault_of_the_request(
    way: TransportCase, database: Database
) -> None:
    database.execute("drop function public.record_orders(jsonb, text, timestamptz)")

    with pytest.raises(DatabaseUnavailable) as caught:
        way.ask(lambda client: client.record_orders([order(1, COURSE)]))
    assert caught.value.code in {"42883", "PGRST202"}


def test_a_function_that_never_was_is_not_the_fault_of_the_request(way: TransportCase) -> None:
    async def call() -> list[Row]:
        transport = way.transport()
        await transport.open()
        try:
            return await transport.call("a_function_of_the_next_release", {"a": 1})
        finally:
            await transport.close()

    with pytest.raises(DatabaseUnavailable) as caught:
        asyncio.run(call())
    assert caught.value.code in {"42883", "PGRST202"}


def test_a_privilege_that_is_missing_is_not_the_fault_of_the_request(
    database: Database,
) -> None:
    """The role that logs in for PostgREST may do nothing itself."""
    url = database.platform.url("authenticator", database.name)
    way = TransportCase(name="postgres", settings={"database_url": url})

    with pytest.raises(DatabaseUnavailable) as caught:
        way.ask(Client.list_products)
    assert caught.value.code == "42501"


@pytest.mark.parametrize("key", ["publishable_key", "anon_key"])
def test_a_key_for_the_browser_is_not_enough(supabase_api: SupabaseApi, key: str) -> None:
    async def ask() -> None:
        transport = SupabaseTransport(supabase_api.url, getattr(supabase_api, key))
        try:
            await transport.call("list_products", {})
        finally:
            await transport.close()

    with pytest.raises(DatabaseUnavailable) as caught:
        asyncio.run(ask())
    assert caught.value.code == "42501"


@pytest.mark.parametrize(
    "key", ["sb_secret_of_another_project", token("service_role"), JWT_SECRET, "x"]
)
def test_a_wrong_key_is_not_the_fault_of_the_request(supabase_api: SupabaseApi, key: str) -> None:
    settings = {"supabase_url": supabase_api.url, "supabase_secret_key": key + "x"}

    with pytest.raises(DatabaseUnavailable, match="Invalid API key") as caught:
        TransportCase(name="supabase", settings=settings).ask(Client.list_products)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b"<html>upstream connect error</html>"),
        (502, b""),
        (504, {"message": "The server did not answer", "code": None}),
        (429, {"message": "Too many requests"}),
        (401, {"message": "Invalid API key", "hint": "Double check your API key."}),
        (301, b"<html>moved</html>"),
        (200, b"<html>a login page</html>"),
        (200, {"status": "ok"}),
        (200, [{"ordinal": 1}]),
        (200, [1, 2, 3]),
        (200, 7),
        (200, None),
    ],
)
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("record_orders", {"orders": [{}]}),
        ("settle_notifications", {"settlements": [_settlement()]}),
        ("claim_notifications", {"provider": "knock", "max_count": 1, "lease_seconds": 60}),
        ("notification_backlog", {}),
    ],
)
def test_what_stands_between_us_and_postgrest_is_not_the_fault_of_the_request(
    status: int, body: object, function: str, arguments: dict[str, Any]
) -> None:
    answers = {f"/rest/v1/rpc/{function}": (status, body)}
    with serving(answers, expected_apikey=SECRET_KEY) as url:
        way = TransportCase(
            name="gateway", settings={"supabase_url": url, "supabase_secret_key": SECRET_KEY}
        )
        with pytest.raises(DatabaseUnavailable) as caught:
            way.ask(lambda client: getattr(client, function)(**arguments))
    assert "<" not in str(caught.value)


@pytest.mark.parametrize("body", [b"a login page", b'{"id": ', b"<p>7</p>", b"\xff\xfe", b"NaN,"])
@pytest.mark.parametrize("status", [200, 201, 301, 404, 502])
def test_what_is_not_json_is_no_answer(status: int, body: bytes) -> None:
    async def answer(url: str) -> None:
        transport = SupabaseTransport(url, SECRET_KEY)
        try:
            await transport.call("list_products", {})
        finally:
            await transport.close()

    with (
        serving({"/rest/v1/rpc/list_products": (status, body)}) as url,
        pytest.raises(DatabaseUnavailable, match="not with JSON") as caught,
    ):
        asyncio.run(answer(url))
    assert caught.value.code == str(status)


def test_no_outcome_is_not_taken_for_one() -> None:
    """An empty body is how PostgREST answers for a function without a result."""
    with serving({"/rest/v1/rpc/record_orders": (200, b"")}) as url:
        way = TransportCase(
            name="gateway", settings={"supabase_url": url, "supabase_secret_key": SECRET_KEY}
        )
        with pytest.raises(DatabaseUnavailable):
            way.ask(lambda client: client.record_orders([order(1, COURSE)]))


@pytest.mark.parametrize("scheme", ["postgres", "supabase"])
def test_a_refused_connection_is_unavailable(scheme: str) -> None:
    settings = {
        "postgres": {"database_url": "postgresql://postgres@127.0.0.1:1/postgres"},
        "supabase": {"supabase_url": "http://127.0.0.1:1", "supabase_secret_key": SECRET_KEY},
    }
    way = TransportCase(name=scheme, settings=settings[scheme])

    with pytest.raises(DatabaseUnavailable):
        way.ask(Client.notification_backlog, database_timeout_seconds=0.5)


def test_with_both_ways_given_the_direct_one_is_taken(database: Database) -> None:
    nowhere = {"supabase_url": "http://127.0.0.1:1", "supabase_secret_key": SECRET_KEY}
    way = TransportCase(name="both", settings={"database_url": database.url, **nowhere})

    assert len(way.ask(Client.list_products)) == 5
