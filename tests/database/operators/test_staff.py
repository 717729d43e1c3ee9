"""Who may act for the shop through the API. Whatever a signed-in user may call, but for the two
functions of every customer, lets in support staff alone: the list is read from the catalogue.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.database.operators.support import ADA, act, audited
from tests.support.database import Connection, Database
from tests.support.deletion import mark_as_deleted
from tests.support.functions import Function, arguments, functions
from tests.support.staff import LIES, SUPPORT, VIEWER, WITHOUT_SECOND_FACTOR

OF_EVERY_CUSTOMER = {
    "has_access",
    "claim_purchases",
    "request_claim_code",
    "redeem_claim_code",
    "list_proven_addresses",
    "remove_proven_address",
}

FOR_LOOKING = {"customer_timeline"}
"""What a support_viewer may call too."""

NOT_STAFF, NO_SECOND_FACTOR = "only support staff may do this", "sign in with a second factor first"

SLUG = "standard_course"


@pytest.fixture
def sue(database: Database) -> str:
    return database.accounts.sign_up("sue@example.com")


def guarded(database: Database) -> list[Function]:
    return [
        function
        for function in functions(database)
        if function.schema == "public"
        and "authenticated" in function.callers
        and function.name not in OF_EVERY_CUSTOMER
    ]


def answers(database: Database, connection: Connection) -> dict[str, str | None]:
    """What keeps this caller from each of the guarded functions; of who is let in, None."""
    return {each.name: _refusal(connection, each) for each in guarded(database)}


def _refusal(connection: Connection, function: Function) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            function.call(connection, dict.fromkeys(function.arguments))
    except psycopg.errors.InsufficientPrivilege as error:
        return error.diag.message_primary
    except psycopg.Error:
        return None  # it got as far as the arguments, which are none
    return None


def all_of(database: Database, answer: str | None) -> dict[str, str | None]:
    return {each.name: answer for each in guarded(database)}


@contextmanager
def somebody(database: Database, user_id: str, claims: dict[str, Any]) -> Iterator[Connection]:
    with database.accounts.as_user(user_id, **claims) as connection:
        yield connection


def test_the_list_is_not_empty(database: Database) -> None:
    assert {each.name for each in guarded(database)} >= {
        "extend_purchase",
        "grant_access",
        "resend_notification",
        "restore_purchase",
        "revoke_purchase",
        "transfer_order",
        "transfer_purchase",
    }


def test_support_staff_may_call_all_of_them(database: Database, sue: str) -> None:
    with somebody(database, sue, SUPPORT) as staff:
        assert answers(database, staff) == all_of(database, None)


def test_who_may_only_look_writes_nothing(database: Database, sue: str) -> None:
    with somebody(database, sue, VIEWER) as staff:
        refused = {name for name, answer in answers(database, staff).items() if answer}

    assert refused == {each.name for each in guarded(database)} - FOR_LOOKING


@pytest.mark.parametrize("claims", LIES.values(), ids=LIES)
def test_nobody_is_staff_by_anything_else(
    database: Database, sue: str, claims: dict[str, Any]
) -> None:
    with somebody(database, sue, claims) as customer:
        assert answers(database, customer) == all_of(database, NOT_STAFF)


@pytest.mark.parametrize("claims", WITHOUT_SECOND_FACTOR.values(), ids=WITHOUT_SECOND_FACTOR)
def test_staff_need_their_second_factor(
    database: Database, sue: str, claims: dict[str, Any]
) -> None:
    with somebody(database, sue, claims) as staff:
        assert answers(database, staff) == all_of(database, NO_SECOND_FACTOR)


@pytest.mark.parametrize("claims", WITHOUT_SECOND_FACTOR.values(), ids=WITHOUT_SECOND_FACTOR)
def test_one_factor_suffices_where_the_shop_says_so(
    database: Database, sue: str, claims: dict[str, Any]
) -> None:
    with database.as_role("service_role") as service:
        service.execute("select public.require_second_factor(false, 'no phones yet', 'sue')")

    with somebody(database, sue, claims) as staff:
        assert answers(database, staff) == all_of(database, None)
    with somebody(database, sue, {}) as customer:
        assert answers(database, customer) == all_of(database, NOT_STAFF)
    [row] = audited(database)
    assert (row["action"], row["before"], row["after"]) == (
        "configure",
        {"needs_second_factor": True},
        {"needs_second_factor": False},
    )


@pytest.mark.parametrize("deletion", ["deleted", "marked"])
def test_a_token_that_outlives_the_staff_account_is_worth_nothing(
    database: Database, sue: str, deletion: str
) -> None:
    if deletion == "deleted":
        database.accounts.delete(sue)
    else:
        mark_as_deleted(database, sue)

    with somebody(database, sue, SUPPORT) as former:
        assert answers(database, former) == all_of(database, NOT_STAFF)


@pytest.mark.parametrize(("until", "answer"), [("1 hour", NOT_STAFF), ("-1 hour", None)])
def test_a_token_of_staff_who_are_banned_is_worth_nothing(
    database: Database, sue: str, until: str, answer: str | None
) -> None:
    database.execute(
        "update auth.users set banned_until = now() + %s::interval where id = %s", until, sue
    )

    with somebody(database, sue, SUPPORT) as staff:
        assert answers(database, staff) == all_of(database, answer)


@pytest.mark.parametrize("user_id", [str(uuid.UUID(int=7)), "", "sue@example.com", None, ["sue"]])
def test_a_token_without_an_account_is_worth_nothing(
    database: Database, user_id: str | None
) -> None:
    with somebody(database, "", {**SUPPORT, "sub": user_id}) as nobody:
        assert answers(database, nobody) == all_of(database, NOT_STAFF)


@pytest.mark.parametrize("claims", ["", "null", "[]", '"support"', "7"])
def test_a_session_without_claims_is_worth_nothing(database: Database, claims: str) -> None:
    with database.as_role("authenticated") as nobody:
        nobody.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        assert answers(database, nobody) == all_of(database, NOT_STAFF)


def test_whoever_has_not_signed_in_may_not_even_call_them(database: Database, sue: str) -> None:
    """Whatever the token says beside its role."""
    with database.as_role("anon") as visitor:
        claims = '{"sub": "%s", "role": "anon", "aal": "aal2", "app_metadata": {"role": "support"}}'
        visitor.execute("select set_config('request.jwt.claims', %s, true)", [claims % sue])
        answered = answers(database, visitor)

    assert answered == {
        name: f"permission denied for function {name}" for name in all_of(database, None)
    }


def test_of_what_staff_do_the_log_names_their_account_whoever_they_say_they_are(
    database: Database, sue: str
) -> None:
    values = {**arguments(database), "slug": SLUG, "grant_id": str(uuid.uuid4())}
    written = {}
    for function in guarded(database):
        before = len(audited(database))
        with somebody(database, sue, SUPPORT) as staff:
            function.call(staff, {**values, "operator": "somebody else"})
        written[function.name] = {row["operator"] for row in audited(database)[before:]}

    # nothing to restore yet, and so nothing to write down
    assert written.pop("restore_purchase") == set()
    assert written == {name: {sue} for name in written}


def test_the_service_says_who_it_acts_for(database: Database) -> None:
    """Whoever holds its key is believed."""
    act(database, "grant_access", slug=SLUG, recipient=ADA, operator=" sue ")

    assert audited(database)[-1]["operator"] == "sue"


@pytest.mark.parametrize("claims", [{}, VIEWER, SUPPORT], ids=["customer", "viewer", "support"])
def test_staff_have_access_to_nothing_that_is_not_theirs(
    database: Database, sue: str, claims: dict[str, Any]
) -> None:
    act(database, "grant_access", slug=SLUG, recipient=ADA)

    with somebody(database, sue, claims) as staff:
        [seen] = staff.execute("select count(*) as rows from public.purchases").fetchall()

    assert seen["rows"] == 0
    assert not database.accounts.has_access(sue, SLUG)
