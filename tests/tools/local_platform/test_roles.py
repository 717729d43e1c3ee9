"""The platform's roles have Supabase's powers and limits, or privilege faults would hide here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tests.support.cluster import Cluster
from tests.support.database import Database


@pytest.fixture(scope="module")
def untouched(cluster: Cluster) -> Iterator[Database]:
    """The platform before any migration, for tests that only ask, or undo what they did."""
    with cluster.database("bare") as shared:
        yield shared


def role(database: Database, name: str) -> dict[str, bool]:
    query = (
        "select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, rolcanlogin,"
        " rolinherit from pg_roles where rolname = %s"
    )
    [row] = database.rows(query, name)
    return {attribute.removeprefix("rol"): value for attribute, value in row.items()}


@pytest.mark.parametrize(
    ("name", "powers"),
    [
        (
            "supabase_admin",
            {"super", "createdb", "createrole", "bypassrls", "replication", "canlogin", "inherit"},
        ),
        (
            "postgres",
            {"createdb", "createrole", "bypassrls", "replication", "canlogin", "inherit"},
        ),
        ("anon", {"inherit"}),
        ("authenticated", {"inherit"}),
        ("service_role", {"bypassrls", "inherit"}),
        ("authenticator", {"canlogin"}),
        ("supabase_auth_admin", {"canlogin"}),
    ],
)
def test_a_role_has_the_powers_it_has_on_supabase(
    untouched: Database, name: str, powers: set[str]
) -> None:
    held = role(untouched, name)

    assert {power for power, has_it in held.items() if has_it} == powers


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine ()",
        "create function auth.mine() returns int language sql as 'select 1'",
        "create index mine on auth.users (lower(email))",
        "alter table auth.users add column mine int",
        "set role supabase_auth_admin",
        "set role supabase_admin",
        "create extension vector",
        "alter system set fsync to off",
    ],
)
def test_migrations_may_not(untouched: Database, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        untouched.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create schema mine",
        "create table public.mine (user_id uuid references auth.users (id) on delete set null)",
        """
        create trigger mine before update on auth.users
        for each row execute function suppress_redundant_updates_trigger()
        """,
        "set role anon",
        "set role authenticated",
        "set role service_role",
        "create role mine",
        "select from auth.users",
        "truncate auth.users",
    ],
)
def test_migrations_may(untouched: Database, statement: str) -> None:
    with untouched.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(sql.SQL(statement))


@pytest.mark.parametrize("name", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize(
    "statement", ["select from auth.users", "create table public.mine ()", "create schema mine"]
)
def test_the_apis_roles_may_not(untouched: Database, name: str, statement: str) -> None:
    with untouched.as_role(name) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(sql.SQL(statement))


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("anon", "statement_timeout", "3s"),
        ("authenticated", "statement_timeout", "8s"),
        ("authenticator", "statement_timeout", "8s"),
        ("authenticator", "lock_timeout", "8s"),
        ("supabase_auth_admin", "search_path", "auth"),
        ("supabase_auth_admin", "idle_in_transaction_session_timeout", "60s"),
        ("postgres", "search_path", '"$user", public, extensions'),
    ],
)
def test_a_role_has_the_settings_it_has_on_supabase(
    untouched: Database, name: str, setting: str, value: str
) -> None:
    query = "select unnest(rolconfig) as setting from pg_roles where rolname = %s"
    settings = [row["setting"] for row in untouched.rows(query, name)]

    assert f"{setting}={value}" in settings


def test_auth_says_whose_token_a_request_carries(untouched: Database) -> None:
    user_id = str(uuid.uuid4())
    claims = {"sub": user_id, "role": "authenticated", "email": "ada@example.com"}
    with untouched.as_role("authenticated") as connection:
        connection.execute(
            "select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),)
        )
        row = connection.execute("select auth.uid(), auth.role(), auth.email(), auth.jwt()")

        assert row.fetchone() == {
            "uid": uuid.UUID(user_id),
            "role": "authenticated",
            "email": "ada@example.com",
            "jwt": claims,
        }


def test_without_a_token_auth_says_null(untouched: Database) -> None:
    with untouched.as_role("anon") as connection:
        row = connection.execute("select auth.uid(), auth.role(), auth.email(), auth.jwt()")

        assert row.fetchone() == {"uid": None, "role": None, "email": None, "jwt": None}


def test_an_address_belongs_to_one_account_but_for_single_sign_on(bare_database: Database) -> None:
    def insert(*, sso: bool) -> None:
        bare_database.execute(
            "insert into auth.users (id, email, is_sso_user) values (%s, 'ada@example.com', %s)",
            uuid.uuid4(),
            sso,
        )

    insert(sso=False)
    insert(sso=True)
    insert(sso=True)
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(sso=False)


def test_a_confirmed_phone_counts_as_confirmed_but_not_the_address(bare_database: Database) -> None:
    bare_database.execute(
        "insert into auth.users (id, phone_confirmed_at) values (%s, now())", uuid.uuid4()
    )

    [user] = bare_database.rows("select confirmed_at, email_confirmed_at from auth.users")
    assert user["confirmed_at"] is not None
    assert user["email_confirmed_at"] is None


def test_lower_folds_every_alphabet(untouched: Database) -> None:
    assert untouched.value("select lower('ÀÉÎÕÜ ŁÓDŹ АДА')") == "àéîõü łódź ада"
