"""Codes asked for or typed in at the same moment, beside orders, sign-ups and deletions."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pytest

from tests.support.claims import (
    ASK,
    REDEEM,
    REMOVE,
    note,
    other_than,
    prove,
    request_code,
    written_code,
)
from tests.support.database import Connection, Database, Row
from tests.support.sessions import background, record_orders, session, wait_until_blocked
from tests.support.shopify import COURSE, order

OLD = "ada.old@example.com"


@pytest.fixture
def ada(database: Database) -> str:
    return database.accounts.sign_up("ada@example.com")


def act(api: Connection, user_id: str, query: str, value: str) -> Row:
    """As PostgREST calls it for a signed-in user, inside a transaction of the caller."""
    claims = json.dumps({"sub": user_id, "role": "authenticated"})
    api.execute("set local role authenticated")
    api.execute("select set_config('request.jwt.claims', %s, true)", [claims])
    [row] = api.execute(query.encode(), [value]).fetchall()
    return row


def whole(api: Connection, user_id: str, query: str, value: str) -> Row:
    with api.transaction():
        return act(api, user_id, query, value)


def owner(database: Database) -> str | None:
    [row] = database.purchases(1)
    return str(row["user_id"]) if row["user_id"] else None


def test_a_code_that_is_typed_in_twice_at_once_is_good_once(database: Database, ada: str) -> None:
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    note(database, ada, code)
    with (
        session(database, "authenticator") as one,
        session(database, "authenticator") as two,
        background() as run,
    ):
        with one.transaction():
            first = act(one, ada, REDEEM, code)
            second = run(whole, two, ada, REDEEM, code)
            wait_until_blocked(database, two)
        assert (first["outcome"], second.result()["outcome"]) == ("proven", "refused")

    assert database.value("select count(*) from thetis.proven_addresses") == 1


def test_guesses_at_once_are_counted_one_by_one(database: Database, ada: str) -> None:
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    database.execute("update thetis.claim_codes set attempts = 3")
    with (
        session(database, "authenticator") as one,
        session(database, "authenticator") as two,
        background() as run,
    ):
        with one.transaction():
            act(one, ada, REDEEM, other_than(code))
            second = run(whole, two, ada, REDEEM, other_than(other_than(code)))
            wait_until_blocked(database, two)
        assert second.result()["outcome"] == "noted"

    assert database.value("select attempts from thetis.claim_codes") == 5
    assert note(database, ada, code)["outcome"] == "refused"
    assert database.value("select code_hash is null from thetis.claim_codes")


def test_two_who_ask_at_once_for_the_last_code_of_an_address_get_one(database: Database) -> None:
    users = [database.accounts.sign_up(f"user{number}@example.com") for number in range(4)]
    for user in users[:2]:
        request_code(database, user, OLD)
    with (
        session(database, "authenticator") as one,
        session(database, "authenticator") as two,
        background() as run,
    ):
        with one.transaction():
            act(one, users[2], ASK, OLD)
            second = run(whole, two, users[3], ASK, OLD)
            wait_until_blocked(database, two)
        with pytest.raises(psycopg.Error) as caught:
            second.result()
    assert caught.value.diag.sqlstate == "TH008"


def test_a_user_who_asks_twice_at_once_gets_one_code(database: Database, ada: str) -> None:
    with (
        session(database, "authenticator") as one,
        session(database, "authenticator") as two,
        background() as run,
    ):
        with one.transaction():
            act(one, ada, ASK, OLD)
            second = run(whole, two, ada, ASK, "other@example.com")
            wait_until_blocked(database, two)
        with pytest.raises(psycopg.Error) as caught:
            second.result()
    assert caught.value.diag.sqlstate == "TH008"
    assert database.value("select count(*) from thetis.claim_codes") == 1


def test_proving_waits_for_a_purchase_and_finds_it(database: Database, ada: str) -> None:
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    note(database, ada, code)
    with session(database) as shop, session(database, "authenticator") as api, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE, email=OLD))
            proven = run(whole, api, ada, REDEEM, code)
            wait_until_blocked(database, api)
        assert proven.result()["linked"] == 1

    assert owner(database) == ada


@pytest.mark.parametrize("is_removal", [False, True], ids=["proving", "removing"])
def test_a_purchase_waits_for_what_is_done_about_its_address(
    database: Database, ada: str, *, is_removal: bool
) -> None:
    if is_removal:
        prove(database, ada, OLD)
        query, value = REMOVE, OLD
    else:
        request_code(database, ada, OLD)
        query, value = REDEEM, written_code(database, OLD)
        note(database, ada, value)
    with session(database) as shop, session(database, "authenticator") as api, background() as run:
        with api.transaction():
            act(api, ada, query, value)
            recorded = run(record_orders, shop, order(1, COURSE, email=OLD))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    assert owner(database) == (None if is_removal else ada)


def test_a_sign_up_with_the_address_waits_for_its_removal_and_finds_the_purchase(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    with session(database, "authenticator") as api, background() as run:
        with api.transaction():
            act(api, ada, REMOVE, OLD)
            signed_up = run(database.accounts.sign_up, OLD)
            wait_until_any_is_blocked(database)
        eve = signed_up.result()
        assert owner(database) == eve


def wait_until_any_is_blocked(database: Database) -> None:
    with database.connect() as waiter:
        [row] = waiter.execute(
            "select pid from pg_stat_activity where datname = current_database()"
            " and usename = 'supabase_admin' and pid <> pg_backend_pid() limit 1"
        ).fetchall() or [{"pid": None}]
    assert row["pid"]
    deadline = 500
    while not database.value("select pg_blocking_pids(%s)", row["pid"]):
        deadline -= 1
        assert deadline, "nothing held it up"


def _redeem_then(database: Database, ada: str, forget: Callable[[Connection], None]) -> str:
    """What the code came to while that was going on."""
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    note(database, ada, code)
    with session(database) as one, session(database, "authenticator") as api, background() as run:
        with one.transaction():
            forget(one)
            answer = run(whole, api, ada, REDEEM, code)
            wait_until_blocked(database, api)
        return str(answer.result()["outcome"])


def test_a_code_typed_in_while_its_address_is_forgotten_is_refused(
    database: Database, ada: str
) -> None:
    def forget(connection: Connection) -> None:
        connection.execute("set local role service_role")
        connection.execute("select public.forget_customer(%s, 'asked', 'sue')", [OLD])

    assert _redeem_then(database, ada, forget) == "refused"
    assert database.value("select count(*) from thetis.proven_addresses") == 0


def test_a_code_typed_in_while_the_account_is_deleted_proves_nothing(
    database: Database, ada: str
) -> None:
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    note(database, ada, code)
    with (
        session(database, "supabase_auth_admin") as auth,
        session(database, "authenticator") as api,
        background() as run,
    ):
        with auth.transaction():
            auth.execute("delete from auth.users where id = %s", [ada])
            answer = run(whole, api, ada, REDEEM, code)
            wait_until_blocked(database, api)
        with pytest.raises(psycopg.Error) as caught:
            answer.result()

    assert caught.value.diag.sqlstate == "TH005"
    assert database.value("select count(*) from thetis.proven_addresses") == 0


def test_an_account_is_deleted_while_its_code_is_typed_in(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    note(database, ada, code)
    with session(database, "authenticator") as api, background() as run:
        with api.transaction():
            assert act(api, ada, REDEEM, code)["linked"] == 1
            deleted = run(database.accounts.delete, ada)
            wait_until_any_is_blocked(database)
        deleted.result()

    assert owner(database) is None
    assert database.value("select count(*) from thetis.proven_addresses") == 0


def test_a_worker_does_not_wait_for_a_code_that_is_being_replaced(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    request_code(database, ada, OLD)
    code = written_code(database, OLD)
    note(database, ada, code)
    with session(database, "authenticator") as api, api.transaction():
        act(api, ada, REDEEM, code)
        assert {each["kind"] for each in database.claim("resend")} == {"course_access"}
