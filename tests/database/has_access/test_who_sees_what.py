"""Row level security of purchases: owners read their own, and nobody but the service writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.support.database import Connection, Database
from tests.support.shopify import COURSE, SPLINT, order

STATEMENTS: dict[str, LiteralString] = {
    "insert": "insert into public.purchases (product_slug, shopify_customer_email)"
    " values ('standard_course', 'eve@example.com')",
    "update": "update public.purchases set status = 'active'",
    "update of the owner": "update public.purchases set user_id = auth.uid()",
    "delete": "delete from public.purchases",
    "truncate": "truncate public.purchases",
    "lock": "select * from public.purchases for update",
}


@pytest.fixture
def ada(database: Database) -> str:
    database.record_orders(order(1, COURSE), order(2, SPLINT, email="bob@example.com"))
    return database.accounts.sign_up("ada@example.com")


@contextmanager
def acting_as(database: Database, role: str, user_id: str) -> Iterator[Connection]:
    if role == "authenticated":
        with database.accounts.as_user(user_id) as connection:
            yield connection
    else:
        with database.as_role(role) as connection:
            yield connection


def test_a_user_sees_their_own_purchases_and_no_others(database: Database, ada: str) -> None:
    bob = database.accounts.sign_up("bob@example.com")

    assert [row["product_slug"] for row in database.accounts.purchases(ada)] == [COURSE]
    assert [row["product_slug"] for row in database.accounts.purchases(bob)] == [SPLINT]


def test_a_user_without_purchases_sees_nothing(database: Database, ada: str) -> None:
    eve = database.accounts.sign_up("eve@example.com")

    assert database.accounts.purchases(eve) == []


def test_a_token_without_a_user_sees_nothing_not_even_what_nobody_owns(
    database: Database, ada: str
) -> None:
    assert any(row["user_id"] is None for row in database.purchases())

    with database.as_role("authenticated") as nobody:
        assert nobody.execute("select * from public.purchases").fetchall() == []
        rows = nobody.execute("select public.has_access(%s) as granted", [COURSE]).fetchall()
    assert rows == [{"granted": False}]


@pytest.mark.parametrize(
    "query",
    [
        "select * from public.purchases",
        "select public.has_access('standard_course')",
        "select public.claim_purchases()",
        "select * from public.products",
    ],
)
def test_anon_may_ask_nothing(database: Database, query: LiteralString) -> None:
    with database.as_role("anon") as anon, pytest.raises(psycopg.errors.InsufficientPrivilege):
        anon.execute(query)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_api_role_writes_the_table(
    database: Database, ada: str, role: str, statement: str
) -> None:
    with (
        acting_as(database, role, ada) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL(STATEMENTS[statement]))


def test_the_service_reads_everything(database: Database, ada: str) -> None:
    with database.as_role("service_role") as service:
        assert len(service.execute("select * from public.purchases").fetchall()) == 2


@pytest.mark.parametrize(
    "table",
    ["orders", "order_lines", "refunds", "notifications", "rejected_webhooks", "shopify_products"],
)
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_api_role_looks_behind_the_door(database: Database, role: str, table: str) -> None:
    query = sql.SQL("select * from thetis.{}").format(sql.Identifier(table))
    with database.as_role(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(query)
