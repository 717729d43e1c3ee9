"""A project with people in it, made of our migrations on each kind of default privileges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import LiteralString

import pytest
from psycopg import sql

from devtools import migrations
from tests.database.enrollments.old_table import OldTable
from tests.database.privileges import matrix
from tests.support import supabase_api as supabase_api_support
from tests.support.cluster import SUPABASE, Cluster
from tests.support.database import Connection, Database
from tests.support.shopify import COURSE, SPLINT, order
from tests.support.supabase_api import SupabaseApi

# What a project gives to the API's roles on everything that migrations make. `newer` is what the
# platform here starts with, and Supabase since 2026; `older` is what it gave before, and gives
# still in old projects. The other two go beyond these on either side: what holds for all four does
# not hang on default privileges.
DEFAULT_PRIVILEGES: dict[str, LiteralString] = {
    "newer": "",
    "older": """
        alter default privileges in schema public
        grant all on tables to anon, authenticated, service_role;
        alter default privileges in schema public
        grant all on sequences to anon, authenticated, service_role;
        alter default privileges in schema public
        grant all on functions to anon, authenticated, service_role;
    """,
    "none at all": """
        alter default privileges in schema public
        revoke all on tables from anon, authenticated, service_role;
        alter default privileges in schema public
        revoke all on sequences from anon, authenticated, service_role;
        alter default privileges in schema public
        revoke all on functions from anon, authenticated, service_role;
        alter default privileges revoke all on functions from public;
    """,
    "everything everywhere": """
        alter default privileges
        grant all on tables to public, anon, authenticated, service_role;
        alter default privileges
        grant all on sequences to public, anon, authenticated, service_role;
        alter default privileges
        grant all on functions to public, anon, authenticated, service_role;
        alter default privileges
        grant all on schemas to public, anon, authenticated, service_role;
    """,
}

OF_SUPABASE = ("newer", "older")

ADDRESSES = ("owner@example.com", "unconfirmed@example.com", "nobody@example.com")
"""Of those who bought something. The last one has no account."""


@dataclass(frozen=True, kw_only=True)
class Project:
    database: Database
    users: dict[str, str]
    """The ids of those callers that have an account."""

    def acting_as(self, caller: str) -> AbstractContextManager[Connection]:
        """A transaction as PostgREST opens it for this caller."""
        if caller in self.users:
            return self.database.accounts.as_user(self.users[caller])
        return self.database.as_role(matrix.role(caller))

    def count(self, table: str, rows: str) -> int:
        """How many rows there are of which the matrix says `own`, `all` or `none`."""
        if rows == "none":
            return 0
        condition = f" where user_id = '{self.users['owner']}'" if rows == "own" else ""
        found = int(self.database.value(f"select count(*) from {table}{condition}"))
        assert found, "it would prove nothing"
        return found


@pytest.fixture(scope="session", params=DEFAULT_PRIVILEGES)
def default_privileges(request: pytest.FixtureRequest) -> LiteralString:
    return DEFAULT_PRIVILEGES[request.param]


@pytest.fixture(scope="session")
def project(cluster: Cluster, default_privileges: LiteralString) -> Iterator[Project]:
    """One that had the old `enrollments`, since a ledger of them stays. Tests leave it as it is."""
    with cluster.database("bare") as database:
        with database.connect() as connection:
            connection.execute(sql.SQL(default_privileges))
        old = OldTable(database)
        old.create()
        old.add()
        migrations.apply(database.url, SUPABASE)
        database.map_product("9846188966216", SPLINT)
        database.record_orders(
            *(order(n, COURSE, SPLINT, email=email) for n, email in enumerate(ADDRESSES, 1))
        )
        users = {
            name: database.accounts.sign_up(f"{name}@example.com", confirmed=name != "unconfirmed")
            for name in ("owner", "stranger", "unconfirmed")
        }
        yield Project(database=database, users=users)


@pytest.fixture(scope="session")
def project_api(project: Project) -> Iterator[SupabaseApi]:
    if not supabase_api_support.POSTGREST.exists():
        pytest.skip(supabase_api_support.MISSING)
    with supabase_api_support.serving(project.database) as api:
        yield api


@pytest.fixture(params=matrix.CALLERS)
def caller(request: pytest.FixtureRequest) -> str:
    return str(request.param)
