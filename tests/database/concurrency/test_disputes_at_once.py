"""A dispute and the order that it is about take turns, whichever comes first."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.sessions import (
    background,
    record_disputes,
    record_orders,
    session,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, SPLINT, dispute, order, summary


def statuses(database: Database) -> set[str]:
    return {row["status"] for row in database.purchases()}


def test_a_new_order_and_its_dispute_at_once(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_orders(one, order(1, COURSE))
            second = run(record_disputes, two, dispute(5, 1))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    assert statuses(database) == {"cancelled"}


def test_a_dispute_and_the_order_that_comes_after_it_at_once(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_disputes(one, dispute(5, 1))
            second = run(record_orders, two, order(1, COURSE))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    assert statuses(database) == {"cancelled"}


@pytest.mark.parametrize("first", ["under_review", "won"])
def test_two_words_of_a_dispute_at_once_are_merged(database: Database, first: str) -> None:
    database.record_orders(order(1, COURSE))
    [then] = {"under_review", "won"} - {first}
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_disputes(one, dispute(5, 1, first))
            second = run(record_disputes, two, dispute(5, 1, then))
            wait_until_blocked(database, two)
        second.result()

    assert statuses(database) == {"active"}


def test_the_word_of_the_order_and_that_of_the_webhook_at_once_are_merged(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_disputes(one, dispute(5, 1))
            second = run(record_orders, two, order(1, COURSE, disputes=[summary(5, "won")]))
            wait_until_blocked(database, two)
        second.result()

    assert statuses(database) == {"active"}


def test_disputes_of_two_orders_in_opposite_orders_cannot_deadlock(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, SPLINT))
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_disputes(one, dispute(6, 2), dispute(5, 1))
            second = run(record_disputes, two, dispute(5, 1, "lost"), dispute(6, 2, "lost"))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"] * 2

    assert statuses(database) == {"cancelled"}


def test_a_dispute_that_is_recorded_while_the_switch_is_turned_is_set_right_the_next_time(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    with session(database) as one:
        with one.transaction():
            record_disputes(one, dispute(5, 1))
            database.call("honor_disputes", False)
        assert statuses(database) == {"cancelled"}

    [row] = database.call("honor_disputes", False)
    assert row["honor_disputes"] == 1
    assert statuses(database) == {"active"}
