"""A shop's past of any size, written by hand: a backfill of ten million would take all night."""

from __future__ import annotations

import hashlib
import uuid

import psycopg

from bench import database, webhook_bodies
from devtools.platform import Platform

LINES = 3
MOST_MESSAGES = 1_000_000

FIRST = 7_000_000_000_000
"""The id of the order before the first."""

# Customer i bought order i; those with an odd number have an account.
_STATEMENTS = (
    (
        "insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at)"
        " select '00000000-0000-0000-0000-000000000000', md5('user ' || i)::uuid,"
        " 'authenticated', 'authenticated',"
        " 'past-' || i || '@example.com', now()"
        " from generate_series({low}, {high}) as i where i % 2 = 1"
    ),
    (
        "insert into thetis.orders"
        " (shopify_order_id, order_number, email, email_as_of, purchased_at, is_historic)"
        " select ({first} + i)::text, i::text, 'past-' || i || '@example.com', now(),"
        " now() - interval '1 month', true from generate_series({low}, {high}) as i"
    ),
    (
        "insert into thetis.order_lines"
        " (shopify_order_id, shopify_line_item_id, product_slug, quantity, paid_as_of)"
        " select ({first} + i)::text, ({first} + i)::text || line.place, line.slug, 1, now()"
        " from generate_series({low}, {high}) as i, {slugs}"
    ),
    (
        "insert into public.purchases (id, user_id, product_slug, shopify_order_id,"
        " shopify_order_number, shopify_customer_email, shopify_line_item_id, purchased_at)"
        " select md5('purchase ' || i || ' ' || line.place)::uuid,"
        " case when i % 2 = 1 then md5('user ' || i)::uuid end, line.slug,"
        " ({first} + i)::text, i::text, 'past-' || i || '@example.com',"
        " ({first} + i)::text || line.place, now() - interval '1 month'"
        " from generate_series({low}, {high}) as i, {slugs}"
    ),
    (
        "insert into thetis.notifications"
        " (kind, shopify_order_id, payload, status, settled_at, attempts, claimed_at, due_at)"
        " select made.kind, ({first} + i)::text, '{{}}', 'sent', now(), 1, now(), now()"
        " from generate_series({low}, least({high}, {most} / 2)) as i,"
        " (values ('post_purchase'), ('course_access')) as made (kind)"
    ),
)
_SLUGS = (
    "(values (1, 'standard_course'), (2, 'premium_course'), (3, 'splint')) as line (place, slug)"
)


def user_id(customer: int) -> str:
    return _uuid(f"user {customer}")


def purchase_id(customer: int, place: int) -> str:
    """Of a line of their order."""
    return _uuid(f"purchase {customer} {place}")


def _uuid(name: str) -> str:
    return str(uuid.UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()))


def grow(at: Platform, *, purchases: int) -> None:
    """Three purchases to an order."""
    database.record(
        at, webhook_bodies.bodies(1, first=1)
    )  # which shows what notifications it makes
    span = {"low": 0, "high": purchases // LINES, "first": FIRST, "most": MOST_MESSAGES}
    with psycopg.connect(at.admin_url, autocommit=True) as admin:
        # Foreign keys and triggers have nothing to say to rows that fit by construction.
        admin.execute("set session_replication_role = 'replica'")
        admin.execute("set maintenance_work_mem = '512MB'")
        for statement in _STATEMENTS:
            admin.execute(statement.format(**span, slugs=_SLUGS).encode())
        database.settle(admin)
