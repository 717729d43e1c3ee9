"""Access that is given, not bought."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.database.operators.support import ADA, GRACE, act, audited
from tests.support.database import Database
from tests.support.deletion import mark_as_deleted
from tests.support.shopify import order

SLUG = "standard_course"


def test_whoever_has_the_address_confirmed_has_access_at_once(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)

    answer = act(database, "grant_access", slug=SLUG, recipient=" Ada@Example.com ")

    assert (answer["outcome"], answer["before"]) == ("done", [])
    assert answer["after"][0]["user_id"] == ada
    assert database.accounts.has_access(ada, SLUG)


def test_whoever_confirms_the_address_later_has_access_then(database: Database) -> None:
    act(database, "grant_access", slug=SLUG, recipient=ADA)
    ada = database.accounts.sign_up(ADA, confirmed=False)
    assert not database.accounts.has_access(ada, SLUG)

    database.accounts.confirm(ada)

    assert database.accounts.has_access(ada, SLUG)


def test_an_account_without_a_confirmed_address_may_be_named_by_its_id(database: Database) -> None:
    ada = database.accounts.sign_up(ADA, confirmed=False)

    act(database, "grant_access", slug=SLUG, recipient=ada)

    assert database.accounts.has_access(ada, SLUG)
    # so that nobody else inherits it by an address that this account never proved
    assert database.value("select shopify_customer_email from public.purchases") == ""


def test_it_ends_when_it_was_said_to(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    act(database, "grant_access", slug=SLUG, recipient=ADA, until="2100-01-01")
    assert database.accounts.has_access(ada, SLUG)

    database.execute("update public.purchases set expires_at = now()")

    assert not database.accounts.has_access(ada, SLUG)


def test_the_same_grant_said_twice_is_one(database: Database) -> None:
    again = {"slug": SLUG, "recipient": ADA, "grant_id": str(uuid.uuid4())}

    outcomes = [act(database, "grant_access", **again)["outcome"] for _ in range(2)]

    assert outcomes == ["done", "unchanged"]
    assert database.value("select count(*) from public.purchases") == 1
    assert len(audited(database)) == 1


def test_a_dry_run_that_is_neither_true_nor_false_changes_nothing(database: Database) -> None:
    act(database, "grant_access", slug=SLUG, recipient=ADA, dry_run=None)

    assert database.value("select count(*) from public.purchases") == 0


def test_a_grant_stands_beside_what_was_bought(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, SLUG))
    act(database, "grant_access", slug=SLUG, recipient=ADA)

    database.record_orders(order(1, SLUG, financial_status="refunded"))

    assert database.accounts.has_access(ada, SLUG)


def test_nobody_is_written_to(database: Database) -> None:
    act(database, "grant_access", slug=SLUG, recipient=ADA)

    assert database.value("select count(*) from thetis.notifications") == 0


def test_a_dry_run_says_what_would_change_and_changes_nothing(database: Database) -> None:
    answer = act(database, "grant_access", slug=SLUG, recipient=ADA, dry_run=True)

    assert (answer["outcome"], answer["dry_run"]) == ("done", True)
    assert answer["after"][0]["address"] == ADA
    assert database.value("select count(*) from public.purchases") == 0
    assert audited(database) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"slug": "unknown_course"}, "no product"),
        ({"until": "2020-01-01"}, "over already"),
        ({"recipient": "ada"}, "not an email address"),
        ({"recipient": str(uuid.UUID(int=7))}, "no account"),
        ({"reason": " \t\n"}, "reason"),
        ({"operator": " "}, "who you are"),
        ({"operator": None}, "who you are"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    database: Database, values: dict[str, str], words: str
) -> None:
    with pytest.raises(psycopg.Error, match=words) as error:
        act(database, "grant_access", **{"slug": SLUG, "recipient": ADA, **values})

    assert error.value.sqlstate == "TH004"


def test_an_account_marked_as_deleted_is_given_nothing(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    mark_as_deleted(database, ada)

    with pytest.raises(psycopg.Error, match="no account"):
        act(database, "grant_access", slug=SLUG, recipient=ada)
    act(database, "grant_access", slug=SLUG, recipient=GRACE)
