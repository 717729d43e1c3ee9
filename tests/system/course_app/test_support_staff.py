"""Support staff, and those who pretend to be: what the API lets them do, by Supabase's clients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import supabase_api
from tests.support.database import Database
from tests.support.shopify import COURSE, order
from tests.support.staff import LIES, SUPPORT, VIEWER, WITHOUT_SECOND_FACTOR
from tests.system.course_app.apps import App, User
from tests.system.course_app.conftest import People, has_access
from tests.system.course_app.test_what_is_refused import (
    MISSING_PRIVILEGE,
    NO_ID,
    OF_THE_SERVICE,
)

ADA = "ada@example.com"


@pytest.fixture
def sue(database: Database) -> str:
    database.record_orders(order(1, COURSE))
    return database.accounts.sign_up("sue@example.com")


def signed_in(people: People, user_id: str | None, claims: dict[str, Any]) -> User:
    """With a token that Supabase Auth signed, whatever it says."""
    named = {} if user_id is None else {"sub": user_id}
    token = supabase_api.token("authenticated", aud="authenticated", **{**named, **claims})
    return people.with_token(token, user_id)


def codes(app: App, user: User, database: Database) -> dict[str, str | None]:
    """What this user is answered by each function that is guarded inside."""
    rows = database.rows(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        " and has_function_privilege('authenticated', oid, 'execute')"
        " and has_function_privilege('service_role', oid, 'execute') order by 1"
    )
    names = [row["proname"] for row in rows]
    assert {"grant_access", "transfer_order"} <= set(names)
    return {name: app.ask(user, "rpc", name=name, args=OF_THE_SERVICE[name]).code for name in names}


REFUSED = {
    **{f"by {name}": claims for name, claims in LIES.items()},
    **{f"with {name}": claims for name, claims in WITHOUT_SECOND_FACTOR.items()},
    "who may only look": VIEWER,
}

FOR_LOOKING = {"customer_timeline"}


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED)
def test_nobody_else_acts(
    app: App, people: People, database: Database, sue: str, claims: dict[str, Any]
) -> None:
    before = database.purchases()
    answered = codes(app, signed_in(people, sue, claims), database)

    if claims == VIEWER:
        answered = {name: code for name, code in answered.items() if name not in FOR_LOOKING}
    assert set(answered.values()) == {MISSING_PRIVILEGE}
    assert database.purchases() == before
    looked = "select count(*) from thetis.audit_log where action <> 'show'"
    assert database.value(looked) == 0


@pytest.mark.parametrize("user_id", [NO_ID, "", None], ids=["unknown", "empty", "none"])
def test_no_token_without_an_account_acts(
    app: App, people: People, database: Database, sue: str, user_id: str | None
) -> None:
    answered = codes(app, signed_in(people, user_id, SUPPORT), database)

    assert set(answered.values()) == {MISSING_PRIVILEGE}


def test_no_token_outlives_its_staff_account(
    app: App, people: People, database: Database, sue: str
) -> None:
    database.accounts.delete(sue)

    answered = codes(app, signed_in(people, sue, SUPPORT), database)
    assert set(answered.values()) == {MISSING_PRIVILEGE}


def test_support_staff_act_and_the_log_names_their_account(
    app: App, people: People, database: Database, sue: str
) -> None:
    ada = people.sign_up(ADA)
    staff = signed_in(people, sue, SUPPORT)
    assert has_access(app, ada, COURSE).data is True
    args = {"order_name": "1", "address": "grace@example.com", "reason": "a present"}

    answer = app.ask(staff, "rpc", name="transfer_order", args={**args, "operator": "eve"})

    assert answer.data["outcome"] == "done"
    assert has_access(app, ada, COURSE).data is False
    assert database.value("select operator from thetis.audit_log") == sue


def test_staff_without_their_second_factor_are_told_so(
    app: App, people: People, database: Database, sue: str
) -> None:
    staff = signed_in(people, sue, WITHOUT_SECOND_FACTOR["aal1"])
    args = OF_THE_SERVICE["grant_access"]

    assert app.ask(staff, "rpc", name="grant_access", args=args).message == (
        "sign in with a second factor first"
    )
    database.call("require_second_factor", False, "no phones yet", "sue")
    assert app.ask(staff, "rpc", name="grant_access", args=args).data["outcome"] == "done"
