"""What a proven address gives its user, now and later, and what it takes from nobody."""

from __future__ import annotations

import pytest

from tests.database.operators.support import ADA, EVE, GRACE, act, purchase_id
from tests.support.claims import REFUSED, prove, proven, redeem, remove, request_code, written_code
from tests.support.database import Database
from tests.support.deletion import mark_as_deleted, mark_as_deleted_unseen
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order, refund

OLD = "ada.old@example.com"


@pytest.fixture
def ada(database: Database) -> str:
    return database.accounts.sign_up(ADA)


def owner(database: Database, order_id: int = 1) -> str | None:
    [row] = database.purchases(order_id)
    return row["user_id"] and str(row["user_id"])


def test_what_was_bought_with_the_address_is_theirs(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, SPLINT, email=OLD), order(2, PREMIUM, email=OLD))
    assert not database.accounts.has_access(ada, COURSE)

    answer = prove(database, ada, f" {OLD.upper()} ")

    assert answer == {"outcome": "proven", "address": OLD, "linked": 3, "owned_elsewhere": 0}
    assert database.accounts.has_access(ada, COURSE)
    assert database.accounts.has_access(ada, PREMIUM)
    assert proven(database, ada) == {OLD: 3}


def test_what_is_bought_with_it_later_is_theirs_at_once(database: Database, ada: str) -> None:
    prove(database, ada, OLD)

    database.record_orders(order(1, COURSE, email=OLD))

    assert database.accounts.has_access(ada, COURSE)
    message = database.notifications(1)["course_access"]
    assert message["email"] == OLD
    assert message["payload"]["has_account"] is True
    assert message["payload"]["signs_in_elsewhere"] is True


def test_it_is_the_same_in_any_order_of_arrival(database: Database, ada: str) -> None:
    paid, refunded = order(1, COURSE, email=OLD), refund(9, 1, **{COURSE: 1})
    database.record_refunds(refunded)
    prove(database, ada, OLD)
    database.record_orders(paid)

    [row] = database.purchases(1)
    assert (str(row["user_id"]), row["status"]) == (ada, "refunded")
    assert not database.accounts.has_access(ada, COURSE)


def test_what_another_account_owns_stays_there(database: Database, ada: str) -> None:
    eve = database.accounts.sign_up(OLD)
    database.record_orders(order(1, COURSE, email=OLD))

    answer = prove(database, ada, OLD)

    assert answer == {"outcome": "proven", "address": OLD, "linked": 0, "owned_elsewhere": 1}
    assert owner(database) == eve


def test_who_signs_in_with_it_comes_first_for_what_is_bought_later(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    eve = database.accounts.sign_up(OLD)

    database.record_orders(order(2, PREMIUM, email=OLD))

    assert (owner(database, 1), owner(database, 2)) == (ada, eve)


def test_an_account_that_has_not_confirmed_it_does_not_come_first(
    database: Database, ada: str
) -> None:
    prove(database, ada, OLD)
    database.accounts.sign_up(OLD, confirmed=False)

    database.record_orders(order(1, COURSE, email=OLD))

    assert owner(database) == ada


def test_of_two_who_proved_it_the_last_gets_what_is_bought_later(
    database: Database, ada: str
) -> None:
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=OLD))
    database.execute("update thetis.proven_addresses set proven_at = now() - interval '1 day'")
    grace = database.accounts.sign_up(GRACE)

    assert prove(database, grace, OLD)["linked"] == 0
    database.record_orders(order(2, PREMIUM, email=OLD))

    assert (owner(database, 1), owner(database, 2)) == (ada, grace)


def test_the_claim_page_links_what_was_missed(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=OLD))
    database.execute("update public.purchases set user_id = null")

    assert database.accounts.claim_purchases(ada) == 1
    assert owner(database) == ada


@pytest.mark.parametrize("delete", [mark_as_deleted, mark_as_deleted_unseen])
def test_what_a_deleted_account_left_goes_to_who_proves_the_address(
    database: Database, ada: str, delete: object
) -> None:
    eve = database.accounts.sign_up(OLD)
    database.record_orders(order(1, COURSE, email=OLD))
    assert callable(delete)
    delete(database, eve)

    assert prove(database, ada, OLD)["linked"] == 1
    assert owner(database) == ada


@pytest.mark.parametrize("delete", [mark_as_deleted, mark_as_deleted_unseen])
def test_a_deleted_account_gets_nothing_by_an_address_that_it_proved(
    database: Database, ada: str, delete: object
) -> None:
    prove(database, ada, OLD)
    assert callable(delete)
    delete(database, ada)

    database.record_orders(order(1, COURSE, email=OLD))

    assert owner(database) is None


def test_an_account_that_is_deleted_leaves_nothing_proven(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=OLD))

    database.accounts.delete(ada)

    assert owner(database) is None
    assert database.value("select count(*) from thetis.proven_addresses") == 0


def test_a_transfer_goes_to_who_has_proven_the_address(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=EVE))

    act(database, "transfer_purchase", purchase_id=purchase_id(database, 1), address=OLD)
    assert owner(database) == ada
    act(database, "transfer_order", order_name="1", address=GRACE)
    assert owner(database) is None
    act(database, "transfer_order", order_name="1", address=OLD)
    assert owner(database) == ada


def test_a_grant_to_the_address_is_theirs(database: Database, ada: str) -> None:
    prove(database, ada, OLD)

    act(database, "grant_access", slug=COURSE, recipient=OLD)

    assert database.accounts.has_access(ada, COURSE)


def test_an_order_whose_address_is_corrected_to_it_is_theirs(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=EVE))
    database.record_orders(order(1, COURSE, email=OLD, updated_at="2999-01-01T00:00:00Z"))

    assert owner(database) == ada


def test_what_they_own_stays_theirs_when_the_orders_address_is_corrected(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    prove(database, ada, OLD)
    database.record_orders(order(1, COURSE, email=EVE, updated_at="2999-01-01T00:00:00Z"))

    assert owner(database) == ada
    assert database.value("select has_address_conflict from thetis.orders")


def test_the_ends_of_access_follow_from_both_addresses(database: Database, ada: str) -> None:
    database.execute("update public.products set access_period = '30 days'")
    database.record_orders(order(1, COURSE, email=OLD), order(2, COURSE, email=ADA))
    ends = "select max(expires_at) - min(expires_at) from public.purchases"
    assert database.value(ends).total_seconds() < 60

    prove(database, ada, OLD)
    assert 29 <= database.value(ends).days <= 30

    remove(database, ada, OLD)
    assert database.value(ends).total_seconds() < 60


def test_the_code_of_somebody_else_is_refused(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    eve = database.accounts.sign_up(EVE)
    request_code(database, ada, OLD)
    code = written_code(database, OLD)

    assert redeem(database, eve, code) == REFUSED
    assert owner(database) is None
    assert redeem(database, ada, code)["linked"] == 1
