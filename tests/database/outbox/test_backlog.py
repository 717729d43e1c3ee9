from __future__ import annotations

import psycopg
import pytest

from tests.database.outbox.support import COURSE_ACCESS, TRIGGER, claim_one, settle
from tests.support.database import Database, Row
from tests.support.shopify import COURSE, SPLINT, order, refund

NOTHING = {"pending": 0, "oldest_due_seconds": 0, "dead": 0}


def backlog(database: Database) -> dict[str, Row]:
    rows = database.call("notification_backlog")
    return {row.pop("provider"): row for row in rows}


def test_an_empty_outbox_has_a_line_for_each_provider(database: Database) -> None:
    assert backlog(database) == {"knock": NOTHING, "resend": NOTHING}


def test_what_is_enqueued_is_pending_and_what_is_done_is_not(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, SPLINT))
    assert {name: row["pending"] for name, row in backlog(database).items()} == {
        "knock": 2,
        "resend": 1,
    }

    database.record_refunds(refund(5, 2, **{SPLINT: 1}))  # withdrawn
    settle(database, claim_one(database, COURSE_ACCESS), "sent")
    assert {name: row["pending"] for name, row in backlog(database).items()} == {
        "knock": 1,
        "resend": 0,
    }


def test_what_was_given_up_is_counted_apart(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    settle(database, claim_one(database, COURSE_ACCESS), "dead")

    assert backlog(database)["resend"] == {**NOTHING, "dead": 1}
    assert backlog(database)["knock"]["dead"] == 0


def test_the_age_is_that_of_the_longest_due(database: Database) -> None:
    database.record_orders(order(1, SPLINT), order(2, SPLINT))
    database.execute(
        "update thetis.notifications set due_at = now() - interval '10 minutes'"
        " where shopify_order_id = '1'"
    )

    assert 600 <= backlog(database)["knock"]["oldest_due_seconds"] < 660
    assert backlog(database)["resend"]["oldest_due_seconds"] == 0


def test_what_waits_for_its_time_has_no_age(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))
    database.claim("knock")
    for row in database.claim("resend"):
        settle(database, row, "retry")

    found = backlog(database)
    assert found["knock"] == {**NOTHING, "pending": 2}
    assert found["resend"] == {**NOTHING, "pending": 2}


@pytest.mark.parametrize(
    "query",
    [
        "select * from public.claim_notifications('knock')",
        "select * from public.settle_notifications('[]')",
        "select * from public.notification_backlog()",
        "select public.store_rejected_webhook('orders/paid', null, '', 'no reason')",
    ],
)
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_only_the_service_may_touch_the_outbox(database: Database, role: str, query: str) -> None:
    with database.as_role(role) as caller, pytest.raises(psycopg.errors.InsufficientPrivilege):
        caller.execute(query)


def test_the_outbox_knows_its_kinds(database: Database) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute(
            "insert into thetis.notifications (kind, shopify_order_id, payload)"
            " values ('pigeon.send', '1', '{}')"
        )
    database.record_orders(order(1, COURSE))
    assert database.notifications(1)[TRIGGER]["provider"] == "knock"
