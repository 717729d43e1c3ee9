"""An order whose person was erased never gets an address back, whatever Shopify sends again."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.support.database import Database
from tests.support.everything import everything
from tests.support.shopify import COURSE, PREMIUM, Json, order, refund

EARLIER, LATER = "2026-11-20T10:00:00Z", "2999-01-01T00:00:00Z"


@pytest.fixture
def owner(database: Database) -> str:
    """Her order was erased; what she bought is still hers."""
    user_id = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, updated_at=EARLIER))
    erase(database)
    return user_id


def erase(database: Database) -> None:
    database.execute("update thetis.orders set email = null, erased_at = now()")
    database.execute("update public.purchases set shopify_customer_email = ''")
    database.execute("delete from thetis.notifications")


EVENTS: dict[str, Json] = {
    "the same again": order(1, COURSE, updated_at=EARLIER),
    "an older one": order(1, COURSE, updated_at="2020-01-01T00:00:00Z"),
    "a newer one": order(1, COURSE, updated_at=LATER),
    "one without a time": order(1, COURSE, updated_at=None),
    "a correction": order(1, COURSE, email="grace@example.com", updated_at=LATER),
    "a line added": order(1, COURSE, PREMIUM, updated_at=LATER),
    "unpaid": order(1, COURSE, financial_status="pending", updated_at=LATER),
    "voided": order(1, COURSE, financial_status="voided", updated_at=LATER),
    "cancelled": order(1, COURSE, cancelled_at=EARLIER, updated_at=LATER),
    "refunded": order(1, COURSE, financial_status="refunded", updated_at=LATER),
    "the contact's address": order(
        1, COURSE, email=None, contact_email="ada@example.com", updated_at=LATER
    ),
    "the customer's address": order(
        1, COURSE, email=None, customer={"email": "ada@example.com"}, updated_at=LATER
    ),
}


def has_an_address(database: Database) -> bool:
    return "@" in str(everything(database))


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("event", EVENTS)
def test_no_event_brings_an_address_back(database: Database, event: str) -> None:
    for _ in range(2):
        database.record_orders(EVENTS[event])

    assert not has_an_address(database)
    assert database.notifications(1) == {}
    assert database.claim() == []


@pytest.mark.usefixtures("owner")
def test_no_two_events_of_one_call_bring_an_address_back(database: Database) -> None:
    for pair in permutations(EVENTS.values(), 2):
        database.record_orders(*pair)

    assert not has_an_address(database)
    assert database.notifications(1) == {}


def test_its_access_still_ends_with_a_refund(database: Database, owner: str) -> None:
    assert database.accounts.has_access(owner, COURSE)
    database.record_refunds(refund(5, 1, **{COURSE: 1}))

    assert not database.accounts.has_access(owner, COURSE)
    assert [row["status"] for row in database.purchases(1)] == ["refunded"]
    assert database.notifications(1) == {}


@pytest.mark.parametrize("event", ["cancelled", "refunded", "voided"])
def test_its_access_still_ends_with_its_order(database: Database, owner: str, event: str) -> None:
    database.record_orders(EVENTS[event])

    assert not database.accounts.has_access(owner, COURSE)


@pytest.mark.usefixtures("owner")
def test_an_event_of_it_is_not_rejected_for_want_of_an_address(database: Database) -> None:
    nameless = order(1, COURSE, PREMIUM, email=None, updated_at=LATER)

    assert database.record_orders(nameless) == ["recorded"]
    assert database.record_orders(nameless) == ["unchanged"]


def test_what_its_owner_leaves_is_nobodys(database: Database, owner: str) -> None:
    database.accounts.delete(owner)
    database.record_orders(EVENTS["a newer one"])
    again = database.accounts.sign_up("ada@example.com")

    assert database.accounts.claim_purchases(again) == 0
    assert not has_an_address(database)


def test_the_next_order_of_the_same_person_is_like_any_other(
    database: Database, owner: str
) -> None:
    database.record_orders(order(2, PREMIUM))

    assert database.accounts.has_access(owner, PREMIUM)
    assert set(database.notifications(2)) == {"post_purchase", "course_access"}
