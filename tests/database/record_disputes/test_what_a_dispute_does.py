from __future__ import annotations

from typing import Any

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, dispute, line, order, refund, summary

ENDS = ["needs_response", "under_review", "lost", "accepted", "charge_refunded"]
GIVES_BACK = ["won", "prevented"]


def statuses(database: Database, order_id: int = 1) -> dict[str, str]:
    return {row["product_slug"]: row["status"] for row in database.purchases(order_id)}


@pytest.mark.parametrize("status", ENDS)
def test_an_open_or_a_lost_chargeback_ends_all_of_its_order(
    database: Database, status: str
) -> None:
    database.record_orders(order(1, COURSE, SPLINT), order(2, COURSE))

    assert database.record_disputes(dispute(5, 1, status)) == ["recorded"]
    assert statuses(database) == {COURSE: "cancelled", SPLINT: "cancelled"}
    assert statuses(database, 2) == {COURSE: "active"}


@pytest.mark.parametrize("opened", ENDS)
@pytest.mark.parametrize("end", GIVES_BACK)
def test_a_won_or_prevented_chargeback_gives_back_what_it_ended(
    database: Database, opened: str, end: str
) -> None:
    database.record_orders(order(1, COURSE))
    before = database.purchases()
    database.record_disputes(dispute(5, 1, opened))

    assert database.record_disputes(dispute(5, 1, end)) == ["recorded"]
    [row] = database.purchases()
    assert {**row, "updated_at": None} == {**before[0], "updated_at": None}


@pytest.mark.parametrize("status", [*ENDS, *GIVES_BACK])
def test_an_inquiry_ends_nothing(database: Database, status: str) -> None:
    database.record_orders(order(1, COURSE))

    database.record_disputes(dispute(5, 1, status, "inquiry"))
    database.record_orders(order(1, COURSE, disputes=[summary(6, status, "inquiry")]))

    assert statuses(database) == {COURSE: "active"}


@pytest.mark.parametrize("closed", ["needs_response", "won", "prevented", "lost"])
def test_an_inquiry_that_becomes_a_chargeback_ends_access_however_the_inquiry_went(
    database: Database, closed: str
) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1, closed, "inquiry"))

    assert database.record_disputes(dispute(5, 1, "needs_response")) == ["recorded"]
    assert statuses(database) == {COURSE: "cancelled"}
    assert database.record_disputes(dispute(5, 1, "won")) == ["recorded"]
    assert statuses(database) == {COURSE: "active"}


def test_a_chargeback_that_the_admin_api_calls_by_what_it_began_as_is_won_all_the_same(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))

    told = order(1, COURSE, disputes=[summary(5, "won", "inquiry")])

    assert database.record_orders(told) == ["recorded"]
    assert statuses(database) == {COURSE: "active"}


def test_of_several_disputes_of_an_order_each_has_to_be_won(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1), dispute(6, 1))

    database.record_disputes(dispute(5, 1, "won"))
    assert statuses(database) == {COURSE: "cancelled"}
    database.record_disputes(dispute(6, 1, "won"))
    assert statuses(database) == {COURSE: "active"}


def test_another_purchase_of_the_same_product_still_gives_access(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE, PREMIUM), order(2, COURSE))

    database.record_disputes(dispute(5, 1))

    assert database.accounts.has_access(ada, COURSE)
    assert not database.accounts.has_access(ada, PREMIUM)
    database.record_disputes(dispute(5, 1, "won"))
    assert database.accounts.has_access(ada, PREMIUM)


def test_an_order_tells_its_disputes_too_and_saying_nothing_of_them_changes_nothing(
    database: Database,
) -> None:
    told = order(1, COURSE, disputes=[summary(5, "LOST", "CHARGEBACK")])

    assert database.record_orders(told) == ["recorded"]
    assert statuses(database) == {COURSE: "cancelled"}
    for silent in (
        order(1, COURSE),
        order(1, COURSE, disputes=None),
        order(1, COURSE, disputes=[]),
    ):
        database.record_orders(silent)
        assert statuses(database) == {COURSE: "cancelled"}
    assert database.record_orders(told) == ["unchanged"]


def test_what_is_known_is_unchanged_and_what_is_of_no_order_is_ignored(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    told = [dispute(5, 1), dispute(5, 1, "lost"), dispute(6, None)]

    assert database.record_disputes(*told) == ["recorded", "recorded", "ignored"]
    before = database.purchases()

    assert database.record_disputes(*told[::-1]) == ["ignored", "unchanged", "unchanged"]
    assert database.purchases() == before


def test_a_dispute_before_its_order_counts_when_the_order_comes(database: Database) -> None:
    assert database.record_disputes(dispute(5, 1)) == ["recorded"]
    assert database.purchases() == []

    assert database.record_orders(order(1, COURSE)) == ["recorded"]
    assert statuses(database) == {COURSE: "cancelled"}
    database.record_disputes(dispute(5, 1, "won"))
    assert statuses(database) == {COURSE: "active"}


@pytest.mark.parametrize("is_won_first", [True, False])
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"cancelled_at": "2026-11-20T10:00:00Z"}, "cancelled"),
        ({"refunds": [refund(9, 1, **{COURSE: 1})]}, "refunded"),
    ],
)
def test_winning_gives_nothing_back_that_ended_in_another_way(
    database: Database, changes: dict[str, Any], status: str, *, is_won_first: bool
) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))
    won = dispute(5, 1, "won")

    if is_won_first:
        database.record_disputes(won)
    database.record_orders(order(1, COURSE, **changes))
    if not is_won_first:
        database.record_disputes(won)

    assert statuses(database) == {COURSE: status}


def test_a_refund_that_is_outgrown_brings_nothing_back_while_the_chargeback_is_open(
    database: Database,
) -> None:
    database.record_orders(order(1, SPLINT, refunds=[refund(9, 1, **{SPLINT: 1})]))
    database.record_disputes(dispute(5, 1))
    assert statuses(database) == {SPLINT: "refunded"}

    database.record_orders(order(1, line(1, SPLINT, quantity=2)))

    assert statuses(database) == {SPLINT: "cancelled"}
    database.record_disputes(dispute(5, 1, "won"))
    assert statuses(database) == {SPLINT: "active"}


def test_a_line_that_is_added_to_a_disputed_order_waits_for_the_end_of_it(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))

    database.record_orders(order(1, COURSE, SPLINT))

    assert statuses(database) == {COURSE: "cancelled", SPLINT: "cancelled"}
    database.record_disputes(dispute(5, 1, "won"))
    assert statuses(database) == {COURSE: "active", SPLINT: "active"}


def test_who_signs_up_during_a_dispute_has_it_once_it_is_won(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))
    ada = database.accounts.sign_up("ada@example.com")

    assert not database.accounts.has_access(ada, COURSE)
    database.record_disputes(dispute(5, 1, "won"))
    assert database.accounts.has_access(ada, COURSE)


def test_an_order_whose_test_is_ignored_tells_no_disputes(database: Database) -> None:
    told = order(1, COURSE, test=True, disputes=[summary(5)])

    [row] = database.call("record_orders", [told], "ignore")

    assert row["outcome"] == "ignored"
    assert database.value("select count(*) from thetis.disputes") == 0


def test_time_goes_on_during_a_dispute(database: Database) -> None:
    database.execute("update public.products set access_period = '1 hour' where slug = %s", COURSE)
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))
    database.execute("update public.purchases set purchased_at = now() - interval '1 day'")

    database.record_disputes(dispute(5, 1, "won"))

    assert statuses(database) == {COURSE: "expired"}
