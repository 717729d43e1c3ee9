"""What operators decide, and what they are told, of an order whose payment is disputed."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE, act, purchase_id
from tests.database.operators.test_customer_timeline import reason, timeline
from tests.support.database import Database
from tests.support.shopify import dispute, order

SLUG = "standard_course"
OPEN, LOST, WON = dispute(5, 1), dispute(5, 1, "lost"), dispute(5, 1, "won")


@pytest.fixture
def ada(database: Database) -> str:
    user_id = database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    return user_id


def test_what_was_revoked_before_is_not_given_back_by_winning(database: Database, ada: str) -> None:
    act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))
    database.record_disputes(OPEN)
    database.record_disputes(WON)

    assert not database.accounts.has_access(ada, SLUG)
    act(database, "restore_purchase", purchase_id=purchase_id(database, 1))
    assert database.accounts.has_access(ada, SLUG)


def test_what_is_revoked_during_a_dispute_is_not_given_back_by_winning(
    database: Database, ada: str
) -> None:
    database.record_disputes(OPEN)

    answer = act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))

    assert answer["outcome"] == "done"
    assert reason(database) == "revoked"
    database.record_disputes(WON)
    assert not database.accounts.has_access(ada, SLUG)
    act(database, "restore_purchase", purchase_id=purchase_id(database, 1))
    assert database.accounts.has_access(ada, SLUG)


@pytest.mark.parametrize("is_revoked_first", [True, False])
def test_restoring_gives_nothing_back_while_the_dispute_is_open(
    database: Database, ada: str, *, is_revoked_first: bool
) -> None:
    if is_revoked_first:
        act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))
    database.record_disputes(OPEN)
    if not is_revoked_first:
        act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))

    act(database, "restore_purchase", purchase_id=purchase_id(database, 1))

    assert not database.accounts.has_access(ada, SLUG)
    assert reason(database) == "charged_back"
    database.record_disputes(WON)
    assert database.accounts.has_access(ada, SLUG)


def test_an_old_enrollment_that_was_over_cannot_be_revoked_during_a_dispute(
    database: Database,
) -> None:
    """What it was before could not be told when it is restored."""
    database.record_orders(order(1, SLUG))
    database.execute("update public.purchases set status = 'expired'")
    database.record_disputes(OPEN)

    with pytest.raises(psycopg.Error, match="it is cancelled already"):
        act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))


def test_what_was_given_is_not_touched_and_can_be_given_during_a_dispute(
    database: Database, ada: str
) -> None:
    database.record_disputes(LOST)
    act(database, "grant_access", slug=SLUG, recipient=ADA)

    assert database.accounts.has_access(ada, SLUG)
    database.record_orders(order(1, SLUG))
    assert database.accounts.has_access(ada, SLUG)


def test_what_was_transferred_is_charged_back_too(database: Database, ada: str) -> None:
    eve = database.accounts.sign_up(EVE)
    act(database, "transfer_purchase", purchase_id=purchase_id(database, 1), address=EVE)

    database.record_disputes(OPEN)

    assert not database.accounts.has_access(eve, SLUG)
    database.record_disputes(WON)
    assert database.accounts.has_access(eve, SLUG)
    assert not database.accounts.has_access(ada, SLUG)


@pytest.mark.parametrize("told", [OPEN, LOST])
def test_an_operator_is_told_that_it_was_charged_back_and_since_when(
    database: Database, told: dict[str, object]
) -> None:
    database.record_orders(order(1, SLUG))
    database.record_disputes(told)
    database.execute("update thetis.disputes set first_recorded_at = '2026-11-20T10:00:00Z'")

    [answer] = timeline(database, ADA)["answer"]

    assert (answer["reason"], answer["since"]) == ("charged_back", "2026-11-20T10:00:00+00:00")


def test_another_purchase_is_the_better_answer(database: Database, ada: str) -> None:
    database.record_disputes(OPEN)
    assert reason(database) == "charged_back"
    database.record_orders(order(2, SLUG))
    assert database.accounts.has_access(ada, SLUG)

    assert reason(database) == "has_access"


def test_an_order_that_was_cancelled_too_is_told_as_that(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    database.record_disputes(OPEN)
    database.record_orders(order(1, SLUG, cancelled_at="2026-11-20T10:00:00Z"))

    assert reason(database) == "cancelled"


def test_every_dispute_of_an_order_is_told(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    database.record_disputes(WON, dispute(6, 1, "under_review", "inquiry"))

    [told] = timeline(database, ADA)["orders"]

    assert {
        (each["shopify_dispute_id"], each["is_chargeback"], each["status"], each["inquiry_status"])
        for each in told["disputes"]
    } == {("5", True, "won", None), ("6", False, None, "under_review")}


def test_what_is_exported_of_somebody_holds_their_disputes(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    database.record_disputes(LOST)

    [row] = database.call("export_customer", ADA, "sue")

    [told] = row["export_customer"]["orders"]
    assert [each["status"] for each in told["disputes"]] == ["lost"]
