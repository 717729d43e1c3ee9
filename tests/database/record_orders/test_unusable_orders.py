"""What a caller may pass wrongly: a clear refusal, and never half a write."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.database import Database
from tests.support.shopify import COURSE, line, order, refund


def bad_line(**fields: Any) -> dict[str, Any]:
    return order(1, line(1, COURSE, **fields))


UNUSABLE: dict[str, tuple[Any, str]] = {
    "null": (None, "not an object"),
    "a number": (5, "not an object"),
    "text": ("order", "not an object"),
    "an array": ([], "not an object"),
    "no id": ({"line_items": []}, "id: not a Shopify id"),
    "a null id": (order(1, COURSE, id=None), "id: not a Shopify id"),
    "id zero": (order(1, COURSE, id=0), "id: not a Shopify id"),
    "a negative id": (order(1, COURSE, id=-1), "id: not a Shopify id"),
    "a fractional id": (order(1, COURSE, id=1.5), "id: not a Shopify id"),
    "an id of 20 digits": (order(1, COURSE, id=10**19), "id: not a Shopify id"),
    "a gid": (order(1, COURSE, id="gid://shopify/Order/1"), "id: not a Shopify id"),
    "an id with a line break": (order(1, COURSE, id="1\n"), "id: not a Shopify id"),
    "no line_items": ({"id": 1}, "line_items: not an array"),
    "null line_items": (order(1, line_items=None), "line_items: not an array"),
    "an object as line_items": (order(1, line_items={}), "line_items: not an array"),
    "a number as a line": (order(1, line_items=[5]), "line_items: an id or a quantity"),
    "a line without an id": (bad_line(id=None), "line_items: an id or a quantity"),
    "a line without a quantity": (bad_line(quantity=None), "line_items: an id or a quantity"),
    "a negative quantity": (bad_line(quantity=-1), "line_items: an id or a quantity"),
    "a fractional quantity": (bad_line(quantity=1.5), "line_items: an id or a quantity"),
    "a huge quantity": (bad_line(quantity=10**9), "line_items: an id or a quantity"),
    "a negative remainder": (bad_line(current_quantity=-1), "line_items: an id or a quantity"),
    "text as a remainder": (bad_line(current_quantity="few"), "line_items: an id or a quantity"),
    "refunds as an object": (order(1, COURSE, refunds={}), "refunds: not an array"),
    "a refund without lines": (order(1, COURSE, refunds=[{"id": 5}]), "refunds: one is not"),
    "a refund without an id": (
        order(1, COURSE, refunds=[{"refund_line_items": []}]),
        "refunds: one is not",
    ),
    "a refund of half a piece": (
        order(1, COURSE, refunds=[refund(5, 1, **{COURSE: 0.5})]),  # type: ignore[arg-type]
        "refunds: one is not",
    ),
    "updated_at as text": (order(1, COURSE, updated_at="soon"), "not a timestamp"),
    "an empty updated_at": (order(1, COURSE, updated_at=""), "not a timestamp"),
    "processed_at on the 30th of February": (
        order(1, COURSE, processed_at="2026-02-30T00:00:00Z"),
        "not a timestamp",
    ),
    "created_at as an object": (order(1, COURSE, created_at={}), "not a timestamp"),
    "cancelled_at as false": (order(1, COURSE, cancelled_at=False), "not a timestamp"),
    "cancelled_at as text": (order(1, COURSE, cancelled_at="no"), "not a timestamp"),
    "an email as a number": (order(1, COURSE, email=7), "not text"),  # type: ignore[arg-type]
    "an email as an object": (order(1, COURSE, contact_email={}), "not text"),
    "an email too long for any address": (order(1, COURSE, email="a" * 6400), "too long"),
    "a time that Postgres has and no calendar": (
        order(1, COURSE, created_at="294276-12-31T00:00:00Z"),
        "not a timestamp",
    ),
    "a customer's email as a list": (order(1, COURSE, customer={"email": []}), "not text"),
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_an_unusable_order_is_rejected_with_a_reason_and_alone(
    database: Database, fault: str
) -> None:
    unusable, reason = UNUSABLE[fault]
    rows = database.call("record_orders", [order(2, COURSE), unusable, order(3, COURSE)])

    assert [row["outcome"] for row in rows] == ["recorded", "rejected", "recorded"]
    assert reason in rows[1]["reason"]
    assert {row["shopify_order_id"] for row in database.purchases()} == {"2", "3"}
    # but that we heard of it
    assert database.rows(
        "select purchased_at, email, paid_as_of from thetis.orders where shopify_order_id = '1'"
    ) in ([], [{"purchased_at": None, "email": None, "paid_as_of": None}])


@pytest.mark.parametrize("argument", ["{}", "5", '"orders"', "null"])
def test_an_argument_that_is_no_array_is_an_error(database: Database, argument: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        database.rows("select * from public.record_orders(%s::jsonb)", argument)


def test_no_argument_is_no_orders(database: Database) -> None:
    assert database.call("record_orders", None) == []


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_only_the_service_may_record(database: Database, role: str) -> None:
    for function in ("record_orders", "record_refunds"):
        query = sql.SQL("select * from public.{}('[]')").format(sql.Identifier(function))
        with database.as_role(role) as caller, pytest.raises(psycopg.errors.InsufficientPrivilege):
            caller.execute(query)


def test_an_array_that_fails_as_a_whole_writes_nothing(own_database: Database) -> None:
    """A fault below, here a refused write of the outbox, takes the purchases back, too."""
    database = own_database
    database.execute("alter table thetis.notifications add constraint nothing check (false)")
    with pytest.raises(psycopg.errors.CheckViolation):
        database.record_orders(order(1, COURSE), order(2, COURSE))

    assert database.purchases() == []
    assert database.rows("select * from thetis.orders") == []
    assert database.rows("select * from thetis.order_lines") == []
