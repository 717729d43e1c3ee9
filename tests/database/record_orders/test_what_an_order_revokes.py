"""What ends a purchase: cancelled_at, the payment's state, and what is left of a line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, line, order, refund

CANCELLED_AT = "2026-11-20T10:00:00Z"


def statuses(database: Database, order_id: int = 1) -> dict[str, str]:
    return {row["product_slug"]: row["status"] for row in database.purchases(order_id)}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"cancelled_at": CANCELLED_AT}, "cancelled"),
        ({"cancelled_at": CANCELLED_AT, "financial_status": "pending"}, "cancelled"),
        ({"cancelled_at": CANCELLED_AT, "financial_status": "partially_refunded"}, "cancelled"),
        ({"cancelled_at": CANCELLED_AT, "financial_status": "refunded"}, "refunded"),
        ({"financial_status": "refunded"}, "refunded"),
        ({"financial_status": "voided"}, "cancelled"),
        ({"financial_status": "voided", "cancelled_at": CANCELLED_AT}, "cancelled"),
    ],
)
def test_an_order_event_ends_what_was_active(
    database: Database, said: dict[str, Any], status: str
) -> None:
    database.record_orders(order(1, COURSE, SPLINT))

    assert database.record_orders(order(1, COURSE, SPLINT, **said)) == ["recorded"]
    assert statuses(database) == {COURSE: status, SPLINT: status}


@pytest.mark.parametrize(
    "financial_status",
    ["pending", "authorized", "partially_paid", "partially_refunded", "expired", "odd", "", None],
)
def test_other_payment_states_revoke_nothing(
    database: Database, financial_status: str | None
) -> None:
    database.record_orders(order(1, COURSE))

    later = order(1, COURSE, financial_status=financial_status)
    assert database.record_orders(later) == ["unchanged"]
    assert statuses(database) == {COURSE: "active"}


@pytest.mark.parametrize("arrival", ["in order", "the void last"])
def test_a_voided_order_may_be_paid_after_all(database: Database, arrival: str) -> None:
    voided = order(1, COURSE, financial_status="voided", updated_at="2026-11-20T10:00:00Z")
    paid = order(1, COURSE, updated_at="2026-11-20T11:00:00Z")
    for event in (voided, paid) if arrival == "in order" else (paid, voided):
        database.record_orders(event)

    assert statuses(database) == {COURSE: "active"}
    assert set(database.notifications(1)) == {"post_purchase", "course_access"}


def test_a_cancelled_order_may_still_show_its_quantities(database: Database) -> None:
    kept = line(1, COURSE, quantity=1, current_quantity=1)
    database.record_orders(order(1, COURSE))
    database.record_orders(
        order(1, kept, cancelled_at=CANCELLED_AT, financial_status="partially_refunded")
    )

    assert statuses(database) == {COURSE: "cancelled"}


def test_a_line_of_which_nothing_is_left_is_refunded_and_no_other(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT))
    database.record_orders(
        order(1, line(1, COURSE, current_quantity=0), SPLINT, financial_status="partially_refunded")
    )

    assert statuses(database) == {COURSE: "refunded", SPLINT: "active"}


def test_a_line_of_which_something_is_left_stays(database: Database) -> None:
    database.record_orders(order(1, line(1, COURSE, quantity=2, current_quantity=1)))

    assert statuses(database) == {COURSE: "active"}


def test_a_line_removed_before_the_payment_is_never_active(database: Database) -> None:
    removed = line(1, COURSE, current_quantity=0)
    database.record_orders(order(1, COURSE, SPLINT, financial_status="pending"))
    database.record_orders(order(1, removed, SPLINT))

    assert statuses(database) == {COURSE: "refunded", SPLINT: "active"}


def test_an_amount_paid_back_inside_an_order_revokes_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_orders(
        order(1, COURSE, financial_status="partially_refunded", refunds=[refund(5, 1)])
    )

    assert statuses(database) == {COURSE: "active"}


def test_a_fully_discounted_order_is_refunded_by_its_lines(database: Database) -> None:
    free = {**refund(5, 1, **{COURSE: 1}), "transactions": []}
    free["refund_line_items"][0] |= {"subtotal": 0.0, "restock_type": "cancel"}
    database.record_orders(order(1, COURSE))
    database.record_orders(order(1, COURSE, refunds=[free]))

    assert statuses(database) == {COURSE: "refunded"}


def test_refunds_inside_an_order_add_up_to_the_whole_line(database: Database) -> None:
    bought = line(1, COURSE, quantity=3)
    first, second = refund(5, 1, **{COURSE: 1}), refund(6, 1, **{COURSE: 2})

    database.record_orders(order(1, bought, refunds=[first]))
    assert statuses(database) == {COURSE: "active"}
    database.record_orders(order(1, bought, refunds=[first, second]))
    assert statuses(database) == {COURSE: "refunded"}


def test_refunds_may_be_missing_or_null(database: Database) -> None:
    without = order(1, COURSE)
    del without["refunds"]

    assert database.record_orders(without, order(2, COURSE, refunds=None)) == ["recorded"] * 2


def test_an_order_first_recorded_when_it_is_over_is_recorded_as_over(database: Database) -> None:
    database.record_orders(
        order(1, COURSE, financial_status="refunded"), order(2, COURSE, cancelled_at=CANCELLED_AT)
    )

    assert statuses(database, 1) == {COURSE: "refunded"}
    assert statuses(database, 2) == {COURSE: "cancelled"}
    assert database.notifications(1) == database.notifications(2) == {}


def test_an_order_cancelled_before_it_was_paid_leaves_no_purchase(database: Database) -> None:
    database.record_orders(
        order(1, COURSE, financial_status="pending"),
        order(1, COURSE, financial_status="voided", cancelled_at=CANCELLED_AT),
    )

    assert database.purchases(1) == []


def test_the_admins_test_notification_grants_nothing(database: Database) -> None:
    test = order(
        820982911946154508,
        COURSE,
        email="jon@example.com",
        customer={"email": "john@example.com"},
        financial_status="voided",
        cancelled_at=CANCELLED_AT,
        test=True,
    )
    database.record_orders(test)

    assert database.purchases() == []
    assert database.claim() == []


@pytest.mark.parametrize("end", ["cancelled", "refunded"])
def test_what_is_over_stays_over_whatever_is_recorded_later(database: Database, end: str) -> None:
    over = {
        "cancelled": {"cancelled_at": CANCELLED_AT},
        "refunded": {"financial_status": "refunded"},
    }
    database.record_orders(order(1, COURSE, **over[end]))
    before = database.purchases()

    for stale in ("pending", "paid", "partially_refunded"):
        assert database.record_orders(order(1, COURSE, financial_status=stale)) == ["unchanged"]
    assert database.purchases() == before


def test_a_cancelled_purchase_may_still_become_refunded(database: Database) -> None:
    database.record_orders(order(1, COURSE, cancelled_at=CANCELLED_AT))
    database.record_orders(order(1, COURSE, financial_status="refunded", cancelled_at=CANCELLED_AT))
    assert statuses(database) == {COURSE: "refunded"}

    database.record_orders(order(1, COURSE, cancelled_at=CANCELLED_AT))
    assert statuses(database) == {COURSE: "refunded"}


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_an_end_set_by_hand_is_not_undone(database: Database, end: str) -> None:
    database.record_orders(order(1, COURSE))
    database.execute("update public.purchases set status = %s", end)

    assert database.record_orders(order(1, COURSE)) == ["unchanged"]
    assert statuses(database) == {COURSE: end}


class TestADeletedProduct:
    """Shopify then sends null for the line's product, for ever."""

    def gone(self, **fields: Any) -> dict[str, Any]:
        return line(1, COURSE, product_id=None, variant_id=None, product_exists=False, **fields)

    def test_takes_nothing_away(self, database: Database) -> None:
        database.record_orders(order(1, COURSE))
        before = database.purchases()

        assert database.record_orders(order(1, self.gone())) == ["unchanged"]
        assert database.purchases() == before

    def test_can_still_be_cancelled(self, database: Database) -> None:
        database.record_orders(order(1, COURSE))
        database.record_orders(order(1, self.gone(), cancelled_at=CANCELLED_AT))

        assert statuses(database) == {COURSE: "cancelled"}

    def test_can_still_be_refunded(self, database: Database) -> None:
        database.record_orders(order(1, COURSE))
        database.record_orders(order(1, self.gone(current_quantity=0)))

        assert statuses(database) == {COURSE: "refunded"}

    def test_keeps_its_end_when_it_is_recorded_first(self, database: Database) -> None:
        database.record_orders(order(1, self.gone(), cancelled_at=CANCELLED_AT))
        assert database.purchases(1) == []

        database.record_orders(order(1, COURSE))
        assert statuses(database) == {COURSE: "cancelled"}

    def test_keeps_the_product_recorded_first(self, database: Database) -> None:
        database.record_orders(order(1, COURSE))
        other = line(1, SPLINT, id=line(1, COURSE)["id"])

        assert database.record_orders(order(1, other)) == ["unchanged"]
        assert statuses(database) == {COURSE: "active"}
