"""A row that somebody owns keeps the address it was linked by; the order has the correction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.deletion import mark_as_deleted, mark_as_deleted_unseen
from tests.support.shopify import COURSE, PREMIUM, order

TYPO, ADA = "adda@example.com", "ada@example.com"
EARLIER, LATER, LAST = (f"2026-11-20T10:00:0{second}Z" for second in range(3))

DELETIONS: dict[str, Callable[[Database, str], Any]] = {
    "deleted": lambda database, user_id: database.accounts.delete(user_id),
    "marked as deleted": mark_as_deleted,
    "marked as deleted, unseen": mark_as_deleted_unseen,
}


@pytest.fixture
def stranger(database: Database) -> str:
    """Owns the order of a customer who mistyped her address, which was then corrected."""
    user_id = database.accounts.sign_up(TYPO)
    database.record_orders(order(1, COURSE, email=TYPO, updated_at=EARLIER))
    correct(database)
    return user_id


def correct(database: Database, **fields: Any) -> None:
    database.record_orders(order(1, COURSE, **{"email": ADA, "updated_at": LATER, **fields}))


def conflicts(database: Database) -> int:
    [row] = database.call("count_address_conflicts")
    return int(row["count_address_conflicts"])


def stored_order(database: Database) -> dict[str, Any]:
    [row] = database.rows("select * from thetis.orders where shopify_order_id = '1'")
    return row


def row_of(database: Database) -> tuple[str | None, str]:
    [row] = database.purchases(1)
    return row["user_id"] and str(row["user_id"]), row["shopify_customer_email"]


def test_an_owned_row_keeps_its_address_and_the_order_has_the_correction(
    database: Database, stranger: str
) -> None:
    assert row_of(database) == (stranger, TYPO)
    assert stored_order(database)["email"] == ADA
    assert stored_order(database)["has_address_conflict"]
    assert conflicts(database) == 1


def test_the_owner_reads_the_corrected_address_nowhere(database: Database, stranger: str) -> None:
    correct(database, email="ada.king@example.com", updated_at=LAST)
    with database.accounts.as_user(stranger) as user:
        read = [
            *user.execute("select * from public.purchases").fetchall(),
            *user.execute("select * from public.products").fetchall(),
        ]

    assert ADA not in str(read)
    assert "king" not in str(read)  # not a word that the hexadecimal of an id could spell
    assert TYPO in str(read)


def test_a_line_added_after_the_correction_is_not_the_strangers(
    database: Database, stranger: str
) -> None:
    database.record_orders(order(1, COURSE, PREMIUM, email=ADA, updated_at=LAST))

    assert database.accounts.has_access(stranger, COURSE)
    assert not database.accounts.has_access(stranger, PREMIUM)
    ada = database.accounts.sign_up(ADA)
    assert database.accounts.has_access(ada, PREMIUM)
    assert conflicts(database) == 1


def test_a_row_that_nobody_owns_follows_the_correction_without_a_conflict(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE, email=TYPO, updated_at=EARLIER))
    correct(database)

    assert row_of(database) == (None, ADA)
    assert not stored_order(database)["has_address_conflict"]
    assert conflicts(database) == 0


def test_a_correction_that_is_taken_back_ends_the_conflict(
    database: Database, stranger: str
) -> None:
    correct(database, email=TYPO, updated_at=LAST)

    assert row_of(database) == (stranger, TYPO)
    assert not stored_order(database)["has_address_conflict"]
    assert conflicts(database) == 0


@pytest.mark.parametrize("deletion", DELETIONS)
def test_the_corrected_customer_gets_it_at_sign_up_once_the_owner_is_gone(
    database: Database, stranger: str, deletion: str
) -> None:
    DELETIONS[deletion](database, stranger)
    ada = database.accounts.sign_up(ADA)

    assert row_of(database) == (ada, ADA)
    assert database.accounts.has_access(ada, COURSE)
    assert conflicts(database) == 0


@pytest.mark.parametrize("deletion", DELETIONS)
def test_the_corrected_customer_who_has_an_account_claims_it_once_the_owner_is_gone(
    database: Database, stranger: str, deletion: str
) -> None:
    ada = database.accounts.sign_up(ADA)
    assert database.accounts.claim_purchases(ada) == 0
    DELETIONS[deletion](database, stranger)

    assert database.accounts.claim_purchases(ada) == 1
    assert row_of(database) == (ada, ADA)
    assert database.accounts.claim_purchases(ada) == 0


@pytest.mark.parametrize("deletion", DELETIONS)
def test_the_misspelt_address_gets_nothing_when_it_signs_up_again(
    database: Database, stranger: str, deletion: str
) -> None:
    DELETIONS[deletion](database, stranger)
    again = database.accounts.sign_up(TYPO)

    assert database.accounts.claim_purchases(again) == 0
    assert row_of(database) == (None, ADA)
    assert not database.accounts.has_access(again, COURSE)
    assert database.accounts.purchases(again) == []


@pytest.mark.parametrize("deletion", ["deleted", "marked as deleted"])
def test_the_row_takes_the_orders_address_when_its_owner_goes(
    database: Database, stranger: str, deletion: str
) -> None:
    DELETIONS[deletion](database, stranger)

    assert row_of(database) == (None, ADA)
    assert conflicts(database) == 0


def test_the_next_event_gives_it_to_the_corrected_customer_once_the_owner_is_gone(
    database: Database, stranger: str
) -> None:
    ada = database.accounts.sign_up(ADA)
    mark_as_deleted_unseen(database, stranger)
    correct(database)

    assert row_of(database) == (ada, ADA)
    assert not stored_order(database)["has_address_conflict"]
