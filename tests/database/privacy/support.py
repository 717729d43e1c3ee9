"""A person of whom something is kept in every place, and a search of the database for them."""

from __future__ import annotations

import base64
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.operators.support import act, purchase_id
from tests.database.outbox.support import later, result_of, send_everything
from tests.support.claims import request_code
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, Json, days_ago, order

ADA, GRACE = "ada.lovelace@example.com", "grace@example.com"
NAME = "lovelace"
"""In every spelling of her address, and in whatever else tells of her."""

_COLUMNS = """
select relnamespace::regnamespace::text as schema, relname as name, attname as attribute,
    atttypid = 'bytea'::regtype as is_bytes
from pg_attribute inner join pg_class on attrelid = pg_class.oid
where relkind in ('r', 'p', 'm') and attnum > 0 and not attisdropped
    and relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)
order by 1, 2, 3
"""


def places(database: Database, name: str = NAME) -> list[str]:
    """The columns in which this stands, in whatever case."""
    found = []
    with database.connect() as connection:
        for column in database.rows(_COLUMNS):
            form = "encode({0}, 'escape')" if column["is_bytes"] else "{0}::text"
            query = sql.SQL(
                f"select from {{1}} where position(%s in lower({form})) > 0 limit 1"
            ).format(
                sql.Identifier(column["attribute"]),
                sql.Identifier(column["schema"], column["name"]),
            )
            if connection.execute(query, [name]).fetchall():
                found.append(f"{column['schema']}.{column['name']}.{column['attribute']}")
    return found


def forget(database: Database, address: str = ADA, **values: Any) -> Json:
    return act(database, "forget_customer", address=address, **values)


def export(database: Database, address: str = ADA) -> Json:
    answer: Json = database.call("export_customer", address, "sue")[0]["export_customer"]
    return answer


def reject(database: Database, body: bytes) -> None:
    database.call(
        "store_rejected_webhook", "orders/paid", None, base64.b64encode(body).decode(), "unusable"
    )


ORDERS = [
    order(1, COURSE, SPLINT, email="Ada.LOVELACE@Example.com"),
    order(2, COURSE, email=f"  {ADA} ", made_at=days_ago(30)),
    order(3, PREMIUM, email=GRACE),
    order(4, PREMIUM, email=GRACE),
    order(5, COURSE, email=ADA),
    order(6, COURSE, email=ADA),
    order(7, COURSE, email=None, customer={"email": ADA.upper()}),
]

BODIES = [
    b'{"id": 8, "email": "ADA.Lovelace@example.com"}',
    b'{"id": 9, "email": "ada.lovelace\\u0040example.com"}',
    b'{"email": "ada.lovelace@example.com"',
    b"\xff\x00 ada.lovelace@example.com",
]


def plant(database: Database) -> None:
    """Everything that can hold her holds her."""
    database.record_orders(*ORDERS)
    act(database, "transfer_order", order_name="3", address=ADA.title(), reason="to Ms Lovelace")
    act(database, "transfer_purchase", purchase_id=purchase_id(database, 4), address=ADA)
    send_everything(database)
    act(database, "transfer_purchase", purchase_id=purchase_id(database, 5), address=GRACE)
    database.record_orders(order(6, COURSE, email=GRACE))
    act(database, "grant_access", slug=SPLINT, recipient=ADA, reason="Ms Lovelace asked")
    act(
        database,
        "revoke_purchase",
        purchase_id=purchase_id(database, 6),
        reason=f"belongs to {ADA.upper()}.",
    )
    later(database, 60)
    send_everything(database)
    database.call("resend_notification", "1", "course_access", f"{ADA} lost it", "sue")
    [claimed] = database.claim("resend")
    database.settle(result_of(claimed, "dead", error="550 no Lovelace here"))
    database.execute(
        "insert into thetis.email_deliveries select id, 'bounced', 'no Lovelace here', now()"
        " from thetis.notifications where provider = 'resend' and email = %s limit 1",
        ADA,
    )
    database.call("resend_notification", "1", "post_purchase", "she is called Lovelace", "sue")
    for body in BODIES:
        reject(database, body)
    plant_claims(database)
    asked = {"topic": "customers/data_request", "email": ADA.title(), "shopify_order_ids": ["1"]}
    database.call("record_privacy_request", asked)


def plant_claims(database: Database) -> None:
    """Somebody asked for a code for her address, and another proved it when nothing was free."""
    database.execute(
        "insert into thetis.proven_addresses (user_id, email) values (%s, %s)",
        database.accounts.sign_up("eve@example.com"),
        ADA,
    )
    request_code(database, database.accounts.sign_up("lin@example.com"), ADA.title())


def plant_enrollments(database: Database) -> None:
    """As the cut-over leaves its ledger where there was something to copy."""
    database.execute(
        "create table if not exists thetis.copied_enrollments (id bigint generated always as"
        " identity, enrollment jsonb not null, outcome text not null, purchase_id uuid, note text,"
        " superseded_at timestamptz)"
    )
    database.execute(
        "insert into thetis.copied_enrollments (enrollment, outcome, note) values (%s, %s, %s)",
        Jsonb({"id": "e1", "shopify_customer_email": "Ada.Lovelace@example.com "}),
        "set aside",
        f"no course type, {ADA}",
    )
