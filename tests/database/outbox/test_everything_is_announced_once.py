"""Each purchase is named in one trigger, and each course in one email, whenever it comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.database.outbox.support import (
    CANCEL,
    COURSE_ACCESS,
    TRIGGER,
    claim_one,
    later,
    send_due,
    send_everything,
    settle,
)
from tests.support.database import Database, Row
from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, order, refund


def of_kind(rows: list[Row], kind: str) -> list[dict[str, Any]]:
    return [row["payload"] for row in rows if row["kind"] == kind]


def test_a_line_added_later_is_announced_by_messages_of_its_own(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    first = send_due(database)
    database.record_orders(order(1, COURSE, PREMIUM, SPLINT))
    later(database, 30)
    second = send_due(database)

    [trigger], [email] = of_kind(second, TRIGGER), of_kind(second, COURSE_ACCESS)
    assert (trigger["products"], trigger["categories"]) == ([PREMIUM, SPLINT], ["course", "device"])
    assert [course["slug"] for course in email["courses"]] == [PREMIUM]
    assert trigger["is_addition"] and email["is_addition"]
    assert not {row["id"] for row in first} & {row["id"] for row in second}


def test_an_addition_shares_the_run_of_its_order_so_that_one_cancellation_ends_both(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    send_due(database)
    database.record_orders(order(1, COURSE, SPLINT))
    later(database, 30)
    [trigger] = of_kind(send_due(database), TRIGGER)
    assert trigger["run"] == 1

    database.record_orders(order(1, COURSE, SPLINT, cancelled_at="2026-11-20T10:00:00Z"))
    later(database, 60)
    [cancellation] = send_due(database)
    assert cancellation["payload"] == {"order_id": "1", "run": 1, "email": "ada@example.com"}


def test_an_addition_waits_so_that_what_is_told_in_two_webhooks_goes_together(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    send_due(database)
    database.record_orders(order(1, COURSE, PREMIUM))
    assert send_due(database) == []
    later(database, 20)
    database.record_orders(order(1, COURSE, PREMIUM, SPLINT))
    assert send_due(database) == []

    later(database, 10)
    [trigger] = of_kind(send_due(database), TRIGGER)
    assert trigger["products"] == [PREMIUM, SPLINT]


def test_the_first_message_of_an_order_waits_for_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    waits = [row["due_at"] - datetime.now(UTC) for row in database.messages(1)]
    assert waits and all(wait <= timedelta(0) for wait in waits)


def test_a_device_added_to_a_course_enqueues_no_second_email(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_due(database)
    database.record_orders(order(1, COURSE, SPLINT))
    later(database, 30)

    assert send_everything(database) == [TRIGGER]


@pytest.mark.parametrize("result", ["retry", "dead"])
def test_what_was_tried_is_not_named_by_the_next_message(database: Database, result: str) -> None:
    """It may have arrived; or a person looks after it."""
    database.record_orders(order(1, COURSE))
    for kind in (TRIGGER, COURSE_ACCESS):
        settle(database, claim_one(database, kind), result)
    database.record_orders(order(1, COURSE, PREMIUM))

    untried = [row["payload"] for row in database.messages(1) if not row["attempts"]]
    assert sorted(str(each.get("products") or each["courses"][0]["slug"]) for each in untried) == [
        str([PREMIUM]),
        PREMIUM,
    ]


def test_what_certainly_reached_nobody_and_was_withdrawn_is_announced_when_it_comes_back(
    database: Database,
) -> None:
    database.record_orders(order(1, SPLINT))
    settle(database, claim_one(database, TRIGGER), "retry", is_refused=True)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    assert [row["kind"] for row in database.messages(1)] == [TRIGGER]

    database.record_orders(order(1, line(1, SPLINT, quantity=2)))
    later(database, 60)
    [trigger] = of_kind(send_due(database), TRIGGER)
    assert (trigger["products"], trigger["is_addition"]) == ([SPLINT], False)


def test_what_is_bought_in_exchange_gets_a_run_that_the_cancellation_cannot_end(
    database: Database,
) -> None:
    """A splint for one of another size, paid a while after the first was taken out."""
    database.record_orders(order(1, line(1, SPLINT, id=11)))
    send_due(database)
    removed = line(1, SPLINT, id=11, current_quantity=0)
    database.record_orders(order(1, removed))
    database.record_orders(order(1, removed, line(1, SPLINT, id=12)))
    later(database, 60)
    sent = send_due(database)

    [trigger], [cancellation] = of_kind(sent, TRIGGER), of_kind(sent, CANCEL)
    assert (trigger["products"], trigger["run"], cancellation["run"]) == ([SPLINT], 2, 1)


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_run_after_a_cancellation_is_another_whether_that_was_sent_or_not(
    database: Database, *, is_sent: bool
) -> None:
    database.record_orders(order(1, SPLINT))
    send_due(database)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    later(database, 60)
    if is_sent:
        assert send_everything(database) == [CANCEL]
    database.record_orders(order(1, SPLINT, COURSE))
    later(database, 60)

    [trigger] = of_kind(send_due(database), TRIGGER)
    assert trigger["run"] == 2
    database.record_orders(order(1, SPLINT, COURSE, cancelled_at="2026-11-20T10:00:00Z"))
    later(database, 60)
    assert [each["run"] for each in of_kind(send_due(database), CANCEL)] == [2]


def test_a_line_is_announced_once_whatever_is_told_again(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, SPLINT, COURSE))
    told = [
        order(1, COURSE, PREMIUM),
        order(2, SPLINT, COURSE, PREMIUM),
        order(1, line(1, COURSE, quantity=3), PREMIUM, SPLINT),
    ]
    sent: list[Row] = []
    for event in [*told, *told]:
        sent += send_due(database)
        database.record_orders(event)
        later(database, 31)
    sent += send_due(database)

    for order_id in ("1", "2"):
        for kind in (TRIGGER, COURSE_ACCESS):
            named = [
                purchase_id
                for row in database.messages(order_id)
                if row["kind"] == kind
                for purchase_id in row["purchase_ids"]
            ]
            assert len(named) == len(set(named)) == (3 if kind == TRIGGER else 2)
    assert len(sent) == len({row["id"] for row in sent})
