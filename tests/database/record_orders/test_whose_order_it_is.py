"""The address of an order: which of three, in which spelling, and which of several told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, line, order

EARLIER, LATER = "2026-11-20T10:00:00-05:00", "2026-11-20T10:00:01-05:00"


def email(database: Database, order_id: int = 1) -> str:
    [row] = database.purchases(order_id)
    return str(row["shopify_customer_email"])


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        (("a@example.com", "b@example.com", "c@example.com"), "a@example.com"),
        (("", "b@example.com", "c@example.com"), "b@example.com"),
        ((None, None, "c@example.com"), "c@example.com"),
        ((" \t\r\n", "  ", "c@example.com"), "c@example.com"),
        (("\r\n Ada@EXAMPLE.com\t", None, None), "ada@example.com"),
        (("ada+shop@example.com", None, None), "ada+shop@example.com"),
        (("ÄDA@example.com", None, None), "äda@example.com"),
    ],
)
def test_the_first_address_that_is_not_empty_counts_in_small_letters(
    database: Database, addresses: tuple[str | None, str | None, str | None], chosen: str
) -> None:
    first, second, third = addresses
    customer = {"email": third}
    database.record_orders(order(1, COURSE, email=first, contact_email=second, customer=customer))

    assert email(database) == chosen


@pytest.mark.parametrize("customer", [None, {}, {"email": None}, {"email": ""}, "nobody", []])
def test_a_paid_order_without_an_address_is_rejected_until_one_comes(
    database: Database, customer: Any
) -> None:
    nameless = order(1, COURSE, email="", customer=customer)

    [row] = database.call("record_orders", [nameless])
    assert (row["outcome"], row["reason"]) == ("rejected", "no email address")
    assert database.purchases() == []
    assert database.notifications(1) == {}

    assert database.record_orders(order(1, COURSE)) == ["recorded"]
    assert email(database) == "ada@example.com"
    assert set(database.notifications(1)) == {"post_purchase", "course_access"}
    assert database.record_orders(nameless) == ["unchanged"]


def test_an_address_recorded_while_the_order_was_unpaid_is_remembered(database: Database) -> None:
    database.record_orders(order(1, COURSE, financial_status="pending"))

    assert database.record_orders(order(1, COURSE, email=None)) == ["recorded"]
    assert email(database) == "ada@example.com"


@pytest.mark.parametrize(
    "fields", [{"financial_status": "pending"}, {"financial_status": "refunded"}]
)
def test_an_order_that_grants_nothing_needs_no_address(
    database: Database, fields: dict[str, Any]
) -> None:
    assert database.record_orders(order(1, COURSE, email=None, **fields)) == ["recorded"]


def test_a_corrected_address_is_followed(database: Database) -> None:
    database.record_orders(order(1, COURSE, email="typo@example.com", updated_at=EARLIER))

    corrected = order(1, COURSE, updated_at=LATER)
    assert database.record_orders(corrected) == ["recorded"]
    assert email(database) == "ada@example.com"


def test_an_older_event_does_not_bring_the_old_address_back(database: Database) -> None:
    database.record_orders(order(1, COURSE, updated_at=LATER))

    stale = order(1, COURSE, email="typo@example.com", updated_at=EARLIER)
    database.record_orders(stale)
    assert email(database) == "ada@example.com"
    assert database.record_orders(stale) == ["unchanged"]


def test_times_are_compared_across_time_zones(database: Database) -> None:
    database.record_orders(order(1, COURSE, updated_at="2026-11-20T10:00:01-05:00"))
    stale = order(1, COURSE, email="typo@example.com", updated_at="2026-11-20T16:00:00+01:00")
    database.record_orders(stale)

    assert email(database) == "ada@example.com"


def test_an_event_without_an_address_does_not_take_it_away(database: Database) -> None:
    database.record_orders(order(1, COURSE, updated_at=EARLIER))

    assert database.record_orders(order(1, COURSE, email=None, updated_at=LATER)) == ["unchanged"]
    assert email(database) == "ada@example.com"


@pytest.mark.parametrize("first", ["ada@example.com", "typo@example.com"])
def test_two_addresses_of_one_second_end_the_same_whichever_comes_first(
    database: Database, first: str
) -> None:
    second = {"ada@example.com": "typo@example.com", "typo@example.com": "ada@example.com"}[first]
    database.record_orders(order(1, COURSE, email=first, updated_at=EARLIER))
    database.record_orders(order(1, COURSE, email=second, updated_at=EARLIER))

    assert email(database) == "typo@example.com"


def test_a_correction_reaches_every_line(database: Database) -> None:
    wrong = order(1, COURSE, SPLINT, email="typo@example.com", updated_at=EARLIER)
    database.record_orders(wrong)
    removed = line(1, SPLINT, current_quantity=0)
    database.record_orders(order(1, COURSE, removed, updated_at=LATER))

    assert {row["shopify_customer_email"] for row in database.purchases(1)} == {"ada@example.com"}


def test_a_corrected_address_moves_the_purchase_to_its_confirmed_owner(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, email="typo@example.com", updated_at=EARLIER))
    assert not database.accounts.has_access(ada, COURSE)

    database.record_orders(order(1, COURSE, updated_at=LATER))
    assert database.accounts.has_access(ada, COURSE)


def test_a_correction_does_not_take_a_purchase_from_its_owner(database: Database) -> None:
    owner = database.accounts.sign_up("first@example.com")
    other = database.accounts.sign_up("second@example.com")
    database.record_orders(order(1, COURSE, email="first@example.com", updated_at=EARLIER))
    database.record_orders(order(1, COURSE, email="second@example.com", updated_at=LATER))

    assert database.accounts.has_access(owner, COURSE)
    assert not database.accounts.has_access(other, COURSE)
