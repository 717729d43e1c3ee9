"""A run that goes on is told what was lost of that which it announced."""

from __future__ import annotations

from tests.database.outbox.support import (
    CANCEL,
    TRIGGER,
    UPDATE,
    claim_one,
    later,
    result_of,
    send_everything,
    settle,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, order, refund


def start_run(database: Database, *lines: str) -> dict[str, str]:
    """The purchase of each product, by its id."""
    database.record_orders(order(1, *lines))
    send_everything(database)
    return {row["product_slug"]: str(row["id"]) for row in database.purchases(1)}


def updates(database: Database) -> list[list[str]]:
    """What the run is told that is due now, one list for each telling."""
    claimed = [row for row in database.claim("knock") if row["kind"] == UPDATE]
    database.settle(*(result_of(each, "sent") for each in claimed))
    assert all(set(each["payload"]) == {"order_id", "ended"} for each in claimed)
    return [each["payload"]["ended"] for each in claimed]


def test_a_run_is_told_at_once_what_was_given_back(database: Database) -> None:
    ids = start_run(database, COURSE, SPLINT)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))

    assert updates(database) == [[ids[SPLINT]]]


def test_it_is_told_the_whole_list_each_time_and_nothing_twice(database: Database) -> None:
    ids = start_run(database, COURSE, SPLINT, PREMIUM)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    assert updates(database) == [[ids[SPLINT]]]
    database.record_orders(order(1, COURSE, SPLINT, PREMIUM))
    assert updates(database) == []

    database.record_refunds(refund(6, 1, **{PREMIUM: 1}))
    assert updates(database) == [sorted([ids[SPLINT], ids[PREMIUM]])]


def test_what_comes_back_is_taken_off_the_list(database: Database) -> None:
    ids = start_run(database, COURSE, SPLINT)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    assert updates(database) == [[ids[SPLINT]]]

    database.record_orders(order(1, COURSE, line(1, SPLINT, quantity=2)))
    assert updates(database) == [[]]


def test_what_comes_back_before_it_was_told_is_never_told(database: Database) -> None:
    start_run(database, COURSE, SPLINT)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    database.record_orders(order(1, COURSE, line(1, SPLINT, quantity=2)))

    assert updates(database) == []


def test_what_was_never_announced_is_not_told_of(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT))
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))

    assert {row["kind"] for row in database.messages(1)} == {TRIGGER, "course_access"}


def test_a_run_that_lost_everything_is_cancelled_and_told_nothing(database: Database) -> None:
    start_run(database, COURSE, SPLINT)
    database.record_refunds(refund(5, 1, **{COURSE: 1, SPLINT: 1}))
    later(database, 60)

    assert send_everything(database) == [CANCEL]


def test_a_newer_word_takes_the_place_of_one_that_waits_for_another_try(
    database: Database,
) -> None:
    ids = start_run(database, COURSE, SPLINT, PREMIUM)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    settle(database, claim_one(database, UPDATE), "retry")
    database.record_refunds(refund(6, 1, **{PREMIUM: 1}))
    later(database, 3600)

    assert updates(database) == [sorted([ids[SPLINT], ids[PREMIUM]])]


def test_a_newer_word_waits_until_the_older_cannot_be_on_its_way_any_more(
    database: Database,
) -> None:
    ids = start_run(database, COURSE, SPLINT, PREMIUM)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    claim_one(database, UPDATE)
    database.record_refunds(refund(6, 1, **{PREMIUM: 1}))
    assert updates(database) == []

    later(database, 61)
    assert updates(database) == [sorted([ids[SPLINT], ids[PREMIUM]])]


def test_the_run_of_an_exchange_is_told_of_its_own_losses_alone(database: Database) -> None:
    ids = start_run(database, SPLINT)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    database.record_orders(order(1, SPLINT, COURSE, PREMIUM))
    later(database, 60)
    send_everything(database)
    ids = {row["product_slug"]: str(row["id"]) for row in database.purchases(1)}
    database.record_refunds(refund(6, 1, **{PREMIUM: 1}))

    assert updates(database) == [[ids[PREMIUM]]]
