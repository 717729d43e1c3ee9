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


def test_old_rejected_webhooks_are_deleted_and_new_ones_kept(database: Database) -> None:
    reject(database, "orders/paid", b"old")
    database.execute("update thetis.rejected_webhooks set received_at = now() - interval '1 year'")
    reject(database, "orders/paid", b"new")

    run(database, examples("Rejected webhooks")[-1])
    assert database.rows("select body from thetis.rejected_webhooks") == [{"body": b"new"}]
