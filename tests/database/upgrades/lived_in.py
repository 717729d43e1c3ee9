"""A database that has seen everything: rows in each table, made through its release's doors."""

from __future__ import annotations

from devtools import migrations
from tests.database.postgres_15.test_every_function_runs import copy_old_enrollments, live
from tests.support.claims import prove, request_code
from tests.support.cluster import SUPABASE
from tests.support.database import Database
from tests.support.functions import arguments
from tests.support.shopify import COURSE, dispute, order
from thetis.cli import shopify_payloads

_ACCOUNT = "select id::text from auth.users"


def live_in(database: Database) -> None:
    """`database` is the bare platform; all migrations are applied on the way."""
    copy_old_enrollments(database)
    # `live` signs up somebody of the same address.
    database.accounts.change_email(database.value(_ACCOUNT), "ada.lovelace@example.com")
    migrations.apply(database.url, SUPABASE)
    for slug, product in shopify_payloads.SAMPLE_PRODUCTS.items():
        database.map_product(str(product.shopify_id), slug)
    live(database)
    values = arguments(database)
    told = {"notification_id": str(values["notification_id"]), "state": "delivered"}
    database.call("record_deliveries", [{**told, "occurred_at": "2026-11-20T10:00:00Z"}])
    asked = {"topic": "customers/data_request", "shop": "shop.example.com"}
    database.call("record_privacy_request", {**asked, "email": "grace@example.com"})
    database.call("revoke_purchase", values["purchase_id"], "given by mistake", None, "sue")
    migrations.seed(database.url, SUPABASE)
    have_everything_open(database)


def have_everything_open(database: Database) -> None:
    """What is not over yet: a chargeback, a proven address, a code, and webhooks that come in."""
    database.record_orders(order(5_501, COURSE, email="mary@example.com"))
    database.call("record_disputes", [dispute(5_502, 5_501)])
    grace = database.accounts.sign_up("grace.hopper@example.com")
    prove(database, grace, "grace@example.com")
    request_code(database, database.accounts.sign_up("lin.new@example.com"), "linus@example.com")
    database.call("note_webhook", "orders/paid", "w1")
