"""Giving what was bought to another person."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE, GRACE, act, purchase_id
from tests.database.outbox.support import CANCEL, COURSE_ACCESS, send_due, send_everything
from tests.support.database import Database
from tests.support.shopify import order, refund

SLUG, OTHER = "standard_course", "premium_course"


@pytest.fixture
def ada(database: Database) -> str:
    return database.accounts.sign_up(ADA)


@pytest.fixture
def grace(database: Database) -> str:
    return database.accounts.sign_up(GRACE)


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_the_old_owner_loses_it_and_the_new_one_has_it(
    database: Database, ada: str, grace: str, function: str
) -> None:
    database.record_orders(order(1, SLUG))
    assert database.accounts.has_access(ada, SLUG)

    transfer(database, function, GRACE)

    assert (database.accounts.has_access(ada, SLUG), database.accounts.has_access(grace, SLUG)) == (
        False,
        True,
    )


def transfer(
    database: Database, function: str, address: str, **values: object
) -> dict[str, object]:
    what = (
        {"order_name": "#1"}
        if function == "transfer_order"
        else {"purchase_id": purchase_id(database, 1)}
    )
    return act(database, function, **what, address=address, **values)


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_the_new_one_has_it_once_the_address_is_confirmed(
    database: Database, function: str
) -> None:
    database.record_orders(order(1, SLUG))
    transfer(database, function, GRACE)
    grace = database.accounts.sign_up(GRACE, confirmed=False)
    assert not database.accounts.has_access(grace, SLUG)

    database.accounts.confirm(grace)

    assert database.accounts.has_access(grace, SLUG)


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_until_then_it_is_nobodys(database: Database, ada: str, function: str) -> None:
    database.record_orders(order(1, SLUG))

    transfer(database, function, GRACE)
    database.record_orders(order(1, SLUG, updated_at="2999-01-01T10:00:00Z"))
    database.accounts.claim_purchases(ada)

    assert not database.accounts.has_access(ada, SLUG)


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_no_later_event_gives_it_back(
    database: Database, ada: str, grace: str, function: str
) -> None:
    database.record_orders(order(1, SLUG))
    transfer(database, function, GRACE)

    database.record_orders(order(1, SLUG, updated_at="2026-11-25T10:00:00Z"))
    database.record_orders(order(1, SLUG, email=EVE, updated_at="2026-11-26T10:00:00Z"))
    eve = database.accounts.sign_up(EVE)

    owners = [database.accounts.has_access(each, SLUG) for each in (ada, grace, eve)]
    assert owners == [False, True, False]


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_a_refund_after_it_ends_it(database: Database, ada: str, grace: str, function: str) -> None:
    database.record_orders(order(1, SLUG))
    transfer(database, function, GRACE)

    database.record_refunds(refund(9, 1, **{SLUG: 1}))

    assert not database.accounts.has_access(grace, SLUG)


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_it_can_be_transferred_back(
    database: Database, ada: str, grace: str, function: str
) -> None:
    database.record_orders(order(1, SLUG))
    transfer(database, function, GRACE)

    transfer(database, function, ADA)

    assert (database.accounts.has_access(ada, SLUG), database.accounts.has_access(grace, SLUG)) == (
        True,
        False,
    )


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_when_the_new_account_is_deleted_it_waits_for_the_same_address(
    database: Database, ada: str, grace: str, function: str
) -> None:
    database.record_orders(order(1, SLUG))
    transfer(database, function, GRACE)
    database.accounts.delete(grace)

    again = database.accounts.sign_up(GRACE)

    assert (database.accounts.has_access(ada, SLUG), database.accounts.has_access(again, SLUG)) == (
        False,
        True,
    )


def test_what_is_added_to_a_transferred_order_follows_it(
    database: Database, ada: str, grace: str
) -> None:
    database.record_orders(order(1, SLUG))
    act(database, "transfer_order", order_name="1", address=GRACE)

    database.record_orders(order(1, SLUG, OTHER, updated_at="2026-11-25T10:00:00Z"))

    assert (
        database.accounts.has_access(ada, OTHER),
        database.accounts.has_access(grace, OTHER),
    ) == (False, True)


def test_of_an_order_only_the_transferred_purchase_moves(
    database: Database, ada: str, grace: str
) -> None:
    database.record_orders(order(1, SLUG, OTHER))

    act(database, "transfer_purchase", purchase_id=purchase_id(database, 1, SLUG), address=GRACE)
    database.record_orders(order(1, SLUG, OTHER, updated_at="2026-11-25T10:00:00Z"))

    assert [database.accounts.has_access(ada, each) for each in (SLUG, OTHER)] == [False, True]
    assert [database.accounts.has_access(grace, each) for each in (SLUG, OTHER)] == [True, False]
    assert database.call("count_address_conflicts")[0]["count_address_conflicts"] == 0


def test_the_new_address_gets_the_course_email_and_the_old_run_stops(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    send_everything(database)

    answer = act(database, "transfer_order", order_name="1", address=GRACE)

    told = {(each["kind"], each["address"]) for each in answer["messages"]}
    assert {(COURSE_ACCESS, GRACE), (CANCEL, ADA)} <= told


def test_a_historic_order_owes_the_new_address_its_course_email_alone(database: Database) -> None:
    database.record_orders(
        order(1, SLUG, created_at="2020-01-01T00:00:00Z", processed_at="2020-01-01T00:00:00Z")
    )
    assert send_due(database) == []

    act(database, "transfer_order", order_name="1", address=GRACE)

    sent = [(each["kind"], each["payload"]["email"]) for each in send_due(database)]
    assert sent == [(COURSE_ACCESS, GRACE)]


def test_said_twice_it_is_one(database: Database, grace: str) -> None:
    database.record_orders(order(1, SLUG))
    for function in ("transfer_purchase", "transfer_order"):
        outcomes = [transfer(database, function, GRACE)["outcome"] for _ in range(2)]
        assert outcomes == ["done", "unchanged"]


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_what_is_somebody_else_s_is_refused(database: Database, function: str) -> None:
    database.record_orders(order(1, SLUG))

    with pytest.raises(psycopg.Error, match="not that of") as error:
        transfer(database, function, GRACE, expected_address=EVE)
    assert error.value.sqlstate == "TH006"
    assert EVE not in str(error.value)  # it ends up in the log of Postgres


@pytest.mark.parametrize("function", ["transfer_purchase", "transfer_order"])
def test_a_dry_run_leaves_everything_as_it_was(
    database: Database, ada: str, grace: str, function: str
) -> None:
    database.record_orders(order(1, SLUG))

    answer = transfer(database, function, GRACE, dry_run=True)

    assert answer["after"][0]["user_id"] == grace  # type: ignore[index]
    assert (database.accounts.has_access(ada, SLUG), database.accounts.has_access(grace, SLUG)) == (
        True,
        False,
    )
