"""Auth stores addresses in lower case; an import by SQL may not have."""

from __future__ import annotations

import uuid

import pytest

from devtools.accounts import INSTANCE_ID
from tests.support.database import Database
from tests.support.shopify import COURSE, order


def imported(database: Database, email: str, *, confirmed: bool = True) -> str:
    user_id = str(uuid.uuid4())
    with database.connect("supabase_auth_admin") as auth:
        auth.execute(
            "insert into auth.users (instance_id, id, email, email_confirmed_at)"
            " values (%s, %s, %s, %s)",
            [INSTANCE_ID, user_id, email, "now" if confirmed else None],
        )
    return user_id


def owner(database: Database) -> str | None:
    [row] = database.purchases(1)
    return str(row["user_id"]) if row["user_id"] else None


def test_an_order_is_linked_to_it(database: Database) -> None:
    ada = imported(database, "Ada@Example.com")
    database.record_orders(order(1, COURSE))

    assert owner(database) == ada
    assert database.accounts.has_access(ada, COURSE)


def test_its_import_links_what_was_bought_before(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    ada = imported(database, "Ada@Example.com")

    assert owner(database) == ada


def test_its_confirmation_links_what_was_bought_before(database: Database) -> None:
    ada = imported(database, "Ada@Example.com", confirmed=False)
    database.record_orders(order(1, COURSE))
    assert owner(database) is None

    database.accounts.confirm(ada)
    assert owner(database) == ada


def test_it_claims_what_was_missed(database: Database) -> None:
    ada = imported(database, "Ada@Example.com")
    database.record_orders(order(1, COURSE))
    database.execute("update public.purchases set user_id = null")

    assert database.accounts.claim_purchases(ada) == 1
    assert owner(database) == ada


@pytest.mark.parametrize("first", ["Ada@Example.com", "ada@example.com"])
def test_of_two_that_differ_in_case_the_exact_one_gets_the_order(
    database: Database, first: str
) -> None:
    second = {"Ada@Example.com": "ada@example.com", "ada@example.com": "Ada@Example.com"}[first]
    users = {address: imported(database, address) for address in (first, second)}
    database.record_orders(order(1, COURSE))

    assert owner(database) == users["ada@example.com"]
    assert database.accounts.claim_purchases(users["Ada@Example.com"]) == 0


def test_an_account_of_the_exact_address_that_is_not_confirmed_hides_no_other(
    database: Database,
) -> None:
    imported(database, "ada@example.com", confirmed=False)
    ada = imported(database, "ADA@example.com")
    database.record_orders(order(1, COURSE))

    assert owner(database) == ada


def test_of_two_without_an_exact_one_the_same_gets_every_order(database: Database) -> None:
    users = {imported(database, each) for each in ("Ada@example.com", "ADA@example.com")}
    database.record_orders(*(order(n, COURSE) for n in range(1, 4)))

    owners = {str(row["user_id"]) for row in database.purchases()}
    assert len(owners) == 1
    assert owners <= users
