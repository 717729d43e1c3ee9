"""Short ways to be the service that sends notifications, and to let time pass."""

from __future__ import annotations

from typing import Any

from tests.support.database import Database, Row

TRIGGER, COURSE_ACCESS = "post_purchase", "course_access"
UPDATE, CANCEL = "post_purchase_update", "post_purchase_cancel"
PROVIDERS = {TRIGGER: "knock", UPDATE: "knock", CANCEL: "knock", COURSE_ACCESS: "resend"}


def result_of(claimed: Row, result: str, **fields: Any) -> Row:
    """What the service says of one attempt."""
    return {"id": str(claimed["id"]), "attempt": claimed["attempt"], "result": result, **fields}


def claim_one(database: Database, kind: str) -> Row:
    """Claims what this kind's provider is enqueued, and returns the message of this kind."""
    [found] = [row for row in database.claim(PROVIDERS[kind]) if row["kind"] == kind]
    return found


def settle(database: Database, claimed: Row, result: str, **fields: Any) -> list[str]:
    """The new status, in a list; empty if nothing changed."""
    return [row["status"] for row in database.settle(result_of(claimed, result, **fields))]


def send_due(database: Database) -> list[Row]:
    """The messages that were due and are sent now."""
    claimed = database.claim()
    database.settle(*(result_of(each, "sent") for each in claimed))
    return claimed


def send_everything(database: Database) -> list[str]:
    """The kinds of the messages that were due and are sent now."""
    return sorted(each["kind"] for each in send_due(database))


def send_all_there_is(database: Database) -> list[Row]:
    """The messages that are sent when time enough has passed, in the order in which they go out."""
    sent: list[Row] = []
    later(database, 60)
    while due := send_due(database):
        sent += due
        later(database, 60)
    return sent


def statuses(database: Database, order_id: int = 1) -> dict[str, str]:
    return {kind: row["status"] for kind, row in database.notifications(order_id).items()}


def later(database: Database, seconds: float) -> None:
    """As if so much time had passed since everything that happened to the messages."""
    database.execute(
        "update thetis.notifications set"
        " due_at = due_at - make_interval(secs => %(s)s),"
        " leased_until = leased_until - make_interval(secs => %(s)s),"
        " claimed_at = claimed_at - make_interval(secs => %(s)s),"
        " uncertain_since = uncertain_since - make_interval(secs => %(s)s),"
        " settled_at = settled_at - make_interval(secs => %(s)s)".replace("%(s)s", str(seconds))
    )
