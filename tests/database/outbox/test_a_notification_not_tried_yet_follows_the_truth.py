from __future__ import annotations

from tests.database.outbox.support import (
    CANCEL,
    COURSE_ACCESS,
    TRIGGER,
    claim_one,
    later,
    send_everything,
    settle,
    statuses,
)
from tests.support.database import Database, Row
from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, order, refund

LATER = "2999-01-01T00:00:00Z"


def payload(database: Database, kind: str) -> Row:
    return dict(database.notifications(1)[kind]["payload"])


def products(database: Database) -> list[str]:
    return list(payload(database, TRIGGER)["products"])


def courses(database: Database) -> list[str]:
    return [course["slug"] for course in payload(database, COURSE_ACCESS)["courses"]]


def test_a_line_that_was_added_is_told(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_orders(order(1, COURSE, PREMIUM, SPLINT))

    assert products(database) == [PREMIUM, SPLINT, COURSE]
    assert courses(database) == [PREMIUM, COURSE]


def test_a_line_that_was_refunded_is_not_told(database: Database) -> None:
    database.record_orders(order(1, COURSE, PREMIUM, SPLINT))
    database.record_refunds(refund(5, 1, **{PREMIUM: 1}))

    assert products(database) == [SPLINT, COURSE]
    assert courses(database) == [COURSE]


def test_a_corrected_address_is_written_to(database: Database) -> None:
    database.record_orders(order(1, COURSE, email="typo@example.com"))
    database.record_orders(order(1, COURSE, updated_at=LATER))

    assert payload(database, TRIGGER)["email"] == "ada@example.com"
    assert payload(database, COURSE_ACCESS)["email"] == "ada@example.com"


def test_what_has_lost_its_reason_is_skipped_and_never_handed_out(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT))
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    assert statuses(database) == {TRIGGER: "pending", COURSE_ACCESS: "skipped"}

    database.record_orders(order(1, COURSE, SPLINT, cancelled_at=LATER))
    assert statuses(database) == {TRIGGER: "skipped", COURSE_ACCESS: "skipped"}
    assert send_everything(database) == []


def test_what_was_skipped_is_enqueued_again_when_there_is_a_reason_again(
    database: Database,
) -> None:
    """The order was edited after the refund, or we hear of the edit late."""
    database.record_orders(order(1, COURSE))
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    assert statuses(database) == {TRIGGER: "skipped", COURSE_ACCESS: "skipped"}

    database.record_orders(order(1, line(1, COURSE, current_quantity=0), PREMIUM))
    assert products(database) == courses(database) == [PREMIUM]
    assert send_everything(database) == [COURSE_ACCESS, TRIGGER]


def test_what_is_enqueued_again_has_been_due_only_since_then(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    database.execute("update thetis.notifications set due_at = now() - interval '1 day'")
    database.record_orders(order(1, COURSE, SPLINT))

    backlog = {row["provider"]: row for row in database.call("notification_backlog")}
    assert backlog["knock"]["oldest_due_seconds"] < 60


def test_what_was_tried_keeps_saying_the_same(database: Database) -> None:
    """A retry must be identical, or the provider refuses the idempotency key."""
    database.record_orders(order(1, COURSE, SPLINT))
    before = database.messages(1)
    for kind in (TRIGGER, COURSE_ACCESS):
        settle(database, claim_one(database, kind), "retry")

    database.record_orders(order(1, COURSE, SPLINT, PREMIUM))
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    after = {row["id"]: row for row in database.messages(1)}
    for each in before:
        assert after[each["id"]]["payload"] == each["payload"]
        assert after[each["id"]]["status"] == "pending"


def test_what_was_tried_in_vain_is_skipped_once_it_has_no_reason(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    for kind in (TRIGGER, COURSE_ACCESS):
        settle(database, claim_one(database, kind), "retry")

    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    assert statuses(database) == {
        TRIGGER: "skipped",
        COURSE_ACCESS: "skipped",
        CANCEL: "pending",
    }


def _lose_what_was_tried(database: Database) -> None:
    """A course that was tried to be told of is given back."""
    database.record_orders(order(1, COURSE))
    for kind in (TRIGGER, COURSE_ACCESS):
        settle(database, claim_one(database, kind), "retry")
    database.record_refunds(refund(5, 1, **{COURSE: 1}))


def test_what_was_tried_in_vain_and_skipped_is_enqueued_again_as_it_was(database: Database) -> None:
    """We hear late that two were bought and one of them was kept."""
    _lose_what_was_tried(database)
    before = {kind: payload(database, kind) for kind in (TRIGGER, COURSE_ACCESS)}

    database.record_orders(order(1, line(1, COURSE, quantity=2)))

    assert statuses(database) == {
        TRIGGER: "pending",
        COURSE_ACCESS: "pending",
        CANCEL: "skipped",
    }
    assert {kind: payload(database, kind) for kind in (TRIGGER, COURSE_ACCESS)} == before
    assert send_everything(database) == [COURSE_ACCESS, TRIGGER]


def test_what_is_still_on_its_way_when_it_is_enqueued_again_waits_for_its_lease(
    database: Database,
) -> None:
    database.record_orders(order(1, SPLINT))
    claimed = claim_one(database, TRIGGER)
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    database.record_orders(order(1, SPLINT, COURSE))

    assert database.claim("knock") == []
    assert settle(database, claimed, "sent") == ["sent"]


def test_a_run_that_was_asked_to_stop_is_not_started_again(database: Database) -> None:
    _lose_what_was_tried(database)
    later(database, 60)
    assert send_everything(database) == [CANCEL]

    database.record_orders(order(1, line(1, COURSE, quantity=2)))
    assert statuses(database) == {TRIGGER: "skipped", COURSE_ACCESS: "pending", CANCEL: "sent"}


def test_what_was_sent_or_given_up_stays_as_it_was(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    settle(database, claim_one(database, TRIGGER), "sent")
    settle(database, claim_one(database, COURSE_ACCESS), "dead", error="no such address")
    before = database.messages(1)

    database.record_orders(order(1, COURSE, PREMIUM, email="new@example.com", updated_at=LATER))
    database.record_refunds(refund(5, 1, **{COURSE: 1, PREMIUM: 1}))
    after = {row["id"]: row for row in database.messages(1)}
    assert [after[each["id"]] for each in before] == before
