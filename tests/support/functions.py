"""Calls any function that the API's roles may call, with arguments that it would really get.

The functions and the names of their arguments are read from the catalogue, so a new one is called
as well. One with an argument of a new name needs a value for it here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.database import Connection, Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, dispute, order, refund

_FUNCTIONS = """
select p.oid::integer as id, p.oid::regprocedure::text as signature, n.nspname as schema,
    p.proname as name, p.prosecdef as is_definer, p.prorettype = 'trigger'::regtype as is_trigger,
    coalesce(p.proargnames[1:p.pronargs], '{}') as arguments,
    array(
        select r.role from unnest(array['authenticated', 'service_role']) as r (role)
        where has_function_privilege(r.role, p.oid, 'execute')
    ) as callers
from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid
where n.nspname in ('public', 'thetis')
order by 3, 4
"""


@dataclass(frozen=True, kw_only=True)
class Function:
    id: int
    signature: str
    schema: str
    name: str
    is_definer: bool
    is_trigger: bool
    arguments: list[str]
    callers: list[str]
    """The roles of the API that may call it; of the guarded ones, support staff are the first."""

    def call(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        query = sql.SQL("select * from {}.{}({})").format(
            sql.Identifier(self.schema),
            sql.Identifier(self.name),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder())
                for name in self.arguments
            ),
        )
        return connection.execute(query, [values[name] for name in self.arguments]).fetchall()


def functions(database: Database) -> list[Function]:
    """All of ours."""
    return [Function(**row) for row in database.rows(_FUNCTIONS)]


def arguments(database: Database) -> dict[str, Any]:
    """A value for each name of an argument. Makes the rows that these values speak of."""
    database.record_orders(
        order(1, COURSE, SPLINT), order(3, COURSE), order(4, COURSE, email="joan@example.com")
    )
    emails = {each["shopify_order_id"]: each for each in database.claim("resend")}
    known, refused, claimed = emails["1"], emails["3"], emails["4"]
    for each, result in ((known, "sent"), (refused, "dead")):
        database.settle({"id": str(each["id"]), "attempt": each["attempt"], "result": result})
    [given] = database.call(
        "grant_access", COURSE, "eve@example.com", "no device arrived", "2100-01-01", "sue"
    )
    grant_id = given["grant_access"]["after"][0]["id"]
    kept = database.call("store_rejected_webhook", "orders/paid", "w1", _base64(b"{"), "no JSON")
    database.execute(  # with the id of that webhook: one argument is the id of either
        "insert into thetis.privacy_requests (id, topic, request_hash) overriding system value"
        " values (%s, 'shop/redact', '') on conflict do nothing",
        kept[0]["store_rejected_webhook"],
    )
    database.value("select setval('thetis.privacy_requests_id_seq', 1000)")
    [begun] = database.call("begin_order_sync", "backfill", "2026-01-01", "2200-01-01", "one", 60)
    settled = {"id": str(claimed["id"]), "attempt": claimed["attempt"], "result": "retry"}
    return {
        "orders": Jsonb([order(2, COURSE, PREMIUM, email="grace@example.com")]),
        "test_orders": "grant",
        "received_at": "2026-11-20T10:00:00Z",
        "purpose": "backfill",
        "since": "2026-01-01",
        "holder": "one",
        "sync_id": begun["begin_order_sync"]["id"],
        "page": 1,
        "unreadable": Jsonb([]),
        "reached": "2026-11-20T10:00:00Z",
        "is_last": False,
        "refunds": Jsonb([refund(91, 1, **{COURSE: 1})]),
        "disputes": Jsonb([dispute(95, 1)]),
        "is_on": True,
        "provider": "knock",
        "max_count": 10,
        "lease_seconds": 60,
        "results": Jsonb([{**settled, "error": "503", "retry_after_seconds": 5}]),
        "query": "#1",
        "topic": "orders/paid",
        "webhook_id": "w2",
        "body_base64": _base64(b"["),
        "reason": "no JSON",
        "include_replayed": True,
        "events": Jsonb([]),
        "days": 7,
        "order_name": "#1",
        "kind": "course_access",
        "state": None,
        "before_id": None,
        "notification_id": known["id"],
        "ids": Jsonb([str(refused["id"])]),
        "dry_run": False,
        "after_id": 0,
        "id": kept[0]["store_rejected_webhook"],
        "slug": "brace",
        "name": "Brace",
        "category": "device",
        "shopify_product_id": "77",
        "access_period": "1 year",
        "operator": "sue",
        "is_required": True,
        "purchase_id": grant_id,
        "expected_address": None,
        "address": "lin@example.com",
        "recipient": "grace@example.com",
        "until": "2200-01-01",
        "grant_id": grant_id,  # again, so that `slug` can be removed
        "older_than": "1 year",
        "include_answered": True,
        "request": Jsonb({"topic": "customers/redact", "email": "lin@example.com"}),
        "email": "hers@example.com",
        "code": "123456",
        "functions": Jsonb(["record_orders"]),
        "calls": Jsonb({"record_orders": ["orders"]}),
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
