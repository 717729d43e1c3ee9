"""A rejected webhook may name somebody whom it is not about: whoever is forgotten takes along only
what is theirs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.database.privacy.support import ADA, GRACE, NAME, export, forget, reject
from tests.support.database import Database
from tests.support.shopify import COURSE, order

NOTES = [
    f"a gift for {ADA}",
    f"write to:\n{ADA.title()}\n",
    [{"name": "for", "value": ADA.upper()}],
]


def kept(database: Database) -> list[Any]:
    rows = database.rows("select body from thetis.rejected_webhooks order by id")
    return [json.loads(row["body"]) for row in rows]


def reject_json(database: Database, **fields: Any) -> None:
    reject(database, json.dumps(fields).encode())


@pytest.mark.parametrize("note", NOTES, ids=["in words", "after a line break", "in a list"])
@pytest.mark.parametrize(
    "whose",
    [{"email": GRACE}, {"email": None, "contact_email": GRACE}, {"customer": {"email": GRACE}}],
    ids=["email", "contact_email", "customer"],
)
def test_somebody_else_s_is_kept_without_the_address(
    database: Database, note: Any, whose: dict[str, Any]
) -> None:
    reject_json(database, id=8, note=note, **whose)

    assert forget(database)["counts"]["rejected_webhooks"] == 1

    [body] = kept(database)
    assert {name: body[name] for name in whose} == whose
    assert "[address]" in str(body["note"]) and NAME not in str(body).lower()
    assert forget(database)["counts"]["rejected_webhooks"] == 0


def test_a_refund_of_somebody_else_s_order_is_kept_without_the_address(database: Database) -> None:
    database.record_orders(order(8, COURSE, email=GRACE))
    reject_json(database, id=81, order_id=8, note=f"{ADA} sent it back")

    forget(database)

    assert kept(database) == [{"id": 81, "order_id": 8, "note": "[address] sent it back"}]


@pytest.mark.parametrize(
    "fields",
    [
        {"email": GRACE, "customer": {"email": ADA, "first_name": "Lovelace"}},
        {"email": GRACE, "contact_email": ADA.upper()},
        {"email": None, "note": ADA},
        {"email": 5, "note": ADA},
        {"email": [], "customer": ADA},
    ],
)
def test_what_may_be_theirs_is_deleted(database: Database, fields: dict[str, Any]) -> None:
    reject_json(database, id=8, **fields)

    forget(database)

    assert kept(database) == []


def test_two_that_have_become_alike_are_kept_once(database: Database) -> None:
    for note in (ADA, ADA.upper()):
        reject_json(database, id=8, email=GRACE, note=note)

    assert forget(database)["counts"]["rejected_webhooks"] == 2

    assert kept(database) == [{"id": 8, "email": GRACE, "note": "[address]"}]


def test_an_export_tells_of_somebody_else_s_only_that_there_is_one(database: Database) -> None:
    reject_json(database, id=8, email=GRACE, note=f"a gift for {ADA}")
    reject_json(database, id=9, email=ADA)

    others, own = export(database)["rejected_webhooks"]

    assert others["body"] is None
    assert json.loads(own["body"]) == {"id": 9, "email": ADA}
