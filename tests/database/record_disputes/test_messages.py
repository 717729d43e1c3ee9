"""A chargeback stops what customers are sent; winning it announces nothing a second time."""

from __future__ import annotations

from tests.database.outbox.support import (
    CANCEL,
    COURSE_ACCESS,
    TRIGGER,
    later,
    send_all_there_is,
    send_everything,
    statuses,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, days_ago, dispute, order

OPEN, WON = dispute(5, 1), dispute(5, 1, "won")


def test_a_run_is_cancelled_when_a_chargeback_opens_and_does_not_begin_again(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    assert send_everything(database) == [COURSE_ACCESS, TRIGGER]

    database.record_disputes(OPEN)
    assert [each["kind"] for each in send_all_there_is(database)] == [CANCEL]

    database.record_disputes(WON)
    database.record_orders(order(1, COURSE))
    assert send_all_there_is(database) == []


def test_an_inquiry_cancels_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)

    database.record_disputes(dispute(5, 1, kind="inquiry"))

    assert send_all_there_is(database) == []


def test_one_that_is_won_at_once_lets_the_run_go_on(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    database.record_disputes(OPEN)
    assert statuses(database)[CANCEL] == "pending"

    database.record_disputes(WON)

    assert statuses(database)[CANCEL] == "skipped"
    assert send_all_there_is(database) == []


def test_what_was_not_sent_yet_waits_for_the_end_of_the_dispute(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(OPEN)
    assert send_all_there_is(database) == []

    database.record_disputes(WON)

    assert send_everything(database) == [COURSE_ACCESS, TRIGGER]


def test_an_order_that_is_disputed_already_is_announced_once_it_is_won(database: Database) -> None:
    database.record_disputes(OPEN)
    database.record_orders(order(1, COURSE))
    assert send_all_there_is(database) == []

    database.record_disputes(WON)

    assert send_everything(database) == [COURSE_ACCESS, TRIGGER]


def test_what_is_bought_after_a_dispute_was_won_is_announced_alone(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    database.record_disputes(OPEN)
    send_all_there_is(database)
    database.record_disputes(WON)

    database.record_orders(order(1, COURSE, SPLINT))

    [added] = send_all_there_is(database)
    assert added["payload"]["products"] == [SPLINT]


def test_an_old_order_that_is_won_is_not_announced(database: Database) -> None:
    database.record_orders(order(1, COURSE, made_at=days_ago(30)))
    database.record_disputes(OPEN)
    later(database, 60)
    database.record_disputes(WON)

    assert send_all_there_is(database) == []
