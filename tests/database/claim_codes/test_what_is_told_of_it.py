"""What support sees of it, what is written down, and what is kept of whoever is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.operators.support import ADA, EVE, audited
from tests.database.privacy.support import export, forget
from tests.support.claims import (
    codes_were_asked_for,
    prove,
    redeem,
    remove,
    request_code,
    written_code,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, order

OLD = "ada.old@example.com"


@pytest.fixture
def ada(database: Database) -> str:
    database.record_orders(order(1, COURSE, email=OLD))
    return database.accounts.sign_up(ADA)


def timeline(database: Database, query: str) -> dict[str, Any]:
    told: dict[str, Any] = database.call("customer_timeline", query, "sue")[0]["customer_timeline"]
    return told


def test_each_step_is_written_down(database: Database, ada: str) -> None:
    prove(database, ada, OLD)
    remove(database, ada, OLD)

    acts = [(each["operator"], each["action"], each["email"]) for each in audited(database)]
    assert acts == [
        (ada, "request_code", OLD),
        (ada, "prove_address", OLD),
        (ada, "remove_address", OLD),
    ]


@pytest.mark.parametrize("query", [ADA, OLD, "#1", "account", "message"])
def test_support_finds_the_customer_and_why_the_purchase_is_theirs(
    database: Database, ada: str, query: str
) -> None:
    prove(database, ada, OLD)
    ids = {
        "account": ada,
        "message": str(
            database.value("select id from thetis.notifications where kind = 'claim_code'")
        ),
    }

    told = timeline(database, ids.get(query, query))

    [answer] = told["answer"]
    assert (answer["reason"], answer["owner_address"]) == ("has_access", ADA)
    [purchase] = told["purchases"]
    assert (purchase["address"], purchase["owned_by"]) == (OLD, "proven_address")
    [account] = told["accounts"]
    assert [each["address"] for each in account["proven_addresses"]] == [OLD]
    assert [each["kind"] for each in told["messages"]].count("claim_code") == 1
    assert {"request_code", "prove_address"} <= {each["action"] for each in told["acts"]}


def test_what_is_theirs_by_their_own_address_is_told_apart(database: Database, ada: str) -> None:
    database.record_orders(order(2, PREMIUM, email=ADA))
    prove(database, ada, OLD)

    owned = {each["product"]: each["owned_by"] for each in timeline(database, ADA)["purchases"]}

    assert owned == {COURSE: "proven_address", PREMIUM: "address"}


def test_support_sees_that_a_code_was_asked_for_and_went_nowhere(
    database: Database, ada: str
) -> None:
    request_code(database, ada, "typo@example.com")
    database.claim("resend")

    told = timeline(database, ADA)

    acts = [(each["action"], each["email"]) for each in told["acts"]]
    assert acts == [("request_code", "typo@example.com"), ("show", ADA)]
    [message] = told["messages"]
    assert (message["kind"], message["status"]) == ("claim_code", "skipped")


def test_a_purchase_that_nobody_linked_yet_waits_for_the_claim_page(
    database: Database, ada: str
) -> None:
    prove(database, ada, OLD)
    database.execute("update public.purchases set user_id = null")

    assert [each["reason"] for each in timeline(database, OLD)["answer"]] == ["not_linked"]
    assert [each["reason"] for each in timeline(database, ADA)["answer"]] == ["not_linked"]


def test_what_another_account_owns_is_told_as_another_accounts(
    database: Database, ada: str
) -> None:
    database.accounts.sign_up(OLD)
    prove(database, ada, OLD)

    [answer] = timeline(database, ADA)["answer"]

    assert (answer["reason"], answer["owner_address"]) == ("other_account", OLD)


def test_an_export_tells_what_was_proven_and_asked_for(database: Database, ada: str) -> None:
    prove(database, ada, OLD)

    for address in (ADA, OLD):
        told = export(database, address)
        assert [each["email"] for each in told["proven_addresses"]] == [OLD]
        assert [each["email"] for each in told["claim_codes"]] == [OLD]
        assert "code_hash" not in told["claim_codes"][0]
        assert [each["shopify_order_id"] for each in told["purchases"]] == ["1"]


def test_who_is_forgotten_is_no_proven_address_and_the_account_keeps_its_access(
    database: Database, ada: str
) -> None:
    prove(database, ada, OLD)

    answer = forget(database, OLD)

    assert [each["user_id"] for each in answer["keeps_access"]] == [ada]
    assert (answer["counts"]["proven_addresses"], answer["counts"]["claim_codes"]) == (1, 1)
    assert database.accounts.has_access(ada, COURSE)
    database.record_orders(order(2, PREMIUM, email=OLD))
    assert database.purchases(2)[0]["user_id"] is None


def test_a_code_of_who_is_forgotten_meanwhile_is_refused(database: Database, ada: str) -> None:
    request_code(database, ada, OLD)
    code = written_code(database, OLD)

    forget(database, OLD)

    assert redeem(database, ada, code)["outcome"] == "refused"
    assert database.claim("resend") == []
    assert database.value("select count(*) from thetis.proven_addresses") == 0


def test_the_other_addresses_of_an_account_survive_that_one_is_forgotten(
    database: Database, ada: str
) -> None:
    prove(database, ada, OLD)
    codes_were_asked_for(database, hours_ago=1)

    forget(database, ADA)
    forget(database, EVE)

    assert database.value("select email from thetis.proven_addresses") == OLD
