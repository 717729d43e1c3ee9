"""What is not kept for ever, and what has to be."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.outbox.support import later, result_of, send_everything
from tests.database.privacy.support import ADA, GRACE, forget, reject
from tests.support.database import Database
from tests.support.everything import everything
from tests.support.shopify import COURSE, SPLINT, order

NOTHING = {
    "messages": 0,
    "withdrawn": 0,
    "rejected_webhooks": 0,
    "privacy_requests": 0,
    "untracked_sales": 0,
    "claim_codes": 0,
}


def prune(database: Database, older_than: str = "1 year", max_count: int = 1000) -> dict[str, int]:
    counts: dict[str, int] = database.call("prune", older_than, max_count)[0]["prune"]
    return counts


def two_years_pass(database: Database) -> None:
    later(database, 2 * 366 * 86400)
    for table, column in {
        "notifications": "enqueued_at",
        "rejected_webhooks": "replayed_at",
        "privacy_requests": "answered_at",
        "untracked_sales": "first_recorded_at",
    }.items():
        database.execute(f"update thetis.{table} set {column} = {column} - interval '2 years'")


def test_nothing_that_is_young_is_dropped(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT))
    send_everything(database)
    before = everything(database)

    assert prune(database) == NOTHING

    assert everything(database) == before


def test_an_old_message_tells_only_to_whom_it_was(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    two_years_pass(database)

    assert prune(database) == {**NOTHING, "messages": 2}
    assert prune(database) == NOTHING

    for message in database.messages(1):
        assert message["payload"] == {"email": "ada@example.com"}
        assert message["status"] == "sent"


@pytest.mark.parametrize("change", [{}, {"updated_at": "2999-01-01T00:00:00Z"}])
def test_nothing_is_announced_again(database: Database, change: dict[str, str]) -> None:
    bought = order(1, COURSE)
    database.record_orders(bought)
    send_everything(database)
    two_years_pass(database)
    prune(database)

    database.record_orders({**bought, **change})
    database.record_orders(order(1, COURSE, SPLINT, **change))

    later(database, 60)
    claimed = {each["kind"]: each["payload"] for each in database.claim()}
    assert set(claimed) == {"post_purchase"}
    assert claimed["post_purchase"]["products"] == ["splint"]
    assert (claimed["post_purchase"]["is_addition"], claimed["post_purchase"]["run"]) == (True, 1)


def test_an_old_run_is_still_cancelled(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    send_everything(database)
    two_years_pass(database)
    prune(database)

    database.record_orders(order(1, COURSE, financial_status="refunded"))

    later(database, 60)
    assert send_everything(database) == ["post_purchase_cancel"]


def test_an_emptied_message_is_never_sent_again(database: Database) -> None:
    """Of which nobody knows whether it arrived, and whose reason comes back."""
    database.record_orders(order(1, COURSE))
    for claimed in database.claim():
        database.settle(result_of(claimed, "retry", error="503"))
    database.record_orders(order(1, COURSE, email=GRACE, updated_at="2999-01-01T00:00:00Z"))
    two_years_pass(database)
    prune(database)

    database.record_orders(order(1, COURSE, updated_at="2999-01-02T00:00:00Z"))

    assert (
        database.value(
            "select count(*) from thetis.notifications where is_stripped and status = 'pending'"
        )
        == 0
    )


def test_what_was_given_up_is_not_retried_when_it_is_emptied(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    claimed = database.claim("resend")[0]
    database.settle(result_of(claimed, "dead", error="no", is_refused=True))
    two_years_pass(database)
    prune(database)

    [retried] = database.call("retry_notifications", [str(claimed["id"])], False, "sue")

    assert (retried["outcome"], retried["refusal"]) == ("refused", "it is too old: resend it")


def test_what_nobody_tried_and_what_knock_was_told_to_delete_goes(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_orders(order(1, COURSE, financial_status="refunded"))
    forget(database, ADA)
    later(database, 60)
    send_everything(database)
    two_years_pass(database)

    assert prune(database) == {**NOTHING, "withdrawn": 3}

    assert database.value("select count(*) from thetis.notifications") == 0


def test_what_waits_for_somebody_is_never_dropped(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    reject(database, b"{")
    database.call("record_privacy_request", {"topic": "customers/data_request", "email": ADA})
    two_years_pass(database)
    before = everything(database)

    assert prune(database) == NOTHING

    assert everything(database) == before


def test_what_is_done_with_goes_in_batches(database: Database) -> None:
    for number in range(3):
        reject(database, b"%d" % number)
        asked = {"topic": "customers/redact", "shopify_order_ids": [str(number + 1)]}
        database.call("record_privacy_request", asked)
    database.execute("update thetis.rejected_webhooks set replayed_at = now()")
    database.execute(
        "insert into thetis.untracked_sales select n::text, '1' from generate_series(1, 3) as n"
    )
    two_years_pass(database)

    counts = [prune(database, max_count=2) for _ in range(3)]

    kinds = ("rejected_webhooks", "privacy_requests", "untracked_sales")
    assert [[each[kind] for kind in kinds] for each in counts] == [[2] * 3, [1] * 3, [0] * 3]


@pytest.mark.parametrize("older_than", ["29 days", "0", "-1 year", None])
def test_nothing_young_can_be_dropped_by_mistake(database: Database, older_than: str) -> None:
    with pytest.raises(psycopg.Error, match="30 days") as error:
        prune(database, older_than)

    assert error.value.sqlstate == "TH004"
