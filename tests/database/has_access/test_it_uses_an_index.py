"""With many purchases, what is asked at every page view is answered from an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from tests.support.database import Database
from tests.support.shopify import COURSE

PEOPLE = 3000


@pytest.fixture
def crowd(own_database: Database) -> Database:
    """Everybody bought the course; half of them have an account, and one has much else."""
    database = own_database
    database.execute(
        "insert into auth.users (id, email, email_confirmed_at)"
        " select gen_random_uuid(), 'user' || n || '@example.com', now()"
        " from generate_series(1, %s, 2) as n",
        PEOPLE,
    )
    database.execute(
        "insert into public.purchases (user_id, product_slug, shopify_customer_email)"
        " select users.id, %s, 'user' || n || '@example.com'"
        " from generate_series(1, %s) as n"
        " left join auth.users on users.email = 'user' || n || '@example.com'",
        COURSE,
        PEOPLE,
    )
    database.execute("analyze public.purchases")
    database.execute("analyze auth.users")
    return database


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Each scan of a table of ours in a plan: how, and by which index."""
    if plan.get("Relation Name") == "purchases":
        yield plan["Node Type"], plan.get("Index Name")
    for child in plan.get("Plans", []):
        yield from scans(child)


def explain(database: Database, query: str, *values: Any, definer: bool = False) -> dict[str, Any]:
    """The plan that was carried out, as a user who has purchases.

    With `definer`, as the owner of a function that this user calls.
    """
    user_id = database.value("select id from auth.users where email = 'user1@example.com'")
    with database.accounts.as_user(str(user_id)) as user:
        if definer:
            user.execute("set local role postgres")
        explained = sql.SQL(f"explain (analyze, buffers, format json) {query}")
        [row] = user.execute(explained, values).fetchall()
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def statement(database: Database, function: str) -> str:
    """The one statement that a plpgsql function returns the result of, as a query."""
    body = str(database.value("select prosrc from pg_proc where oid = %s::regprocedure", function))
    [expression] = re.findall(r"\Areturn (.+);\Z", _between(body, "begin", "end;"), re.DOTALL)
    return f"select {expression}"


def _between(text: str, first: str, last: str) -> str:
    return text.partition(first)[2].rpartition(last)[0].strip()


def test_has_access_looks_up_one_user_in_a_handful_of_buffers(crowd: Database) -> None:
    query = statement(crowd, "public.has_access(text)")
    plan = explain(crowd, query.replace("has_access.slug", "%s"), COURSE, definer=True)

    assert list(scans(plan)) == [("Index Scan", "purchases_user_id")]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 6


def test_a_users_own_list_looks_up_one_user(crowd: Database) -> None:
    plan = explain(crowd, "select * from public.purchases")
    assert list(scans(plan)) == [("Index Scan", "purchases_user_id")]
