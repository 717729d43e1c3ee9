"""What an operator is told of a customer."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE, GRACE, act, audited, purchase_id
from tests.database.outbox.support import send_everything
from tests.support.database import Database
from tests.support.deletion import mark_as_deleted, mark_as_deleted_unseen
from tests.support.shopify import line, order, refund

SLUG, OTHER = "standard_course", "premium_course"


def timeline(database: Database, query: str) -> dict[str, Any]:
    with database.as_role("service_role") as service:
        [row] = service.execute(
            "select public.customer_timeline(%s, 'sue') as told", (query,)
        ).fetchall()
    told: dict[str, Any] = row["told"]
    return told


def reason(database: Database, query: str = ADA) -> str:
    [answer] = timeline(database, query)["answer"]
    assert answer["has_access"] == (answer["reason"] == "has_access")
    return str(answer["reason"])


def test_somebody_with_access_has_access(database: Database) -> None:
    database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))

    assert reason(database) == "has_access"


def test_nobody_signed_up_with_the_address(database: Database) -> None:
    database.record_orders(order(1, SLUG))

    assert reason(database) == "no_account"


def test_the_address_is_not_confirmed(database: Database) -> None:
    database.accounts.sign_up(ADA, confirmed=False)
    database.record_orders(order(1, SLUG))

    assert reason(database) == "address_not_confirmed"


def test_the_account_is_there_and_the_purchase_is_not_linked(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    database.accounts.sign_up(ADA)
    database.execute("update public.purchases set user_id = null")

    assert reason(database) == "not_linked"


def test_another_account_owns_it(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    ada = database.accounts.sign_up(ADA)
    database.accounts.change_email(ada, GRACE)

    assert reason(database) == "other_account"
    [answer] = timeline(database, ADA)["answer"]
    assert answer["owner_address"] == GRACE


def test_the_owner_s_account_is_deleted(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    mark_as_deleted_unseen(database, ada)

    assert reason(database) == "account_deleted"


def test_it_was_refunded(database: Database) -> None:
    database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    database.record_refunds(refund(9, 1, **{SLUG: 1}))

    assert reason(database) == "refunded"


def test_it_was_revoked(database: Database) -> None:
    database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    act(database, "revoke_purchase", purchase_id=purchase_id(database, 1))

    assert reason(database) == "revoked"


def test_it_was_cancelled(database: Database) -> None:
    database.record_orders(order(1, SLUG, cancelled_at="2026-11-20T10:00:00Z"))

    assert reason(database) in {"cancelled", "refunded"}


def test_it_expired_whether_or_not_that_was_written_down(database: Database) -> None:
    database.accounts.sign_up(ADA)
    act(database, "grant_access", slug=SLUG, recipient=ADA, until="2100-01-01")
    database.execute("update public.purchases set expires_at = now()")
    assert reason(database) == "expired"

    database.call("expire_purchases", 10)

    assert reason(database) == "expired"


def test_it_waits_for_its_payment(database: Database) -> None:
    database.record_orders(order(1, SLUG, financial_status="pending"))

    assert reason(database) == "waiting_for_payment"
    assert reason(database, "#1") == "waiting_for_payment"


def test_the_order_has_no_address(database: Database) -> None:
    database.record_orders(order(1, SLUG, email=None))

    assert reason(database, "1") == "no_address"


def test_the_product_is_not_in_the_catalogue(database: Database) -> None:
    database.record_orders(order(1, line(1, SLUG, product_id=4711)))

    assert reason(database, "#1") == "product_unknown"


def test_a_product_that_is_not_in_the_catalogue_is_told_beside_one_that_is(
    database: Database,
) -> None:
    database.record_orders(order(1, SLUG, line(7, SLUG, product_id=4711)))

    answer = timeline(database, ADA)["answer"]

    assert [(each["product"], each["reason"]) for each in answer] == [
        (SLUG, "no_account"),
        ("Shopify product 4711", "product_unknown"),
    ]


def test_what_was_not_in_the_catalogue_and_is_recorded_now_is_told_once(database: Database) -> None:
    bought = order(1, OTHER, line(7, SLUG, product_id=4711))
    database.record_orders(bought)
    database.call("add_product", SLUG, "Standard course", "course", "4711")

    assert {each["reason"] for each in timeline(database, ADA)["answer"]} == {
        "no_account",
        "product_unknown",
    }
    database.record_orders(bought)

    assert {each["product"] for each in timeline(database, ADA)["answer"]} == {OTHER, SLUG}


def test_of_two_purchases_of_a_product_the_better_one_answers(database: Database) -> None:
    database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG), order(2, SLUG))
    database.record_refunds(refund(9, 1, **{SLUG: 1}))

    assert reason(database) == "has_access"
    assert len(timeline(database, ADA)["purchases"]) == 2


@pytest.mark.parametrize("kind", ["address", "number", "hash", "id", "user", "purchase", "message"])
def test_a_customer_is_found_by_whatever_they_say(database: Database, kind: str) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG, order_number=1001))
    send_everything(database)
    query = {
        "address": " ADA@example.com ",
        "number": "1001",
        "hash": " #1001",
        "id": "1",
        "user": ada,
        "purchase": purchase_id(database, 1),
        "message": str(database.value("select id from thetis.notifications limit 1")),
    }[kind]

    told = timeline(database, query)

    assert [each["reason"] for each in told["answer"]] == ["has_access"]
    assert told["addresses"] == [ADA]
    assert [each["user_id"] for each in told["accounts"]] == [ada]
    assert [each["shopify_order_id"] for each in told["orders"]] == ["1"]
    assert len(told["messages"]) == 2


def test_what_operators_did_and_who_looked_is_told(database: Database) -> None:
    database.record_orders(order(1, SLUG))
    act(database, "revoke_purchase", purchase_id=purchase_id(database, 1), reason="fraud")
    timeline(database, ADA)

    acts = [
        (each["action"], each["operator"], each["reason"])
        for each in timeline(database, ADA)["acts"]
    ]

    assert acts[:2] == [("revoke", "sue", "fraud"), ("show", "sue", None)]


def test_a_rejected_webhook_that_names_the_order_is_told(database: Database) -> None:
    database.record_orders(order(1001, SLUG))
    database.call("store_rejected_webhook", "orders/paid", "w", "eyJpZCI6MTAwMX0=", "no JSON")
    database.call("store_rejected_webhook", "orders/paid", "w", "eyJpZCI6MjAwMn0=", "no JSON")

    assert [each["reason"] for each in timeline(database, "1001")["rejected"]] == ["no JSON"]


@pytest.mark.parametrize(
    "asked",
    [
        "aad@example.com",
        "ad@example.com",
        "adda@example.com",
        "ada@exampel.com",
        "ada@example.co",
        "ada@other.example",
    ],
)
def test_a_misspelt_address_leads_to_the_right_one(database: Database, asked: str) -> None:
    database.record_orders(order(1, SLUG), order(2, SLUG, email="unlike@example.com"))

    told = timeline(database, asked)

    assert told["found_by"] is None
    assert told["near_misses"]["addresses"] == [ADA]


def test_two_letters_wrong_behind_the_beginning_are_found(database: Database) -> None:
    database.record_orders(order(1, SLUG, email="ada.lovelace@example.com"))

    near = timeline(database, "ada.lovelaxx@example.com")["near_misses"]["addresses"]

    assert near == ["ada.lovelace@example.com"]


@pytest.mark.parametrize("asked", ["adaa@example.com", "ada@elsewhere.example"])
def test_a_misspelt_address_leads_to_an_order_that_is_no_purchase(
    database: Database, asked: str
) -> None:
    database.record_orders(order(1, SLUG, financial_status="pending"))

    assert timeline(database, asked)["near_misses"]["addresses"] == [ADA]


@pytest.mark.parametrize("written", [ADA, ADA.upper()])
def test_a_misspelt_address_leads_to_an_account_that_bought_nothing(
    database: Database, written: str
) -> None:
    database.accounts.sign_up(ADA)
    with database.connect("supabase_auth_admin") as auth:
        auth.execute("update auth.users set email = %s", [written])

    assert timeline(database, "adaa@example.com")["near_misses"]["addresses"] == [ADA]


def test_an_order_number_in_another_form_leads_to_the_order(database: Database) -> None:
    database.record_orders(order(1, SLUG, order_number=1001))

    told = timeline(database, "No. SHOP-1001")

    assert (told["found_by"], told["near_misses"]["orders"]) == (None, ["1001"])


@pytest.mark.parametrize("query", ["", " ", "nobody@example.com", "%", "@", "#", "1' or '1'='1"])
def test_whoever_is_not_known_is_said_not_to_be(database: Database, query: str) -> None:
    database.record_orders(order(1, SLUG))

    told = timeline(database, query)

    assert (told["found_by"], told["answer"], told["purchases"]) == (None, [], [])


def test_a_marked_account_that_signed_up_again_is_told_with_both(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    mark_as_deleted(database, ada)
    database.accounts.sign_up(ADA)

    assert reason(database) == "has_access"


def test_the_log_is_only_added_to(database: Database) -> None:
    timeline(database, EVE)

    for query in (
        "delete from thetis.audit_log",
        "update thetis.audit_log set operator = 'eve'",
        "truncate thetis.audit_log",
        "update thetis.audit_log set reason = 'none', erased_at = now()",
    ):
        with pytest.raises(psycopg.Error) as error:
            database.execute(query)
        assert error.value.sqlstate == "TH007", query
    assert [each["action"] for each in audited(database)] == ["show"]


@pytest.mark.parametrize("query", ["a@" + "b" * 5_000, "b" * 5_000 + "@example.com"])
def test_what_is_too_long_for_an_address_is_answered_at_once(
    database: Database, query: str
) -> None:
    told = timeline(database, query)

    assert (told["found_by"], told["near_misses"]["addresses"]) == (None, [])
