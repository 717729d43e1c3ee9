"""Can a service of this release do its work on this database?"""

from __future__ import annotations

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.database import Connection, Database
from thetis.calls import CALLS as THE_SERVICES

CALLS = {name: list(arguments) for name, arguments in THE_SERVICES.items()}


def missing(database: Database, calls: dict[str, list[str]]) -> list[str]:
    [row] = database.call("check_schema", calls)
    assert row["version"] == 1
    return list(row["missing"])


def test_nothing_is_missing_here(database: Database) -> None:
    assert missing(database, CALLS) == []
    assert missing(database, {}) == []


def test_a_default_may_be_left_out(database: Database) -> None:
    fewer = {"record_orders": ["orders"], "claim_notifications": ["provider"]}

    assert missing(database, fewer) == []


@pytest.mark.parametrize(
    "call",
    [
        {"record_everything": ["orders"]},
        {"record_orders": ["orders", "a_word_of_the_next_release"]},
        {"record_orders": ["orders", "ordinal"]},
        {"claim_notifications": ["max_count", "lease_seconds"]},
        {"record_refunds": []},
        {"lock_orders": ["p_order_ids"]},
    ],
    ids=["no such name", "new argument", "a result's name", "no provider", "no refunds", "inside"],
)
def test_a_call_that_would_not_be_found_is_named(
    database: Database, call: dict[str, list[str]]
) -> None:
    assert missing(database, {**CALLS, **call}) == [*call]


def test_all_that_is_missing_is_named_by_the_alphabet(database: Database) -> None:
    assert missing(database, {"zebra": [], "ape": [], "list_products": []}) == ["ape", "zebra"]


@pytest.mark.parametrize("function", sorted(CALLS.keys() - {"check_schema"}))
def test_a_function_that_the_service_may_not_execute_is_missing(
    own_database: Database, function: str
) -> None:
    with own_database.connect() as owner, owner.transaction(force_rollback=True):
        forbid(owner, function)
        owner.execute("set local role service_role")
        [row] = owner.execute(
            "select * from public.check_schema(%s)", [Jsonb({function: CALLS[function]})]
        ).fetchall()

    assert row["missing"] == [function]


def forbid(owner: Connection, function: str) -> None:
    query = "select oid::regprocedure::text as name from pg_proc where proname = %s"
    [row] = owner.execute(query, [function]).fetchall()
    owner.execute(
        sql.SQL("revoke execute on function {} from public, service_role").format(
            sql.SQL(row["name"])
        )
    )
