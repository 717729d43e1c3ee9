"""Any number of workers, and the events that change what they are about to send."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.database import Database
from tests.support.sessions import (
    background,
    claim,
    record_orders,
    record_refunds,
    session,
    settle,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order, refund

TRIGGER, CANCEL, COURSE_ACCESS = "post_purchase", "post_purchase_cancel", "course_access"

LEASE_ENDS = "update thetis.notifications set due_at = now(), leased_until = now()"


def statuses(database: Database) -> dict[str, str]:
    return {kind: row["status"] for kind, row in database.notifications(1).items()}


def test_two_workers_share_what_is_due_without_waiting(database: Database) -> None:
    database.record_orders(*(order(n, SPLINT) for n in range(1, 13)))
    with session(database) as one, session(database) as two, one.transaction():
        two.execute("set lock_timeout = '2s'")
        first, second = claim(one), claim(two)

    assert (len(first), len(second)) == (10, 2)
    assert not {row["id"] for row in first} & {row["id"] for row in second}


def test_a_worker_that_claims_does_not_hold_up_the_other_provider(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    with session(database) as one, session(database) as two, one.transaction():
        two.execute("set lock_timeout = '2s'")
        assert [row["kind"] for row in claim(one, "knock")] == [TRIGGER]
        assert [row["kind"] for row in claim(two, "resend")] == ["course_access"]


def test_what_a_worker_claimed_in_vain_is_due_at_once(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    with session(database) as one, session(database) as two:
        with one.transaction(force_rollback=True):
            assert len(claim(one)) == 1
        assert [row["attempt"] for row in claim(two)] == [1]


@pytest.mark.parametrize(("result", "becomes"), [("retry", []), ("dead", []), ("sent", ["sent"])])
def test_a_late_result_waits_for_the_second_lease_and_is_recorded_only_if_it_was_sent(
    database: Database, result: str, becomes: list[str]
) -> None:
    database.record_orders(order(1, SPLINT))
    with session(database) as one, session(database) as two, background() as run:
        [late] = claim(one)
        database.execute(LEASE_ENDS)
        with two.transaction():
            [current] = claim(two)
            settled = run(settle, one, late, result)
            wait_until_blocked(database, one)
        assert settled.result() == becomes
        assert settle(two, current, "retry") == ([] if becomes else ["pending"])


def test_a_message_is_not_claimed_while_its_late_result_is_written(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    with session(database) as one, session(database) as two:
        two.execute("set lock_timeout = '2s'")
        [late] = claim(one)
        database.execute(LEASE_ENDS)
        with one.transaction():
            settle(one, late, "sent")
            assert claim(two) == []
        assert claim(two) == []


def test_a_result_waits_for_the_burial_and_what_was_sent_rises_again(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    with session(database) as one, session(database) as two, background() as run:
        [late] = claim(one)
        database.execute(LEASE_ENDS + ", uncertain_since = now() - interval '24 hours'")
        with two.transaction():
            assert claim(two) == []
            settled = run(settle, one, late, "sent")
            wait_until_blocked(database, one)
        assert settled.result() == ["sent"]

    assert statuses(database) == {TRIGGER: "sent"}


def test_a_refund_waits_for_a_claim_and_then_cancels_the_run(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    with session(database) as shop, session(database) as worker, background() as run:
        with worker.transaction():
            [claimed] = claim(worker)
            refunded = run(record_refunds, shop, refund(5, 1, **{SPLINT: 1}))
            wait_until_blocked(database, shop)
        refunded.result()
        assert statuses(database) == {TRIGGER: "skipped", CANCEL: "pending"}
        assert settle(worker, claimed, "sent") == ["sent"]


def test_what_a_refund_is_about_to_withdraw_is_not_claimed(database: Database) -> None:
    database.record_orders(order(1, SPLINT))
    with session(database) as shop, session(database) as worker:
        worker.execute("set lock_timeout = '2s'")
        with shop.transaction():
            record_refunds(shop, refund(5, 1, **{SPLINT: 1}))
            assert claim(worker) == []
        assert claim(worker) == []

    assert statuses(database) == {TRIGGER: "skipped"}


def test_an_added_line_waits_for_a_claim_and_leaves_what_is_sent_as_it_is(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    with session(database) as shop, session(database) as worker, background() as run:
        with worker.transaction():
            handed_out = {
                row["kind"]: row["payload"]
                for provider in ("knock", "resend")
                for row in claim(worker, provider)
            }
            recorded = run(record_orders, shop, order(1, COURSE, PREMIUM))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    tried, added = by_attempts(database)
    assert tried == handed_out
    assert {kind: payload["is_addition"] for kind, payload in added.items()} == {
        TRIGGER: True,
        COURSE_ACCESS: True,
    }
    assert added[TRIGGER]["products"] == [PREMIUM]


def test_a_corrected_address_waits_for_a_claim_and_leaves_what_is_sent_as_it_is(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE, email="typo@example.com"))
    with session(database) as shop, session(database) as worker, background() as run:
        with worker.transaction():
            handed_out = {
                row["kind"]: row["payload"]
                for provider in ("knock", "resend")
                for row in claim(worker, provider)
            }
            corrected = order(1, COURSE, updated_at="2999-01-01T00:00:00Z")
            recorded = run(record_orders, shop, corrected)
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    tried, new = by_attempts(database)
    assert tried == handed_out
    assert {kind: payload["email"] for kind, payload in new.items()} == {
        TRIGGER: "ada@example.com",
        COURSE_ACCESS: "ada@example.com",
        CANCEL: "typo@example.com",
    }


def by_attempts(database: Database) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the messages of the order say that were handed out, and what the others say."""
    tried: dict[str, Any] = {}
    untried: dict[str, Any] = {}
    for row in database.messages(1):
        (tried if row["attempts"] else untried)[row["kind"]] = row["payload"]
    return tried, untried


@pytest.mark.parametrize("is_correction", [True, False])
def test_results_and_a_batch_of_events_about_the_same_messages_do_not_deadlock(
    database: Database, *, is_correction: bool
) -> None:
    """The results come in another order than the events."""
    numbers = (1, 2, 3)
    database.record_orders(*(order(n, SPLINT, email="typo@example.com") for n in numbers))
    for n in numbers:
        renumber = "update thetis.notifications set id = %s where shopify_order_id = %s"
        database.execute(renumber, UUID(int=n), str(n))
    events = [
        order(n, SPLINT, updated_at="2999-01-01T00:00:00Z")
        if is_correction
        else order(n, SPLINT, cancelled_at="2026-11-20T10:00:00Z", email="typo@example.com")
        for n in (1, 2)
    ]
    results = [{"id": str(UUID(int=n)), "attempt": 1, "result": "retry"} for n in (2, 3, 1)]
    with (
        session(database) as holder,
        session(database) as shop,
        session(database) as worker,
        background() as run,
        background() as run_beside,
    ):
        claim(worker)
        with holder.transaction():
            hold = "select from thetis.notifications where shopify_order_id = '3' for update"
            holder.execute(hold)
            settle_all = "select * from public.settle_notifications(%s)"
            settled = run(worker.execute, settle_all, [Jsonb(results)])
            wait_until_blocked(database, worker)
            recorded = run_beside(record_orders, shop, *events)
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"] * 2
        assert len(settled.result().fetchall()) == 3
