"""A purchase and its buyer's account that come, change or go at the same moment find each other."""

from __future__ import annotations

import json
from typing import LiteralString

import pytest

from tests.support.database import Connection, Database
from tests.support.sessions import (
    background,
    record_orders,
    record_refunds,
    session,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, SPLINT, order, refund

AUTH = "supabase_auth_admin"

INSERT: LiteralString = (
    "insert into auth.users (id, email) values (gen_random_uuid(), %s) returning id"
)
CONFIRM: LiteralString = "update auth.users set email_confirmed_at = now() where id = %s"


def sign_up(auth: Connection, email: str = "ada@example.com") -> str:
    """A whole sign-up of Supabase Auth: the deferred trigger runs as it commits."""
    with auth.transaction():
        return add_user(auth, email)


def begin_sign_up(auth: Connection, email: str = "ada@example.com") -> str:
    """A sign-up that is about to commit: its deferred trigger has run already."""
    user_id = add_user(auth, email)
    auth.execute("set constraints all immediate")
    return user_id


def add_user(auth: Connection, email: str) -> str:
    [row] = auth.execute(INSERT, [email]).fetchall()
    auth.execute(CONFIRM, [row["id"]])
    return str(row["id"])


def claim_purchases(api: Connection, user_id: str) -> int:
    """As PostgREST calls it for a signed-in user, inside a transaction of the caller."""
    claims = json.dumps({"sub": user_id, "role": "authenticated"})
    api.execute("set local role authenticated")
    api.execute("select set_config('request.jwt.claims', %s, true)", [claims])
    [row] = api.execute("select public.claim_purchases() as claimed").fetchall()
    return int(row["claimed"])


def owner(database: Database, order_id: int = 1) -> str | None:
    [row] = database.purchases(order_id)
    return str(row["user_id"]) if row["user_id"] else None


def test_a_sign_up_waits_for_a_purchase_and_finds_it(database: Database) -> None:
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE))
            signed_up = run(sign_up, auth)
            wait_until_blocked(database, auth)
        ada = signed_up.result()

    assert owner(database) == ada


def test_a_purchase_waits_for_a_sign_up_and_finds_it(database: Database) -> None:
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with auth.transaction():
            ada = begin_sign_up(auth)
            recorded = run(record_orders, shop, order(1, COURSE))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    assert owner(database) == ada
    assert database.notifications(1)["course_access"]["payload"]["has_account"] is True


def test_a_purchase_waits_for_a_sign_up_that_fails_and_stays_nobodys(database: Database) -> None:
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with auth.transaction(force_rollback=True):
            begin_sign_up(auth)
            recorded = run(record_orders, shop, order(1, COURSE))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    assert owner(database) is None


def test_people_with_other_addresses_do_not_wait(database: Database) -> None:
    with session(database) as shop, session(database, AUTH) as auth, auth.transaction():
        begin_sign_up(auth, "bob@example.com")
        assert record_orders(shop, order(1, COURSE)) == ["recorded"]


def test_claiming_waits_for_a_purchase_and_finds_it(database: Database) -> None:
    """The account was confirmed unseen, as after a failed trigger, when the order came."""
    ada = database.accounts.sign_up("ada@example.com", confirmed=False)

    def claim(api: Connection) -> int:
        with api.transaction():
            return claim_purchases(api, ada)

    with session(database) as shop, session(database, "authenticator") as api, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE))
            confirm_behind_the_triggers_back(database, ada)
            claimed = run(claim, api)
            wait_until_blocked(database, api)
        assert claimed.result() == 1

    assert owner(database) == ada


def confirm_behind_the_triggers_back(database: Database, user_id: str) -> None:
    with session(database, "supabase_admin") as admin, admin.transaction():
        admin.execute("set local session_replication_role = replica")
        admin.execute(CONFIRM, [user_id])


def test_a_purchase_waits_for_claiming_and_is_linked_at_once(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    with session(database) as shop, session(database, "authenticator") as api, background() as run:
        with api.transaction():
            assert claim_purchases(api, ada) == 0
            recorded = run(record_orders, shop, order(1, COURSE))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    assert owner(database) == ada


def test_a_refund_waits_for_the_sign_up_of_its_buyer(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT), order(2, COURSE, SPLINT))
    parts = (refund(6, 2, **{COURSE: 1}), refund(5, 1, **{SPLINT: 1}))
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with auth.transaction():
            ada = begin_sign_up(auth)
            refunded = run(record_refunds, shop, *parts)
            wait_until_blocked(database, shop)
            assert waits_for(database, shop) == "advisory"
        assert refunded.result() == ["recorded"] * 2

    assert {str(row["user_id"]) for row in database.purchases()} == {ada}
    assert (
        sorted(row["status"] for row in database.purchases()) == ["active"] * 2 + ["refunded"] * 2
    )


def waits_for(database: Database, connection: Connection) -> str:
    query = "select wait_event from pg_stat_activity where pid = %s"
    return str(database.value(query, connection.info.backend_pid))


def test_a_batch_and_the_deletion_of_an_account_do_not_deadlock(database: Database) -> None:
    """The account owns a purchase of the first order, and its address bought in the second."""
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    corrected = order(1, COURSE, email="grace@example.com", updated_at="2999-01-01T00:00:00Z")
    with (
        session(database) as holder,
        session(database) as shop,
        session(database, AUTH) as auth,
        background() as run,
        background() as run_beside,
    ):
        with holder.transaction():
            holder.execute("select from public.purchases for update")
            recorded = run(record_orders, shop, corrected, order(2, COURSE))
            wait_until_blocked(database, shop)
            deleted = run_beside(auth.execute, "delete from auth.users where id = %s", [ada])
            wait_until_blocked(database, auth)
        assert recorded.result() == ["recorded", "recorded"]
        deleted.result()

    assert owner(database, 1) is owner(database, 2) is None


def test_a_correction_waits_for_the_sign_up_of_the_address_before(database: Database) -> None:
    database.record_orders(order(1, COURSE, email="typo@example.com"))
    corrected = order(1, COURSE, updated_at="2999-01-01T00:00:00Z")
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with auth.transaction():
            first = begin_sign_up(auth, "typo@example.com")
            recorded = run(record_orders, shop, corrected)
            wait_until_blocked(database, shop)
            assert waits_for(database, shop) == "advisory"
        assert recorded.result() == ["recorded"]

    assert owner(database) == first


def test_the_sign_up_of_the_address_before_waits_for_the_correction(database: Database) -> None:
    database.record_orders(order(1, COURSE, email="typo@example.com"))
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE, updated_at="2999-01-01T00:00:00Z"))
            other = run(sign_up, auth, "typo@example.com")
            wait_until_blocked(database, auth)
        other.result()

    assert owner(database) is None


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_purchase_waits_for_the_deletion_of_its_owners_account(
    database: Database, *, is_kept: bool
) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with auth.transaction(force_rollback=is_kept):
            auth.execute("delete from auth.users where id = %s", [ada])
            recorded = run(record_orders, shop, order(1, COURSE))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    assert owner(database) == (ada if is_kept else None)


def test_the_deletion_of_an_account_waits_for_its_purchase(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE))
            deleted = run(auth.execute, "delete from auth.users where id = %s", [ada])
            wait_until_blocked(database, auth)
        deleted.result()

    assert owner(database) is None
    assert [row["status"] for row in database.purchases()] == ["active"]


def test_addresses_are_locked_in_one_order_however_they_are_given(database: Database) -> None:
    """The array waits for the first lock and holds none of the others yet."""
    numbered = (
        "select email, mod(abs(hashtext(email)::bigint), 1024) as number"
        " from unnest(%s::text[]) as email order by number"
    )
    addresses = [f"person{n}@example.com" for n in range(40)]
    first, *others = [row["email"] for row in database.rows(numbered, addresses)]
    lock: LiteralString = "select thetis.lock_emails(%s::text[])"
    with (
        session(database) as one,
        session(database) as two,
        session(database) as three,
        background() as run,
    ):
        with one.transaction():
            one.execute(lock, [[first]])
            orders = (order(n, COURSE, email=email) for n, email in enumerate(addresses, start=1))
            recorded = run(record_orders, two, *orders)
            wait_until_blocked(database, two)
            three.execute("set lock_timeout = '2s'")
            three.execute(lock, [others])
        assert recorded.result() == ["recorded"] * 40


def test_a_batch_of_any_size_needs_a_bounded_number_of_locks(database: Database) -> None:
    with session(database) as shop, shop.transaction():
        shop.execute(
            "select thetis.lock_emails(array("
            "select n || '@example.com' from generate_series(1, 20000) as n))"
        )
        held = "select count(*) as locks from pg_locks where locktype = 'advisory'"
        [row] = shop.execute(held).fetchall()

    assert row["locks"] <= 1024
