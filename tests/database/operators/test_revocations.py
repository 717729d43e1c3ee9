"""Taking one purchase away, and giving it back."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE, act, purchase_id
from tests.database.outbox.support import CANCEL, later, send_everything
from tests.support.database import Database
from tests.support.shopify import order, refund

SLUG, SPLINT = "standard_course", "splint"


def status(database: Database, purchase: str) -> str:
    return str(database.value("select status from public.purchases where id = %s", purchase))


@pytest.fixture
def ada(database: Database) -> str:
    user_id = database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    return user_id


def test_it_ends_access_and_no_later_event_brings_it_back(database: Database, ada: str) -> None:
    act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))

    database.record_orders(order(1, SLUG, updated_at="2026-11-25T10:00:00Z"))
    database.record_orders(order(1, SLUG, email=EVE, updated_at="2026-11-26T10:00:00Z"))

    assert not database.accounts.has_access(ada, SLUG)


def test_others_of_the_same_product_stay(database: Database, ada: str) -> None:
    database.record_orders(order(2, SLUG))

    act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))

    assert database.accounts.has_access(ada, SLUG)


def test_a_restored_one_gives_access_again(database: Database, ada: str) -> None:
    purchase = purchase_id(database, 1)
    act(database, "revoke_purchase", purchase_id=purchase)

    answer = act(database, "restore_purchase", purchase_id=purchase)

    assert [each["status"] for each in (answer["before"] + answer["after"])] == [
        "cancelled",
        "active",
    ]
    assert database.accounts.has_access(ada, SLUG)


@pytest.mark.parametrize("is_told_before", [True, False])
def test_what_was_refunded_meanwhile_stays_refunded(
    database: Database, ada: str, *, is_told_before: bool
) -> None:
    purchase = purchase_id(database, 1)
    act(database, "revoke_purchase", purchase_id=purchase)
    if is_told_before:
        database.record_refunds(refund(9, 1, **{SLUG: 1}))
    act(database, "restore_purchase", purchase_id=purchase)
    if not is_told_before:
        database.record_refunds(refund(9, 1, **{SLUG: 1}))

    assert status(database, purchase) == "refunded"


def test_an_outgrown_refund_does_not_undo_a_revocation(database: Database, ada: str) -> None:
    purchase = purchase_id(database, 1)
    act(database, "revoke_purchase", purchase_id=purchase)
    database.record_refunds(refund(9, 1, **{SLUG: 1}))
    assert status(database, purchase) == "refunded"

    told = order(1, SLUG, updated_at="2026-11-25T10:00:00Z")
    told["line_items"][0] |= {"quantity": 2, "current_quantity": 1}
    database.record_orders(told)

    assert status(database, purchase) == "cancelled"


def test_a_revocation_stops_the_run_as_a_refund_does(database: Database, ada: str) -> None:
    send_everything(database)

    answer = act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))

    assert answer["messages"] == [{"kind": CANCEL, "address": ADA, "change": "enqueued"}]
    later(database, 60)
    assert send_everything(database) == [CANCEL]


def test_said_twice_it_is_one(database: Database, ada: str) -> None:
    purchase = purchase_id(database, 1)
    for function in ("revoke_purchase", "restore_purchase"):
        outcomes = [act(database, function, purchase_id=purchase)["outcome"] for _ in range(2)]
        assert outcomes == ["done", "unchanged"]


def test_what_has_ended_is_not_revoked(database: Database, ada: str) -> None:
    database.record_refunds(refund(9, 1, **{SLUG: 1}))

    with pytest.raises(psycopg.Error, match="it is refunded already") as error:
        act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))
    assert error.value.sqlstate == "TH005"


def test_an_enrollment_that_expired_is_not_revoked_and_so_not_restored(
    database: Database, ada: str
) -> None:
    database.execute("update thetis.order_lines set end_status = 'expired'")
    database.execute("update public.purchases set status = 'expired'")

    with pytest.raises(psycopg.Error, match="it is expired already"):
        act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))


def test_a_purchase_of_somebody_else_is_refused(database: Database, ada: str) -> None:
    purchase = purchase_id(database, 1)

    with pytest.raises(psycopg.Error, match="not that of") as error:
        act(database, "revoke_purchase", purchase_id=purchase, expected_address=EVE)
    assert error.value.sqlstate == "TH006"
    act(database, "revoke_purchase", purchase_id=purchase, expected_address="ADA@example.com")


@pytest.mark.parametrize("address", ["", " ", "eve@example.com "])
def test_an_expected_address_that_is_blank_is_nobodys(
    database: Database, ada: str, address: str
) -> None:
    with pytest.raises(psycopg.Error, match="not that of") as error:
        act(
            database,
            "revoke_purchase",
            purchase_id=purchase_id(database, 1),
            expected_address=address,
        )
    assert error.value.sqlstate == "TH006"


def test_a_dry_run_leaves_everything_as_it_was(database: Database, ada: str) -> None:
    send_everything(database)

    answer = act(database, "revoke_purchase", purchase_id=purchase_id(database, 1), dry_run=True)

    assert answer["after"][0]["status"] == "cancelled"
    assert [each["kind"] for each in answer["messages"]] == [CANCEL]
    assert database.accounts.has_access(ada, SLUG)
    later(database, 60)
    assert send_everything(database) == []
