"""A code goes out by the outbox, in time or not at all, and is not kept there."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE, act
from tests.database.outbox.support import later, result_of, settle
from tests.support.claims import (
    codes_were_asked_for,
    prove,
    redeem,
    request_code,
    written_code,
)
from tests.support.database import Database, Row
from tests.support.shopify import COURSE, SPLINT, order

OLD, UNKNOWN = "ada.old@example.com", "nobody@example.com"


@pytest.fixture
def ada(database: Database) -> str:
    database.record_orders(order(1, SPLINT, email=OLD))
    return database.accounts.sign_up(ADA)


def message(database: Database) -> Row:
    [row] = database.rows("select * from thetis.notifications where kind = 'claim_code'")
    return row


def asked(database: Database, ada: str) -> str:
    request_code(database, ada, OLD)
    return written_code(database, OLD)


def test_it_is_handed_out_with_the_code_and_how_long_it_is_good(
    database: Database, ada: str
) -> None:
    code = asked(database, ada)

    [claimed] = database.claim("resend")

    assert claimed["kind"] == "claim_code"
    assert claimed["shopify_order_id"] is None
    assert claimed["payload"] == {"email": OLD, "code": code, "minutes": 15}


@pytest.mark.parametrize("result", ["sent", "dead"])
def test_once_settled_the_code_is_gone_from_the_outbox_and_still_good(
    database: Database, ada: str, result: str
) -> None:
    code = asked(database, ada)
    [claimed] = database.claim("resend")

    assert settle(database, claimed, result, error="550 no") == [result]

    assert message(database)["payload"] == {"email": OLD, "minutes": 15}
    assert redeem(database, ada, code)["outcome"] == "proven"


def test_nothing_may_keep_a_code_once_settled(database: Database, ada: str) -> None:
    asked(database, ada)
    with (
        database.connect() as owner,
        pytest.raises(psycopg.errors.CheckViolation, match="no_code_once_settled"),
    ):
        owner.execute(
            "insert into thetis.notifications (kind, payload, status, settled_at)"
            " values ('claim_code', '{\"code\": \"123456\"}', 'sent', now())"
        )


def test_tried_again_it_is_the_same_message(database: Database, ada: str) -> None:
    asked(database, ada)
    [first] = database.claim("resend")
    settle(database, first, "retry", error="503")
    later(database, 60)

    [second] = database.claim("resend")

    assert (second["id"], second["payload"]) == (first["id"], first["payload"])
    assert second["attempt"] == 2


def test_while_it_waits_operators_do_not_see_the_code(database: Database, ada: str) -> None:
    code = asked(database, ada)

    shown = database.call("get_notification", message(database)["id"])
    told = database.call("customer_timeline", OLD, "sue")
    exported = database.call("export_customer", OLD, "sue")

    assert code not in str(told)
    assert shown[0]["get_notification"]["payload"] == {"email": OLD, "minutes": 15}
    assert code not in str(exported)


@pytest.mark.parametrize("minutes", [15, 14.5])
def test_it_is_not_sent_when_it_would_be_over_by_the_end_of_the_attempt(
    database: Database, ada: str, minutes: float
) -> None:
    asked(database, ada)
    codes_were_asked_for(database, hours_ago=minutes / 60)

    assert database.claim("resend", lease_seconds=60) == []

    assert message(database)["status"] == "skipped"
    assert "code" not in message(database)["payload"]


def test_over_it_is_withdrawn_although_no_worker_sends_emails(database: Database, ada: str) -> None:
    asked(database, ada)
    codes_were_asked_for(database, hours_ago=1)

    database.claim("knock")

    assert "code" not in message(database)["payload"]


def test_claimed_by_a_worker_that_died_it_is_not_sent_when_it_is_over(
    database: Database, ada: str
) -> None:
    asked(database, ada)
    database.claim("resend")
    codes_were_asked_for(database, hours_ago=0.25)
    later(database, 24 * 3600)

    assert database.claim("resend") == []
    assert message(database)["status"] in {"skipped", "dead"}
    assert "code" not in message(database)["payload"]


def test_a_code_for_an_address_that_bought_nothing_is_not_sent(
    database: Database, ada: str
) -> None:
    request_code(database, ada, UNKNOWN)

    assert database.claim("resend") == []
    assert message(database)["status"] == "skipped"
    assert message(database)["payload"] == {"email": UNKNOWN, "minutes": 15}


@pytest.mark.parametrize(
    "told",
    [
        order(2, COURSE, email=UNKNOWN, financial_status="pending"),
        order(2, COURSE, email=UNKNOWN, cancelled_at="2026-11-20T10:00:00Z"),
        order(2, SPLINT, email=UNKNOWN),
    ],
    ids=["waits for its payment", "was cancelled", "holds no course"],
)
def test_any_order_of_ours_makes_an_address_known(
    database: Database, ada: str, told: dict[str, Any]
) -> None:
    database.record_orders(told)
    request_code(database, ada, UNKNOWN)

    assert [each["kind"] for each in database.claim("resend")].count("claim_code") == 1


def test_an_address_to_which_access_was_given_is_known(database: Database, ada: str) -> None:
    act(database, "grant_access", slug=COURSE, recipient=UNKNOWN)
    request_code(database, ada, UNKNOWN)

    assert len(database.claim("resend")) == 1


def test_replaced_or_redeemed_it_is_not_sent(database: Database, ada: str) -> None:
    code = asked(database, ada)
    redeem(database, ada, code)

    assert database.claim("resend") == []


def test_it_is_not_sent_when_the_account_that_asked_is_gone(database: Database, ada: str) -> None:
    asked(database, ada)

    database.accounts.delete(ada)

    assert "claim_code" not in [each["kind"] for each in database.claim("resend")]
    assert message(database)["status"] == "skipped"


def test_it_is_never_sent_again_by_hand(database: Database, ada: str) -> None:
    asked(database, ada)
    [claimed] = database.claim("resend")
    database.settle(result_of(claimed, "dead", error="422"))

    [retried] = database.call("retry_notifications", [str(claimed["id"])], False, "sue")

    assert (retried["outcome"], retried["refusal"]) == (
        "refused",
        "a code is asked for anew, by the customer",
    )
    with pytest.raises(psycopg.Error) as caught:
        database.call("resend_notification", "1", "claim_code", "she asked", "sue")
    assert caught.value.diag.sqlstate == "TH004"


def test_given_up_it_alarms_until_it_is_over(database: Database, ada: str) -> None:
    asked(database, ada)
    [claimed] = database.claim("resend")
    database.settle(result_of(claimed, "dead", error="422"))
    database.claim("resend")
    assert message(database)["status"] == "dead"

    codes_were_asked_for(database, hours_ago=0.25)
    database.claim("resend")

    assert message(database)["status"] == "skipped"
    assert message(database)["last_error"] == "422"


def test_the_outbox_sends_other_emails_beside_it(database: Database, ada: str) -> None:
    asked(database, ada)
    database.record_orders(order(3, COURSE, email=EVE))

    assert {each["kind"] for each in database.claim("resend")} == {"claim_code", "course_access"}


def test_a_day_later_nothing_is_kept_but_what_was_proven(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    codes_were_asked_for(database, hours_ago=25)

    dropped = database.call("prune")[0]["prune"]

    assert dropped["claim_codes"] == 1
    assert database.value("select count(*) from thetis.claim_codes") == 0
    count = "select count(*) from thetis.notifications where kind = 'claim_code'"
    assert database.value(count) == 0
    assert database.value("select email from thetis.proven_addresses") == OLD


def test_within_the_day_it_is_kept_for_the_limits(database: Database, ada: str) -> None:
    asked(database, ada)
    codes_were_asked_for(database, hours_ago=23)

    assert database.call("prune")[0]["prune"]["claim_codes"] == 0
