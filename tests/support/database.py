"""One database of a test, and short ways to ask it things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from devtools.accounts import Accounts
from devtools.platform import Platform

Row = dict[str, Any]
Connection = psycopg.Connection[Row]


class Database:
    """`rows`, `value` and `execute` act as `postgres`, each in its own transaction."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.name = name
        self.platform = platform
        self.url = platform.url("postgres", name)
        self.admin_url = platform.url("supabase_admin", name)

    def __enter__(self) -> Self:
        self._owner = self.connect()
        self.accounts = Accounts(self.admin_url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.accounts.__exit__(kind, error, trace)
        self._owner.close()

    def connect(self, role: str = "postgres") -> Connection:
        """A further connection, in autocommit; the caller closes it (use `with`)."""
        url = self.platform.url(role, self.name)
        return psycopg.connect(url, autocommit=True, row_factory=dict_row)

    def rows(self, query: str, *values: Any) -> list[Row]:
        return self._owner.execute(sql.SQL(query), values).fetchall()

    def value(self, query: str, *values: Any) -> Any:
        """The only column of the only row."""
        [row] = self.rows(query, *values)
        [value] = row.values()
        return value

    def execute(self, query: str, *values: Any) -> int:
        """The number of rows touched."""
        return self._owner.execute(sql.SQL(query), values).rowcount

    @contextmanager
    def as_role(self, role: str) -> Iterator[Connection]:
        """A transaction as PostgREST opens it for a key: `anon` or `service_role`."""
        with self.connect("authenticator") as connection, connection.transaction():
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            yield connection

    def record_orders(self, *orders: Row) -> list[str]:
        """The outcomes, as the service would get them."""
        return [row["outcome"] for row in self.call("record_orders", list(orders))]

    def record_refunds(self, *refunds: Row) -> list[str]:
        return [row["outcome"] for row in self.call("record_refunds", list(refunds))]

    def record_disputes(self, *disputes: Row) -> list[str]:
        return [row["outcome"] for row in self.call("record_disputes", list(disputes))]

    def claim(self, *providers: str, lease_seconds: int = 60) -> list[Row]:
        """Everything that is due for these providers, or for all."""
        return [
            claimed
            for provider in providers or ("knock", "resend")
            for claimed in self.call("claim_notifications", provider, 1000, lease_seconds)
        ]

    def settle(self, *results: Row) -> list[Row]:
        return self.call("settle_notifications", list(results))

    def call(self, function: str, *arguments: Any) -> list[Row]:
        """One of the service's functions, as service_role."""
        adapted = [Jsonb(each) if isinstance(each, list | dict) else each for each in arguments]
        query = sql.SQL("select * from public.{}({})").format(
            sql.Identifier(function), sql.SQL(", ").join(sql.Placeholder() * len(adapted))
        )
        with self.as_role("service_role") as service:
            return service.execute(query, adapted).fetchall()

    def purchases(self, order_id: object = None) -> list[Row]:
        """All, or those of an order, by line item."""
        return self.rows(
            "select * from public.purchases where shopify_order_id = coalesce(%s, shopify_order_id)"
            " order by shopify_order_id, shopify_line_item_id",
            None if order_id is None else str(order_id),
        )

    def notifications(self, order_id: object) -> dict[str, Row]:
        """The latest of each kind in an order's outbox; one that was not skipped comes first."""
        rows = self.rows(
            "select * from thetis.notifications where shopify_order_id = %s"
            " order by status <> 'skipped', enqueued_at",
            str(order_id),
        )
        return {row["kind"]: row for row in rows}

    def messages(self, order_id: object) -> list[Row]:
        """An order's outbox, in the order in which it was filled."""
        return self.rows(
            "select * from thetis.notifications where shopify_order_id = %s"
            " order by enqueued_at, kind",
            str(order_id),
        )

    def map_product(self, shopify_product_id: str, slug: str) -> None:
        self.execute(
            "insert into thetis.shopify_products values (%s, %s) on conflict do nothing",
            shopify_product_id,
            slug,
        )
