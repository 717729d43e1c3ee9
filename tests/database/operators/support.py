"""Short ways to be an operator, and to ask who has access."""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.database import Database, Row

ADA, GRACE, EVE = "ada@example.com", "grace@example.com", "eve@example.com"


def act(database: Database, function: str, **values: Any) -> Row:
    """What the function answers to an operator who gives name and reason."""
    values = {"reason": "she asked for it", "operator": "sue", **values}
    query = sql.SQL("select public.{}({}) as answer").format(
        sql.Identifier(function),
        sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in values
        ),
    )
    adapted = {
        name: Jsonb(value) if isinstance(value, list | dict) else value
        for name, value in values.items()
    }
    with database.as_role("service_role") as service:
        [row] = service.execute(query, adapted).fetchall()
    answer: Row = row["answer"]
    return answer


def purchase_id(database: Database, order_id: object, slug: str | None = None) -> str:
    return str(
        database.value(
            "select id from public.purchases where shopify_order_id = %s"
            " and product_slug = coalesce(%s, product_slug)",
            str(order_id),
            slug,
        )
    )


def audited(database: Database) -> list[Row]:
    return database.rows("select * from thetis.audit_log order by id")
