"""What a user has by an address that they give up goes to whoever the facts name then."""

from __future__ import annotations

import pytest

from tests.database.operators.support import ADA, EVE, GRACE
from tests.support.claims import prove, proven, remove
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, order

OLD = "ada.old@example.com"


@pytest.fixture
def ada(database: Database) -> str:
    return database.accounts.sign_up(ADA)


def owner(database: Database, order_id: int = 1) -> str | None:
    [row] = database.purchases(order_id)
    return row["user_id"] and str(row["user_id"])


def test_removed_what_they_have_by_it_waits_for_somebody(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, email=OLD), order(2, PREMIUM, email=ADA))
    prove(database, ada, OLD)

    assert remove(database, ada, OLD.title()) == 1

    assert (owner(database, 1), owner(database, 2)) == (None, ada)
    assert proven(database, ada) == {}
    assert database.accounts.claim_purchases(ada) == 0
    database.record_orders(order(3, COURSE, email=OLD))
    assert owner(database, 3) is None


def test_removed_again_nothing_changes(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    remove(database, ada, OLD)
    rows = database.value("select count(*) from thetis.audit_log")

    assert remove(database, ada, OLD) == 0
    assert database.value("select count(*) from thetis.audit_log") == rows


def test_removed_it_goes_to_who_signs_in_with_the_address(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    eve = database.accounts.sign_up(OLD)

    assert remove(database, ada, OLD) == 1
    assert owner(database) == eve


def test_removed_it_goes_to_the_other_who_proved_it(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    grace = database.accounts.sign_up(GRACE)
    prove(database, grace, OLD)

    assert remove(database, ada, OLD) == 1
    assert owner(database) == grace


def test_removed_it_goes_to_the_address_that_the_order_has_now(
    database: Database, ada: str
) -> None:
    eve = database.accounts.sign_up(EVE)
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=EVE, updated_at="2999-01-01T00:00:00Z"))

    assert remove(database, ada, OLD) == 1
    [row] = database.purchases(1)
    assert (str(row["user_id"]), row["shopify_customer_email"]) == (eve, EVE)


def test_removed_after_it_became_the_sign_in_address_nothing_is_lost(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    database.accounts.change_email(ada, OLD)

    assert remove(database, ada, OLD) == 0
    assert owner(database) == ada


def test_nobody_removes_what_another_has_proven(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    eve = database.accounts.sign_up(EVE)

    assert remove(database, eve, OLD) == 0
    assert owner(database) == ada
    assert proven(database, eve) == {}


def test_removed_while_the_sign_in_address_is_the_same_and_not_confirmed_it_is_lost(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    database.accounts.unlink_identity(ada, OLD)

    assert remove(database, ada, OLD) == 1
    assert owner(database) is None
