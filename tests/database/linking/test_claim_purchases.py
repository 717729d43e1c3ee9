from __future__ import annotations

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, order


def missed(database: Database) -> str:
    """A user whose purchases the trigger failed to link."""
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE), order(2, PREMIUM))
    database.record_orders(order(3, COURSE, email="bob@example.com"))
    database.execute("update public.purchases set user_id = null")
    return ada


def test_it_repairs_what_linking_missed_and_says_how_many(database: Database) -> None:
    ada = missed(database)

    assert database.accounts.claim_purchases(ada) == 2
    assert database.accounts.has_access(ada, COURSE)
    assert [row["user_id"] for row in database.purchases(3)] == [None]


def test_calling_it_again_changes_nothing(database: Database) -> None:
    ada = missed(database)
    database.accounts.claim_purchases(ada)
    before = database.purchases()

    assert database.accounts.claim_purchases(ada) == 0
    assert database.purchases() == before


def test_it_never_takes_what_somebody_owns(database: Database) -> None:
    ada = missed(database)
    bob = database.accounts.sign_up("bob@example.com")
    database.execute("update public.purchases set user_id = %s", bob)

    assert database.accounts.claim_purchases(ada) == 0
    assert {str(row["user_id"]) for row in database.purchases()} == {bob}


def test_a_token_that_outlives_its_account_claims_nothing(database: Database) -> None:
    ada = missed(database)
    database.execute("delete from auth.users where id = %s", ada)

    assert database.accounts.claim_purchases(ada) == 0


def test_a_token_without_a_user_claims_nothing(database: Database) -> None:
    missed(database)
    with database.as_role("authenticated") as nobody:
        rows = nobody.execute("select public.claim_purchases() as claimed").fetchall()

    assert rows == [{"claimed": 0}]
    assert {row["user_id"] for row in database.purchases()} == {None}
