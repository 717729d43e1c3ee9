"""When an order's address changes before its purchases belong to anybody, messages follow."""

from __future__ import annotations

import pytest

from tests.database.outbox.support import (
    CANCEL,
    COURSE_ACCESS,
    TRIGGER,
    claim_one,
    later,
    send_due,
    settle,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, Json, order, refund

TYPO, ADA = "adda@example.com", "ada@example.com"


def told(database: Database, email: str, second: int, *lines: str, **fields: object) -> None:
    event: Json = order(
        1, *(lines or (COURSE, SPLINT)), email=email, updated_at=f"2026-11-20T10:00:{second:02}Z"
    )
    database.record_orders({**event, **fields})


def send(database: Database) -> list[tuple[str, str]]:
    """What goes out within the next minutes, and to whom."""
    later(database, 120)
    return sorted((each["kind"], each["payload"]["email"]) for each in send_due(database))


@pytest.fixture(autouse=True)
def bought(database: Database) -> None:
    told(database, TYPO, 0)


def test_the_old_run_is_cancelled_and_the_new_address_gets_everything(database: Database) -> None:
    assert send(database) == [(COURSE_ACCESS, TYPO), (TRIGGER, TYPO)]
    told(database, ADA, 1)

    assert send(database) == [(COURSE_ACCESS, ADA), (TRIGGER, ADA), (CANCEL, TYPO)]
    runs = {(row["kind"], row["email"]): row["run"] for row in database.messages(1)}
    assert (runs[TRIGGER, ADA], runs[CANCEL, TYPO]) == (2, 1)


def test_nobody_waits_for_an_edit_at_the_new_address(database: Database) -> None:
    send(database)
    told(database, ADA, 1)

    assert {row["kind"] for row in database.claim()} == {TRIGGER, COURSE_ACCESS}


def test_the_old_address_gets_nothing_that_was_not_tried_yet(database: Database) -> None:
    told(database, ADA, 1)

    assert send(database) == [(COURSE_ACCESS, ADA), (TRIGGER, ADA)]


@pytest.mark.parametrize("result", ["retry", "dead"])
def test_what_was_tried_at_the_old_address_is_not_tried_again(
    database: Database, result: str
) -> None:
    for kind in (TRIGGER, COURSE_ACCESS):
        settle(database, claim_one(database, kind), result)
    told(database, ADA, 1)

    assert send(database) == [(COURSE_ACCESS, ADA), (TRIGGER, ADA), (CANCEL, TYPO)]


def test_an_address_is_told_once_whatever_flips_back_and_forth(database: Database) -> None:
    sent = send(database)
    for second, email in enumerate((ADA, TYPO, ADA, TYPO, ADA), start=1):
        told(database, email, second)
        sent += send(database)

    assert sorted(sent) == [
        (COURSE_ACCESS, ADA),
        (COURSE_ACCESS, TYPO),
        (TRIGGER, ADA),
        (TRIGGER, TYPO),
        (CANCEL, ADA),
        (CANCEL, TYPO),
    ]


def test_a_correction_that_is_taken_back_at_once_leaves_everything_as_it_was(
    database: Database,
) -> None:
    send(database)
    told(database, ADA, 1)
    told(database, TYPO, 2)

    assert send(database) == []


def test_only_what_is_still_active_is_told_at_the_new_address(database: Database) -> None:
    send(database)
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    told(database, ADA, 1)

    sent = [row for row in database.claim() if row["payload"].get("email") == ADA]
    assert [(row["kind"], row["payload"]["products"]) for row in sent] == [(TRIGGER, [SPLINT])]


def test_nothing_is_told_of_what_was_given_back(database: Database) -> None:
    send(database)
    database.record_refunds(refund(5, 1, **{COURSE: 1, SPLINT: 1}))
    assert send(database) == [(CANCEL, TYPO)]
    told(database, ADA, 1)

    assert send(database) == []


def test_nobody_is_written_to_of_what_belongs_to_an_account(database: Database) -> None:
    send(database)
    database.accounts.sign_up(TYPO)
    told(database, ADA, 1)

    assert send(database) == []


def test_what_is_added_for_the_corrected_customer_is_told_to_them_in_a_run_of_its_own(
    database: Database,
) -> None:
    send(database)
    database.accounts.sign_up(TYPO)
    told(database, ADA, 1, COURSE, SPLINT, PREMIUM)

    assert send(database) == [(COURSE_ACCESS, ADA), (TRIGGER, ADA)]
    [trigger] = [r for r in database.messages(1) if (r["kind"], r["email"]) == (TRIGGER, ADA)]
    assert (trigger["payload"]["products"], trigger["run"]) == ([PREMIUM], 2)


def test_the_course_email_says_of_the_account_what_is_true_at_the_new_address(
    database: Database,
) -> None:
    send(database)
    database.accounts.sign_up(ADA)
    told(database, ADA, 1)

    payload = database.notifications(1)[COURSE_ACCESS]["payload"]
    assert (payload["email"], payload["has_account"]) == (ADA, True)
