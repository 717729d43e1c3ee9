"""What a person may have sent again: safely, with a reason where it is a new message."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.database.outbox.support import (
    CANCEL,
    COURSE_ACCESS,
    TRIGGER,
    UPDATE,
    claim_one,
    later,
    send_all_there_is,
    send_everything,
    settle,
    statuses,
)
from tests.support.database import Database, Row
from tests.support.sessions import background, record_refunds, session, wait_until_blocked
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order, refund

LATER = "2999-01-01T00:00:00Z"


def message(database: Database, kind: str, status: str | None = None) -> Row:
    [found] = [
        row
        for row in database.messages(1)
        if row["kind"] == kind and status in (None, row["status"])
    ]
    return found


def give_up(database: Database, kind: str, *, is_refused: bool) -> Row:
    settle(database, claim_one(database, kind), "dead", error="no", is_refused=is_refused)
    return message(database, kind)


def retry(database: Database, *messages: Row, dry_run: bool = False) -> list[tuple[str, Any]]:
    ids = [str(each["id"]) for each in messages]
    rows = database.call("retry_notifications", ids, dry_run, "sue", " ")
    assert [str(row["id"]) for row in rows] == ids
    return [(row["outcome"], row["refusal"]) for row in rows]


def resend(database: Database, kind: str = COURSE_ACCESS, **changes: Any) -> list[Row]:
    values = {"order": "#1", "reason": "it is lost", "dry_run": False, **changes}
    return database.call(
        "resend_notification", values["order"], kind, values["reason"], "sue", values["dry_run"]
    )


def resend_and_give_up(database: Database, kind: str) -> Row:
    resend(database, kind)
    settle(database, claim_one(database, kind), "dead", error="no", is_refused=True)
    [dead] = [
        row
        for row in database.messages(1)
        if row["kind"] == kind and row["status"] == "dead" and row["resend_of"]
    ]
    return dead


def test_what_was_refused_is_sent_with_what_is_true_now_and_a_new_key(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT))
    dead = give_up(database, TRIGGER, is_refused=True)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))

    assert retry(database, dead) == [("retried", None)]
    again = claim_one(database, TRIGGER)
    assert again["id"] != dead["id"]
    assert again["payload"]["products"] == [COURSE]
    assert not again["payload"]["is_addition"]


def test_what_was_refused_goes_to_the_address_that_was_corrected_since(database: Database) -> None:
    database.record_orders(order(1, SPLINT, email="typo@example.com"))
    give_up(database, TRIGGER, is_refused=True)
    database.record_orders(order(1, SPLINT, updated_at=LATER))

    assert claim_one(database, TRIGGER)["payload"]["email"] == "ada@example.com"


@pytest.mark.parametrize("kind", [TRIGGER, COURSE_ACCESS])
def test_what_may_have_arrived_is_repeated_as_it_was(database: Database, kind: str) -> None:
    database.record_orders(order(1, COURSE))
    dead = give_up(database, kind, is_refused=False)

    assert retry(database, dead) == [("retried", None)]
    again = claim_one(database, kind)
    assert (again["id"], again["payload"]) == (dead["id"], dead["payload"])


def test_what_may_have_arrived_is_refused_once_its_key_is_forgotten(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    dead = give_up(database, COURSE_ACCESS, is_refused=False)
    later(database, 24 * 3600)

    [(outcome, reason)] = retry(database, dead)
    assert outcome == "refused" and "resend" in reason
    assert message(database, COURSE_ACCESS)["status"] == "dead"


@pytest.mark.parametrize("is_refused", [True, False])
def test_what_was_resent_since_is_not_retried_too(database: Database, *, is_refused: bool) -> None:
    database.record_orders(order(1, COURSE))
    dead = give_up(database, COURSE_ACCESS, is_refused=is_refused)
    resend(database)
    assert send_everything(database).count(COURSE_ACCESS) == 1

    assert retry(database, dead) == [("refused", "it was resent since")]
    assert send_everything(database) == []


def test_a_resent_message_that_was_given_up_is_retried_in_place_of_the_first(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    first = give_up(database, COURSE_ACCESS, is_refused=True)
    resent = resend_and_give_up(database, COURSE_ACCESS)

    assert [outcome for outcome, _ in retry(database, first, resent)] == ["refused", "retried"]
    assert send_everything(database).count(COURSE_ACCESS) == 1


@pytest.mark.parametrize("kind", [TRIGGER, COURSE_ACCESS])
def test_a_resent_message_is_not_retried_once_a_part_of_it_was_given_back(
    database: Database, kind: str
) -> None:
    database.record_orders(order(1, COURSE, PREMIUM))
    send_everything(database)
    dead = resend_and_give_up(database, kind)
    database.record_refunds(refund(5, 1, **{PREMIUM: 1}))

    [(outcome, reason)] = retry(database, dead)
    assert outcome == "refused" and "resend" in reason
    assert resend(database, kind)[0]["outcome"] == "enqueued"
    assert PREMIUM not in str(claim_one(database, kind)["payload"])


def test_a_resent_trigger_is_not_retried_into_a_run_that_was_cancelled(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    send_everything(database)
    dead = resend_and_give_up(database, TRIGGER)
    database.record_orders(order(1, SPLINT, email="new@example.com", updated_at=LATER))
    send_all_there_is(database)
    database.record_orders(order(1, SPLINT, updated_at="2999-01-02T00:00:00Z"))
    send_all_there_is(database)

    assert retry(database, dead) == [("refused", "its run was cancelled: resend it")]


def test_a_cancellation_still_waits_until_its_trigger_has_arrived(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    send_everything(database)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    waiting = message(database, CANCEL)

    [(outcome, _)] = retry(database, waiting)
    assert outcome == "refused"
    assert message(database, CANCEL)["due_at"] == waiting["due_at"]


def test_a_cancellation_that_waits_for_its_next_try_is_tried_now(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    send_everything(database)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    later(database, 60)
    settle(database, claim_one(database, CANCEL), "retry", retry_after_seconds=3600)

    assert retry(database, message(database, CANCEL)) == [("retried", None)]
    assert claim_one(database, CANCEL)


@pytest.mark.parametrize("is_refused", [True, False])
def test_what_has_lost_its_reason_is_refused(database: Database, *, is_refused: bool) -> None:
    database.record_orders(order(1, COURSE))
    dead = give_up(database, TRIGGER, is_refused=is_refused)
    database.record_refunds(refund(5, 1, **{COURSE: 1}))

    assert retry(database, dead) == [("refused", "it has lost its reason")]
    assert message(database, TRIGGER)["status"] == "dead"


def test_what_was_sent_or_is_unknown_is_refused(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)

    unknown = {"id": uuid4()}
    assert retry(database, message(database, TRIGGER), unknown) == [
        ("refused", "it was sent"),
        ("refused", "there is none with this id"),
    ]


def test_what_is_being_sent_is_refused(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    claim_one(database, TRIGGER)

    assert retry(database, message(database, TRIGGER)) == [("refused", "it is being sent")]


def test_what_waits_for_its_next_try_is_tried_now(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    settle(database, claim_one(database, TRIGGER), "retry", retry_after_seconds=3600)

    assert retry(database, message(database, TRIGGER)) == [("retried", None)]
    assert claim_one(database, TRIGGER)


@pytest.mark.parametrize("kind", [CANCEL, UPDATE])
def test_a_dead_cancellation_or_update_is_tried_again(database: Database, kind: str) -> None:
    database.record_orders(order(1, COURSE, SPLINT))
    send_everything(database)
    lost = {COURSE: 1} if kind == UPDATE else {COURSE: 1, SPLINT: 1}
    database.record_refunds(refund(5, 1, **lost))
    later(database, 60)
    dead = give_up(database, kind, is_refused=True)

    assert retry(database, dead) == [("retried", None)]
    assert send_everything(database) == [kind]


def test_a_dry_run_changes_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    dead = give_up(database, TRIGGER, is_refused=True)
    before = database.messages(1)

    assert retry(database, dead, dry_run=True) == [("retried", None)]
    send_everything(database)
    before = database.messages(1)
    [row] = resend(database, dry_run=True)
    assert row["outcome"] == "enqueued"
    assert database.messages(1) == before


def test_a_resent_email_is_a_new_message_about_all_that_is_still_active(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    database.record_orders(order(1, COURSE, PREMIUM))
    send_all_there_is(database)
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    [row] = resend(database)

    again = claim_one(database, COURSE_ACCESS)
    assert again["id"] == row["id"]
    assert [course["slug"] for course in again["payload"]["courses"]] == [PREMIUM]
    stored = message(database, COURSE_ACCESS, "pending")
    assert stored["resend_reason"] == "it is lost" and stored["resend_of"]


def test_a_resent_email_knows_of_the_account_that_there_is_now(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    database.accounts.sign_up("ada@example.com")
    resend(database)

    assert claim_one(database, COURSE_ACCESS)["payload"]["has_account"]


def test_a_run_that_was_cancelled_is_begun_anew_under_another_key(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    send_everything(database)
    database.record_orders(order(1, SPLINT, email="new@example.com", updated_at=LATER))
    send_all_there_is(database)
    database.record_orders(order(1, SPLINT, updated_at="2999-01-02T00:00:00Z"))
    send_all_there_is(database)
    resend(database, TRIGGER)

    again = claim_one(database, TRIGGER)["payload"]
    assert (again["email"], again["run"]) == ("ada@example.com", 3)


@pytest.mark.parametrize("name", ["1", "#1", "77"])
def test_an_order_is_found_by_its_id_and_by_its_number(database: Database, name: str) -> None:
    database.record_orders(order(1, COURSE, order_number=77))
    send_everything(database)

    [row] = resend(database, order=name if name != "#1" else "#77")
    assert row["outcome"] == "enqueued"


def test_what_is_not_active_any_more_is_not_resent(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    database.record_refunds(refund(5, 1, **{COURSE: 1}))

    [row] = resend(database)
    assert (row["outcome"], row["id"]) == ("refused", None)


def test_nothing_is_resent_while_one_is_waiting(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    assert resend(database)[0]["refusal"] == "one is waiting to be sent already"
    send_everything(database)

    assert [resend(database)[0]["outcome"] for _ in range(2)] == ["enqueued", "refused"]
    assert send_everything(database) == [COURSE_ACCESS]


def test_a_resent_message_that_is_not_true_any_more_is_withdrawn(database: Database) -> None:
    database.record_orders(order(1, COURSE, PREMIUM))
    send_everything(database)
    resend(database)
    database.record_refunds(refund(5, 1, **{PREMIUM: 1}))

    assert COURSE_ACCESS not in send_everything(database)


def test_a_resent_message_does_not_keep_what_is_added_from_being_announced(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    resend(database)
    database.record_orders(order(1, COURSE, PREMIUM))
    emails = [row for row in send_all_there_is(database) if row["kind"] == COURSE_ACCESS]

    assert sorted(each["payload"]["courses"][0]["slug"] for each in emails) == [PREMIUM, COURSE]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (COURSE_ACCESS, {"reason": " \t\n"}),
        (COURSE_ACCESS, {"reason": None}),
        (CANCEL, {}),
        (COURSE_ACCESS, {"order": "no such"}),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    database: Database, kind: str, changes: dict[str, Any]
) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    with pytest.raises(psycopg.Error) as refused:
        resend(database, kind, **changes)
    assert refused.value.sqlstate == "TH004"


def test_what_means_two_orders_is_an_error(database: Database) -> None:
    database.record_orders(order(1, COURSE, order_number=2), order(2, COURSE, order_number=3))
    send_everything(database)
    with pytest.raises(psycopg.Error, match="more than one order"):
        resend(database, order="2")
    assert resend(database, order="3")[0]["outcome"] == "enqueued"


def test_a_resend_waits_for_a_refund_and_sees_it(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    query = "select outcome from public.resend_notification('1', 'course_access', 'lost', 'sue')"
    with session(database) as shop, session(database) as person, background() as run:
        with shop.transaction():
            record_refunds(shop, refund(5, 1, **{COURSE: 1}))
            asked = run(person.execute, query)
            wait_until_blocked(database, person)
        assert [row["outcome"] for row in asked.result().fetchall()] == ["refused"]


def test_of_two_resends_at_once_one_is_refused(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    query = "select outcome from public.resend_notification('1', 'course_access', 'lost', 'sue')"
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            assert [row["outcome"] for row in one.execute(query)] == ["enqueued"]
            asked = run(two.execute, query)
            wait_until_blocked(database, two)
        assert [row["outcome"] for row in asked.result().fetchall()] == ["refused"]


def test_messages_are_listed_by_order_or_by_state_and_in_pages(database: Database) -> None:
    for number in range(1, 4):
        database.record_orders(order(number, COURSE, order_number=1000 + number))

    def listed(*arguments: Any) -> list[str]:
        rows = database.call("list_notifications", *arguments)
        return [f"{row['kind']} {row['order_number']}" for row in rows]

    assert sorted(listed("#1002", None, None, 10)) == ["course_access 1002", "post_purchase 1002"]
    assert listed(None, "dead", None, 10) == []
    first = database.call("list_notifications", None, "pending", None, 4)
    second = database.call("list_notifications", None, "pending", first[-1]["id"], 4)
    assert len({row["id"] for row in [*first, *second]}) == 6
    with pytest.raises(psycopg.Error, match="of which order"):
        listed(None, None, None, 10)


def test_one_message_is_shown_whole(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    stored = message(database, TRIGGER)

    [row] = database.call("get_notification", stored["id"])
    assert row["get_notification"]["payload"] == stored["payload"]
    [row] = database.call("get_notification", uuid4())
    assert row["get_notification"] is None
    assert statuses(database)[TRIGGER] == "pending"
