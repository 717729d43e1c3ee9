from __future__ import annotations

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, line_id, order, refund


def statuses(database: Database, order_id: int = 1) -> dict[str, str]:
    return {row["product_slug"]: row["status"] for row in database.purchases(order_id)}


def test_a_refund_of_a_whole_line_revokes_it_and_no_other(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT))

    assert database.record_refunds(refund(5, 1, **{COURSE: 1})) == ["recorded"]
    assert statuses(database) == {COURSE: "refunded", SPLINT: "active"}


def test_a_refund_of_a_part_revokes_nothing_until_the_parts_make_a_whole(
    database: Database,
) -> None:
    database.record_orders(order(1, line(1, SPLINT, quantity=3)))

    for refund_id in (5, 6):
        assert database.record_refunds(refund(refund_id, 1, **{SPLINT: 1})) == ["recorded"]
        assert statuses(database) == {SPLINT: "active"}
    database.record_refunds(refund(7, 1, **{SPLINT: 1}))
    assert statuses(database) == {SPLINT: "refunded"}


def test_the_same_refund_again_counts_once(database: Database) -> None:
    database.record_orders(order(1, line(1, SPLINT, quantity=2)))
    part = refund(5, 1, **{SPLINT: 1})
    database.record_refunds(part)
    before = database.purchases()

    assert database.record_refunds(part) == ["unchanged"]
    assert database.record_refunds(part, part) == ["unchanged"] * 2
    assert database.purchases() == before


def test_a_refund_inside_its_order_and_by_itself_counts_once(database: Database) -> None:
    part = refund(5, 1, **{SPLINT: 1})
    bought = line(1, SPLINT, quantity=2)

    database.record_orders(order(1, bought, refunds=[part]))
    assert database.record_refunds(part) == ["unchanged"]
    assert database.record_orders(order(1, bought, refunds=[part])) == ["unchanged"]
    assert statuses(database) == {SPLINT: "active"}


def test_a_refund_may_name_a_line_twice(database: Database) -> None:
    """So many of it restocked, so many not."""
    database.record_orders(order(1, line(1, SPLINT, quantity=3)))
    twice = refund(5, 1, **{SPLINT: 1})
    twice["refund_line_items"].append({"line_item_id": line_id(1, SPLINT), "quantity": 2})

    assert database.record_refunds(twice) == ["recorded"]
    assert statuses(database) == {SPLINT: "refunded"}


def test_a_refund_may_come_before_its_order(database: Database) -> None:
    assert database.record_refunds(refund(5, 1, **{COURSE: 1})) == ["recorded"]
    assert database.purchases(1) == []

    database.record_orders(order(1, COURSE, SPLINT))
    assert statuses(database) == {COURSE: "refunded", SPLINT: "active"}


def test_an_order_whose_refund_came_first_still_enqueues_for_what_is_left(
    database: Database,
) -> None:
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    database.record_orders(order(1, COURSE, SPLINT))

    trigger = database.notifications(1)["post_purchase"]
    assert trigger["payload"]["products"] == [SPLINT]
    assert "course_access" not in database.notifications(1)


def test_a_refund_of_an_amount_alone_is_ignored(database: Database) -> None:
    database.record_orders(order(1, COURSE))

    amount = {**refund(5, 1), "transactions": [{"amount": "149.00", "kind": "refund"}]}
    assert database.record_refunds(amount) == ["ignored"]
    assert statuses(database) == {COURSE: "active"}


def test_a_refund_of_other_lines_revokes_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))
    foreign = refund(5, 1, **{PREMIUM: 1})

    database.record_refunds(foreign)
    assert statuses(database, 1) == statuses(database, 2) == {COURSE: "active"}


def test_a_refund_of_none_of_a_line_revokes_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_refunds(refund(5, 1, **{COURSE: 0}))

    assert statuses(database) == {COURSE: "active"}


def test_a_refund_leaves_a_cancelled_line_refunded(database: Database) -> None:
    database.record_orders(order(1, COURSE, cancelled_at="2026-11-20T10:00:00Z"))
    database.record_refunds(refund(5, 1, **{COURSE: 1}))

    assert statuses(database) == {COURSE: "refunded"}


def test_a_refund_of_an_unpaid_order_makes_no_purchase(database: Database) -> None:
    database.record_orders(order(1, COURSE, financial_status="pending"))

    assert database.record_refunds(refund(5, 1, **{COURSE: 1})) == ["recorded"]
    assert database.purchases(1) == []


def test_a_refund_is_outgrown_when_more_was_bought_than_was_known(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    assert statuses(database) == {SPLINT: "refunded"}

    database.record_orders(order(1, line(1, SPLINT, quantity=2, current_quantity=1)))
    assert statuses(database) == {SPLINT: "active"}


def test_a_small_number_recorded_late_does_not_shrink_what_was_bought(database: Database) -> None:
    database.record_orders(order(1, line(1, SPLINT, quantity=2), financial_status="pending"))
    database.record_orders(order(1, line(1, SPLINT, quantity=1)))
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))

    assert statuses(database) == {SPLINT: "active"}


def test_refunds_of_several_orders_may_come_in_one_array(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE), order(3, COURSE))

    rows = database.call(
        "record_refunds", [refund(7, 3, **{COURSE: 1}), refund(6, 2), refund(5, 1, **{COURSE: 1})]
    )
    assert [row["shopify_order_id"] for row in rows] == ["3", "2", "1"]
    assert [row["outcome"] for row in rows] == ["recorded", "ignored", "recorded"]
    assert [row["status"] for row in database.purchases()] == ["refunded", "active", "refunded"]


def test_ids_above_what_a_float_holds_stay_exact(database: Database) -> None:
    order_id, item_id = 820982911946154508, 866550311766439021
    neighbour = item_id + 1
    lines = [line(order_id, COURSE, id=item_id), line(order_id, SPLINT, id=neighbour)]
    database.record_orders(order(order_id, *lines))
    database.record_refunds(
        {
            "id": str(890088186047892320),
            "order_id": order_id,
            "refund_line_items": [{"line_item_id": str(neighbour), "quantity": "1"}],
        }
    )

    assert statuses(database, order_id) == {COURSE: "active", SPLINT: "refunded"}
