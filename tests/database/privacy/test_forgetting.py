"""What becomes of access and of messages when a person is forgotten."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.database.operators.support import act, audited, purchase_id
from tests.database.outbox.support import later, result_of, send_due, send_everything
from tests.database.privacy.support import (
    ADA,
    BODIES,
    GRACE,
    export,
    forget,
    places,
    plant,
    reject,
)
from tests.support.database import Database
from tests.support.everything import everything
from tests.support.shopify import COURSE, PREMIUM, SPLINT, days_ago, dispute, order


def test_what_an_account_owns_stays_theirs_and_it_is_said_beforehand(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, COURSE, email=ADA))

    answer = forget(database)

    assert answer["account"] == ada
    assert answer["keeps_access"] == [{"product": COURSE, "user_id": ada}]
    assert answer["loses_access"] == []
    assert database.accounts.has_access(ada, COURSE)
    database.record_orders(order(1, COURSE, email=ADA, updated_at="2999-01-01T00:00:00Z"))
    assert database.accounts.has_access(ada, COURSE)


def test_what_nobody_owns_ends_for_good_and_it_is_said_beforehand(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    act(database, "grant_access", slug=SPLINT, recipient=ADA)

    answer = forget(database)

    assert answer["keeps_access"] == []
    assert answer["loses_access"] == [
        {"product": COURSE, "order_number": "1"},
        {"product": SPLINT, "order_number": None},
    ]
    database.record_orders(order(1, COURSE, email=ADA, updated_at="2999-01-01T00:00:00Z"))
    ada = database.accounts.sign_up(ADA)
    assert [database.accounts.has_access(ada, slug) for slug in (COURSE, SPLINT)] == [False, False]
    assert database.rows("select distinct status from public.purchases") == [
        {"status": "cancelled"}
    ]


def test_what_nobody_owns_ends_for_good_also_if_a_chargeback_of_it_is_won(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    database.record_disputes(dispute(5, 1))
    forget(database)

    database.record_disputes(dispute(5, 1, "won"))

    assert [row["status"] for row in database.purchases()] == ["cancelled"]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_dry_run_says_the_same_and_changes_nothing(database: Database, *, is_known: bool) -> None:
    if is_known:
        plant(database)
    before = everything(database)

    told = forget(database, dry_run=True)

    assert everything(database) == before
    done = forget(database)
    assert (told.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert told == done


def test_who_buys_afterwards_is_a_new_customer(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    forget(database)
    later(database, 60)
    send_everything(database)

    database.record_orders(order(2, PREMIUM, email=ADA))

    ada = database.accounts.sign_up(ADA)
    assert database.accounts.has_access(ada, PREMIUM) and not database.accounts.has_access(
        ada, COURSE
    )
    assert send_everything(database) == ["course_access", "post_purchase"]
    assert forget(database)["keeps_access"] == [{"product": PREMIUM, "user_id": ada}]
    assert [each for each in places(database) if "notifications" not in each] == []


def test_who_was_given_what_she_bought_keeps_it(database: Database) -> None:
    grace = database.accounts.sign_up(GRACE)
    database.record_orders(order(1, COURSE, email=ADA), order(2, PREMIUM, email=ADA))
    act(database, "transfer_order", order_name="1", address=GRACE)
    act(database, "transfer_purchase", purchase_id=purchase_id(database, 2), address=GRACE)

    forget(database)
    database.record_orders(order(1, COURSE, email=ADA), order(2, PREMIUM, email=ADA))

    assert database.accounts.has_access(grace, COURSE) and database.accounts.has_access(
        grace, PREMIUM
    )


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_she_was_given_does_not_go_back(database: Database, *, is_whole: bool) -> None:
    grace = database.accounts.sign_up(GRACE)
    database.record_orders(order(1, COURSE, email=GRACE))
    if is_whole:
        act(database, "transfer_order", order_name="1", address=ADA)
    else:
        act(database, "transfer_purchase", purchase_id=purchase_id(database, 1), address=ADA)

    forget(database)
    database.record_orders(order(1, COURSE, email=GRACE, updated_at="2999-01-01T00:00:00Z"))

    assert not database.accounts.has_access(grace, COURSE)
    assert database.value("select shopify_customer_email from public.purchases") == ""


def test_somebody_else_s_order_with_a_conflict_is_not_touched(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, COURSE, email=ADA))
    database.record_orders(order(1, COURSE, email=GRACE, updated_at="2999-01-01T00:00:00Z"))

    forget(database)

    assert database.accounts.has_access(ada, COURSE)
    assert database.value("select email from thetis.orders") == GRACE
    database.accounts.delete(ada)
    assert database.accounts.has_access(database.accounts.sign_up(GRACE), COURSE)


def test_knock_is_told_to_stop_what_runs_and_to_delete_her_when_nothing_is_on_its_way(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE, email=ADA), order(2, SPLINT, email=ADA))
    [first, second] = sorted(database.claim("knock"), key=lambda each: each["shopify_order_id"])
    database.settle(result_of(first, "sent"))

    forget(database)

    assert send_due(database) == []
    assert database.settle(result_of(second, "retry", error="later")) == []
    later(database, 60)
    later(database, 60)
    [told] = send_due(database)
    assert (told["kind"], told["shopify_order_id"]) == ("forget_recipient", None)
    assert told["payload"] == {
        "email": ADA,
        "runs": [{"order_id": "1", "run": 1}, {"order_id": "2", "run": 1}],
    }


def test_a_run_that_was_cancelled_is_not_stopped_again(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    send_everything(database)
    database.record_orders(order(1, COURSE, email=ADA, cancelled_at="2026-11-25T10:00:00Z"))
    later(database, 60)
    assert send_everything(database) == ["post_purchase_cancel"]

    forget(database)

    later(database, 60)
    [told] = send_due(database)
    assert told["payload"] == {"email": ADA, "runs": []}


def test_what_knock_would_not_do_may_be_retried(database: Database) -> None:
    forget(database)
    [claimed] = database.claim("knock")
    database.settle(result_of(claimed, "dead", error="no"))

    [retried] = database.call("retry_notifications", [str(claimed["id"])], False, "sue")

    assert retried["outcome"] == "retried"
    assert send_everything(database) == ["forget_recipient"]
    [refused] = database.call("retry_notifications", [str(claimed["id"])], False, "sue")
    assert refused["outcome"] == "refused"


def test_messages_to_two_who_are_forgotten_do_not_collide(database: Database) -> None:
    """Both run 1 of one order, and both emptied."""
    database.record_orders(order(1, COURSE, PREMIUM, email=ADA))
    bought = purchase_id(database, 1, COURSE)
    act(database, "transfer_purchase", purchase_id=bought, address=GRACE)
    send_everything(database)
    database.record_orders(order(1, COURSE, PREMIUM, cancelled_at="2026-11-25T10:00:00Z"))
    database.record_orders(order(2, COURSE, PREMIUM, email=ADA))
    bought = purchase_id(database, 2, COURSE)
    act(database, "transfer_purchase", purchase_id=bought, address=GRACE)

    for address in (ADA, GRACE):
        forget(database, address)

    assert (
        database.value(
            "select count(*) from thetis.notifications where email = '' and status = 'pending'"
        )
        == 0
    )


def test_an_emptied_message_is_neither_retried_nor_brought_back(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    send_everything(database)
    database.record_orders(order(1, COURSE, email=ADA, cancelled_at="2026-11-25T10:00:00Z"))
    forget(database)
    ids = [str(row["id"]) for row in database.messages(1)]

    retried = database.call("retry_notifications", ids, False, "sue")

    assert {each["outcome"] for each in retried} == {"refused"}
    later(database, 60)
    assert send_everything(database) == ["forget_recipient"]
    act(database, "transfer_order", order_name="1", address=GRACE)
    later(database, 60)
    assert send_everything(database) == []


def test_what_looks_like_the_address_and_is_not_stays(database: Database) -> None:
    others = ["xada.lovelace@example.com", "ada.lovelace@example.com.org", "ada@example.com"]
    for number, other in enumerate(others, 1):
        database.record_orders(order(number, COURSE, email=other))
        reject(database, other.encode())
        act(database, "grant_access", slug=COURSE, recipient=other, reason=f"{other} asked")
    reject(database, BODIES[0])
    before = everything(database)

    forget(database)

    after = everything(database)
    for table in ("public.purchases", "thetis.orders", "thetis.audit_log"):
        assert [row for row in before[table] if row not in after[table]] == []
    assert len(after["thetis.rejected_webhooks"]) == len(others)


def test_that_somebody_was_forgotten_and_why_is_written_down_without_them(
    database: Database,
) -> None:
    forget(database, reason=f"{ADA.upper()} wrote to us")

    [row] = audited(database)
    assert (row["operator"], row["action"], row["email"]) == ("sue", "forget", None)
    assert row["reason"] == "[address] wrote to us"
    assert set(row["after"]) >= {"orders", "purchases"}


def test_the_audit_log_lets_a_person_be_struck_out_and_nothing_else(database: Database) -> None:
    act(database, "grant_access", slug=COURSE, recipient=ADA)

    for change in (
        "after = '{}'",
        "shopify_order_id = '7'",
        "purchase_id = null",
        "action = 'show'",
    ):
        with pytest.raises(psycopg.Error) as error:
            database.execute(f"update thetis.audit_log set erased_at = now(), {change}")
        assert error.value.sqlstate == "TH007"
    forget(database)

    assert (
        database.value(
            "select count(*) from thetis.audit_log where erased_at is not null and after is null"
        )
        == 1
    )


def test_who_has_an_address_that_nobody_should_have_is_forgotten(database: Database) -> None:
    twice = f"{ADA}@example.com"
    database.record_orders(order(1, COURSE, email=twice), order(2, COURSE, email=twice))
    assert len(export(database, twice)["orders"]) == 2

    database.call(
        "record_privacy_request",
        {"topic": "customers/redact", "email": twice, "shopify_order_ids": ["1"]},
    )
    database.record_orders(order(3, COURSE, email=twice))
    forget(database, twice)

    assert database.value("select count(*) from thetis.orders where email is not null") == 0


@pytest.mark.parametrize("function", ["forget_customer", "export_customer"])
@pytest.mark.parametrize(("address", "words"), [("ada", "address"), ("", "address")])
def test_what_is_no_address_is_refused(
    database: Database, function: str, address: str, words: str
) -> None:
    values = {"reason": "asked"} if function == "forget_customer" else {}
    arguments = [address, *values.values(), "sue"]

    with pytest.raises(psycopg.Error, match=words) as error:
        database.call(function, *arguments)

    assert error.value.sqlstate == "TH004"


def test_before_the_cut_over_is_done_nobody_is_forgotten(own_database: Database) -> None:
    own_database.execute("create table public.enrollments (id int)")

    with pytest.raises(psycopg.Error, match="cut-over") as error:
        forget(own_database)

    assert error.value.sqlstate == "TH005"


def test_an_old_order_of_her_that_was_never_heard_of_is_nobodys(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    forget(database)

    assert database.record_orders(order(1, COURSE, email=ADA, made_at=days_ago(1))) == ["recorded"]

    assert not database.accounts.has_access(ada, COURSE)
    assert database.messages(1) == []
    assert database.record_orders(order(1, COURSE, email=None, made_at=days_ago(1))) == [
        "unchanged"
    ]


@pytest.mark.parametrize(("seconds_before", "has_access"), [(0, True), (1, False)])
def test_who_buys_in_the_second_of_the_forgetting_is_a_new_customer(
    database: Database, seconds_before: int, *, has_access: bool
) -> None:
    """Shopify tells no more than the second. Orders that were known bear a mark of their own."""
    ada = database.accounts.sign_up(ADA)
    forget(database)
    second = database.value("select date_trunc('second', erased_at) from thetis.erased_addresses")

    database.record_orders(
        order(1, COURSE, email=ADA, made_at=second - timedelta(seconds=seconds_before))
    )

    assert database.accounts.has_access(ada, COURSE) is has_access
