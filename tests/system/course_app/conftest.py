"""The API of one database, and the course app in front of it as each kind of customer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import supabase_api as supabase_api_support
from tests.support.database import Database
from tests.support.reused import database, reused_database
from tests.support.supabase_api import SupabaseApi
from tests.system.course_app import apps
from tests.system.course_app.apps import Answer, App, JavaScriptApp, User

__all__ = ["database", "reused_database"]


@pytest.fixture(scope="session")
def reused_api(reused_database: Database) -> Iterator[SupabaseApi]:
    if not supabase_api_support.POSTGREST.exists():
        pytest.skip(supabase_api_support.MISSING)
    with supabase_api_support.serving(reused_database) as api:
        yield api


@pytest.fixture
def api(reused_api: SupabaseApi, database: Database) -> SupabaseApi:
    """Of a database that is as new."""
    return reused_api


@pytest.fixture(scope="session")
def javascript() -> Iterator[JavaScriptApp]:
    if apps.is_missing():
        pytest.skip(apps.MISSING)
    with apps.javascript() as app:
        yield app


@pytest.fixture(params=["python", "javascript"])
def app(request: pytest.FixtureRequest) -> Iterator[App]:
    if request.param == "javascript":
        yield request.getfixturevalue("javascript")
    else:
        with apps.python() as app:
            yield app


@dataclass(frozen=True, kw_only=True)
class People:
    """Makes accounts, and what a browser of theirs holds."""

    database: Database
    api: SupabaseApi

    def visitor(self) -> User:
        """Who has not signed in."""
        return User(url=self.api.url, key=self.api.publishable_key)

    def sign_up(self, email: str, *, confirmed: bool = True) -> User:
        """Signed in at once: some projects let users in who have not confirmed their address."""
        return self.signed_in(self.database.accounts.sign_up(email, confirmed=confirmed))

    def signed_in(self, user_id: str) -> User:
        return self.with_token(self.api.user_token(user_id), user_id)

    def with_token(self, token: str, user_id: str | None = None) -> User:
        return User(url=self.api.url, key=self.api.publishable_key, token=token, user_id=user_id)


@pytest.fixture
def people(database: Database, api: SupabaseApi) -> People:
    return People(database=database, api=api)


def has_access(app: App, user: User, slug: str) -> Answer:
    return app.ask(user, "rpc", name="has_access", args={"slug": slug})


def claim_purchases(app: App, user: User) -> Answer:
    return app.ask(user, "rpc", name="claim_purchases")


def purchases(app: App, user: User) -> Answer:
    return app.ask(user, "select", table="purchases")
