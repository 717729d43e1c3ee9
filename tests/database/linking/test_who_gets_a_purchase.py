"""A purchase becomes the user's once they have proven its address, and never before."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.database import Connection, Database
from tests.support.shopify import COURSE, PREMIUM, order


@contextmanager
def auth(database: Database) -> Iterator[Connection]:
    """A transaction of Supabase Auth."""
    with database.connect("supabase_auth_admin") as connection, connection.transaction():
        yield connection


def add_user(connection: Connection, email: str | None, **fields: Any) -> str:
    """A row as it is at the end of a sign-up."""
    row = {"id": str(uuid.uuid4()), "email": email, **fields}
    query = f"insert into auth.users ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})"
    connection.execute(query, list(row.values()))
    return str(row["id"])


def owner(database: Database, order_id: int = 1) -> str | None:
    [row] = database.purchases(order_id)
    return str(row["user_id"]) if row["user_id"] else None


def test_signing_up_links_what_was_bought_before(database: Database) -> None:
    database.record_orders(
        order(1, COURSE), order(2, PREMIUM), order(3, COURSE, email="bob@example.com")
    )
    ada = database.accounts.sign_up("ada@example.com")

    assert owner(database, 1) == owner(database, 2) == ada
    assert owner(database, 3) is None
    assert database.accounts.has_access(ada, COURSE)


def test_what_is_bought_after_signing_up_is_linked_at_once(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, email="ADA@example.com "))

    assert owner(database) == ada


def test_an_unconfirmed_address_gets_nothing_until_it_is_confirmed(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    ada = database.accounts.sign_up("ada@example.com", confirmed=False)
    database.record_orders(order(2, COURSE))
    assert database.accounts.claim_purchases(ada) == 0
    assert owner(database, 1) is owner(database, 2) is None

    database.accounts.confirm(ada)
    assert owner(database, 1) == owner(database, 2) == ada


def test_a_confirmed_phone_proves_no_address(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    with auth(database) as connection:
        ada = add_user(connection, "ada@example.com", phone="15550100")
        connection.execute("update auth.users set phone_confirmed_at = now() where id = %s", [ada])
    database.record_orders(order(2, COURSE))

    assert database.accounts.claim_purchases(ada) == 0
    assert owner(database, 1) is owner(database, 2) is None


def test_a_user_without_an_address_gets_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    with auth(database) as connection:
        nobody = add_user(connection, None, email_confirmed_at="now")

    assert database.accounts.claim_purchases(nobody) == 0
    assert owner(database) is None


def test_a_single_sign_on_user_gets_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    with auth(database) as connection:
        sso = add_user(connection, "ada@example.com", is_sso_user=True, email_confirmed_at="now")
    database.record_orders(order(2, COURSE))

    assert database.accounts.claim_purchases(sso) == 0
    assert owner(database, 1) is owner(database, 2) is None


def test_single_sign_on_users_do_not_hide_the_one_to_whom_the_address_belongs(
    database: Database,
) -> None:
    with auth(database) as connection:
        for _ in range(2):
            add_user(connection, "ada@example.com", is_sso_user=True, email_confirmed_at="now")
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))

    assert owner(database) == ada


def test_a_user_marked_as_deleted_gets_nothing(database: Database) -> None:
    with auth(database) as connection:
        add_user(connection, "ada@example.com", email_confirmed_at="now", deleted_at="now")
    database.record_orders(order(1, COURSE))

    assert owner(database) is None


def test_an_account_marked_as_deleted_leaves_its_purchases_to_the_next(database: Database) -> None:
    """Supabase Auth keeps the row of a "soft" deletion, without its address."""
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    with auth(database) as connection:
        connection.execute(
            "update auth.users set email = md5(email), deleted_at = now() where id = %s", [ada]
        )
    assert owner(database) is None

    again = database.accounts.sign_up("ada@example.com")

    assert owner(database) == again


def test_a_purchase_without_an_address_is_nobodys(database: Database) -> None:
    """The old enrollments table may have left such rows."""
    database.execute(
        "insert into public.purchases (product_slug, shopify_customer_email) values (%s, '')",
        COURSE,
    )
    with auth(database) as connection:
        nobody = add_user(connection, "", email_confirmed_at="now")

    assert database.accounts.claim_purchases(nobody) == 0
    assert database.value("select user_id from public.purchases") is None


def test_unlinking_an_identity_gives_nothing_to_an_address_not_proven(database: Database) -> None:
    """Supabase Auth first writes the other identity's address, then clears the confirmation."""
    database.record_orders(order(1, COURSE, email="victim@example.com"))
    eve = database.accounts.sign_up("eve@example.com")
    with auth(database) as connection:
        connection.execute(
            "update auth.users set email = 'victim@example.com' where id = %s", [eve]
        )
        connection.execute("update auth.users set email_confirmed_at = null where id = %s", [eve])

    assert owner(database) is None
    assert database.accounts.claim_purchases(eve) == 0
    assert not database.accounts.has_access(eve, COURSE)


def test_a_sign_up_that_is_rolled_back_links_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    with (
        database.connect("supabase_auth_admin") as connection,
        connection.transaction(force_rollback=True),
    ):
        add_user(connection, "ada@example.com", email_confirmed_at="now")

    assert owner(database) is None


def test_changing_the_address_keeps_the_old_purchases_and_links_the_new(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, PREMIUM, email="new@example.com"))
    ada = database.accounts.sign_up("ada@example.com")
    with auth(database) as connection:
        connection.execute("update auth.users set email = 'new@example.com' where id = %s", [ada])

    assert owner(database, 1) == owner(database, 2) == ada


def test_who_takes_over_an_address_does_not_take_over_its_purchases(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    ada = database.accounts.sign_up("ada@example.com")
    with auth(database) as connection:
        connection.execute("update auth.users set email = 'new@example.com' where id = %s", [ada])
    heir = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, tags="vip"), order(2, COURSE))

    assert database.accounts.claim_purchases(heir) == 0
    assert owner(database, 1) == ada
    assert owner(database, 2) == heir


def test_deleting_an_account_keeps_the_purchase_and_a_new_account_gets_it(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    first = database.accounts.sign_up("ada@example.com")
    with auth(database) as connection:
        connection.execute("delete from auth.users where id = %s", [first])
    assert owner(database) is None
    assert [row["status"] for row in database.purchases()] == ["active"]

    second = database.accounts.sign_up("ada@example.com")
    assert owner(database) == second


def test_an_account_that_loses_its_confirmation_keeps_what_it_has(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    ada = database.accounts.sign_up("ada@example.com")
    with auth(database) as connection:
        connection.execute("update auth.users set email_confirmed_at = null where id = %s", [ada])
    database.record_orders(order(2, COURSE))

    assert owner(database, 1) == ada
    assert owner(database, 2) is None


def test_a_later_event_of_the_order_links_what_was_missed(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    database.execute("update public.purchases set user_id = null")

    assert database.record_orders(order(1, COURSE)) == ["recorded"]
    assert owner(database) == ada


def test_signing_in_does_not_touch_purchases(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    before = database.purchases()
    with auth(database) as connection:
        connection.execute("update auth.users set last_sign_in_at = now() where id = %s", [ada])
        connection.execute("update auth.users set email = email where id = %s", [ada])

    assert database.purchases() == before


@pytest.mark.parametrize(
    "email", ["ada@example.com.evil.example", "da@example.com", "%@example.com"]
)
def test_a_similar_address_gets_nothing(database: Database, email: str) -> None:
    database.record_orders(order(1, COURSE))
    database.accounts.sign_up(email)

    assert owner(database) is None
