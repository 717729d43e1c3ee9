"""The SQL that the documents show runs, and the runbook's does what it says."""

from __future__ import annotations

import base64
import json
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.database import Connection, Database
from tests.support.docs import Document, blocks, document, documents
from tests.support.shopify import COURSE, SPLINT, order, refund

RUNBOOK = document("docs/RUNBOOK.md")
# All but the page about a table that a migrated database no longer has.
PAGES = [page for page in documents() if page.blocks("sql") and page.name != "docs/ENROLLMENTS.md"]

ADA, GRACE = "ada@example.com", "grace@example.com"
ORDER = 5992405700101
"""The order that the examples speak of; they call it 1001."""


def an_order(*slugs: str, **fields: Any) -> dict[str, Any]:
    return order(ORDER, *slugs, **{"order_number": 1001, **fields})


def reject(database: Database, topic: str, body: bytes) -> int:
    kept: int = database.call(
        "store_rejected_webhook", topic, None, base64.b64encode(body).decode(), "as an example"
    )[0]["store_rejected_webhook"]
    return kept


def examples(section: str) -> list[str]:
    """The SQL blocks of a section of the runbook."""
    return blocks(RUNBOOK.section(section), "sql")


def run(database: Database, text: str) -> list[list[dict[str, Any]]]:
    """The rows of each statement that returns some."""
    with database.connect() as connection:
        return _results(connection, text)


def _results(connection: Connection, text: str) -> list[list[dict[str, Any]]]:
    cursor = connection.execute(sql.SQL(text))
    found = []
    while True:
        if cursor.description:
            found.append(cursor.fetchall())
        if not cursor.nextset():
            return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_statement_in_the_documents_runs(database: Database, page: Document) -> None:
    database.accounts.sign_up(ADA)
    database.record_orders(an_order(COURSE, SPLINT))
    assert reject(database, "orders/paid", json.dumps(an_order(COURSE)).encode()) == 1
    assert reject(database, "refunds/create", json.dumps(refund(1, ORDER, splint=1)).encode()) == 2

    for statements in page.blocks("sql"):
        with database.connect() as connection:
            try:
                if not statements.startswith("begin;"):
                    connection.execute("begin")
                _results(connection, statements)
            except psycopg.Error as error:
                pytest.fail(f"{statements}\n{error}")
            finally:
                connection.rollback()


def test_asking_as_a_user_gives_the_answer_that_the_user_gets(database: Database) -> None:
    [question] = document("docs/COURSE_APP.md").blocks("sql")
    database.accounts.sign_up(ADA)
    database.accounts.sign_up(GRACE)
    database.record_orders(an_order(COURSE))

    _, access, purchases = run(database, question)
    assert access == [{"has_access": True}]
    assert [row["product_slug"] for row in purchases] == [COURSE]
    _, access, purchases = run(database, question.replace(ADA, GRACE))
    assert access == [{"has_access": False}]
    assert purchases == []


def test_the_purchase_is_found_by_address_and_by_number(database: Database) -> None:
    database.accounts.sign_up(ADA)
    database.record_orders(an_order(COURSE))
    by_address, by_number, account, link, facts, notifications, *_ = examples(
        "I paid, where is my course?"
    )

    for question in (by_address, by_number):
        [[row]] = run(database, question)
        assert row["product_slug"] == COURSE
        assert row["belongs_to"] == ADA
    [[row]] = run(database, account)
    assert row["email_confirmed_at"] is not None
    assert run(database, link) == [[{"link_purchases": 0}]]
    [[row]] = run(database, facts)
    assert row["paid_as_of"] is not None
    [rows] = run(database, notifications)
    assert {row["kind"] for row in rows} == {"post_purchase", "course_access"}


def test_purchases_are_moved_and_stay_moved(database: Database) -> None:
    grace = database.accounts.sign_up(GRACE)
    database.accounts.sign_up(ADA)
    database.record_orders(an_order(COURSE))

    move, *_ = examples("By hand")
    corrected = an_order(COURSE, email=GRACE, updated_at="2100-01-01T00:00:00Z")
    database.record_orders(corrected)
    run(database, move)
    database.record_orders(corrected)

    assert database.accounts.has_access(grace, COURSE)
    assert {row["shopify_customer_email"] for row in database.purchases()} == {GRACE}


def test_access_is_given_by_hand_with_an_account_and_without(database: Database) -> None:
    _, give, _ = examples("By hand")
    run(database, give)
    ada = database.accounts.sign_up(ADA)
    assert database.accounts.has_access(ada, COURSE)

    database.execute("delete from public.purchases")
    run(database, give)
    assert database.accounts.has_access(ada, COURSE)


def test_access_that_was_taken_by_hand_stays_taken(database: Database) -> None:
    database.record_orders(an_order(COURSE))
    run(database, examples("By hand")[2])
    database.record_orders(an_order(COURSE, updated_at="2100-01-01T00:00:00Z"))

    assert [row["status"] for row in database.purchases()] == ["cancelled"]


def test_old_rejected_webhooks_are_deleted_and_new_ones_kept(database: Database) -> None:
    reject(database, "orders/paid", b"old")
    database.execute("update thetis.rejected_webhooks set received_at = now() - interval '1 year'")
    reject(database, "orders/paid", b"new")

    run(database, examples("Rejected webhooks")[-1])
    assert database.rows("select body from thetis.rejected_webhooks") == [{"body": b"new"}]


def test_nothing_of_an_erased_customer_remains_and_nothing_of_another_goes(
    database: Database,
) -> None:
    other = f"b{ADA}"
    for number, address in ((1, ADA), (2, other)):
        database.record_orders(order(number, COURSE, email=address))
        reject(database, "orders/paid", json.dumps({"email": address.upper()}).encode())
    database.execute(
        "create table if not exists thetis.copied_enrollments (id bigint generated always as"
        " identity, enrollment jsonb, outcome text, purchase_id uuid, note text)"
    )
    for address in (ADA, other):
        database.execute(
            "insert into thetis.copied_enrollments (enrollment, outcome)"
            " values (jsonb_build_object('shopify_customer_email', upper(%s::text)), 'set aside')",
            address,
        )
    before = everything(database)
    assert f'"{ADA}"' in before

    [erase] = examples("Removing a customer's data")
    run(database, erase)
    tell_knock(database)

    after = everything(database)
    assert f'"{ADA}"' not in after
    assert after.count(f'"{other}"') == before.count(f'"{other}"')


@pytest.mark.parametrize("updated_at", ["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"])
def test_no_webhook_brings_an_erased_address_back_whether_older_or_newer(
    database: Database, updated_at: str
) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    [erase] = examples("Removing a customer's data")
    run(database, erase)
    tell_knock(database)

    database.record_orders(order(1, COURSE, email=ADA, updated_at=updated_at))
    database.record_orders(order(1, COURSE, SPLINT, email=GRACE, updated_at=updated_at))

    assert ADA not in everything(database)
    assert GRACE not in everything(database)
    database.accounts.sign_up(ADA)
    assert {row["user_id"] for row in database.purchases()} == {None}


def tell_knock(database: Database) -> None:
    database.execute("update thetis.notifications set due_at = now()")
    [claimed] = [row for row in database.claim("knock") if row["kind"] == "forget_recipient"]
    database.settle({"id": str(claimed["id"]), "attempt": claimed["attempt"], "result": "sent"})


def everything(database: Database) -> str:
    """All that our tables hold, as JSON in lower case."""
    tables = database.rows(
        "select relnamespace::regnamespace || '.' || relname as name from pg_class"
        " where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'thetis')"
    )
    assert tables
    found = [
        row["row"]
        for table in tables
        for row in database.rows(f"select to_jsonb(each)::text as row from {table['name']} as each")
    ]
    bodies = database.rows("select body from thetis.rejected_webhooks")
    return "".join(found + [bytes(row["body"]).decode() for row in bodies]).lower()
