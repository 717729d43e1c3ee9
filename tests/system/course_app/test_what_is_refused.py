"""What a customer must not be able to do through the API, tried with Supabase's clients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, order
from tests.system.course_app.apps import App, User
from tests.system.course_app.conftest import People

MISSING_PRIVILEGE = "42501"
NO_SUCH_SCHEMA = "PGRST106"

A_ROW: dict[str, dict[str, Any]] = {
    "purchases": {
        "product_slug": COURSE,
        "shopify_customer_email": "eve@example.com",
        "status": "active",
    },
    "products": {"slug": "free_course", "name": "Free", "category": "course"},
}
A_COLUMN = {"purchases": "product_slug", "products": "slug"}

NO_ID = "00000000-0000-0000-0000-000000000000"

OF_THE_SERVICE: dict[str, dict[str, Any]] = {
    "record_orders": {"orders": [order(9, COURSE, email="eve@example.com")]},
    "record_refunds": {"refunds": []},
    "record_disputes": {"disputes": []},
    "honor_disputes": {"is_on": False},
    "begin_order_sync": {
        "purpose": "backfill",
        "since": None,
        "until": None,
        "holder": "eve",
        "lease_seconds": 60,
    },
    "record_order_page": {
        "sync_id": 1,
        "holder": "eve",
        "page": 1,
        "orders": [],
        "unreadable": [],
        "reached": None,
        "is_last": True,
        "test_orders": "grant",
        "lease_seconds": 60,
    },
    "preview_orders": {"orders": []},
    "record_exported_orders": {"orders": []},
    "reconcile_status": {},
    "claim_notifications": {"provider": "knock"},
    "settle_notifications": {"results": []},
    "notification_backlog": {},
    "count_address_conflicts": {},
    "store_rejected_webhook": {
        "topic": "orders/paid",
        "webhook_id": "1",
        "body_base64": "",
        "reason": "none",
    },
    "list_rejected_webhooks": {},
    "get_rejected_webhook": {"id": 1},
    "mark_webhook_replayed": {"id": 1},
    "record_deliveries": {"events": []},
    "undelivered_emails": {},
    "list_notifications": {},
    "get_notification": {"notification_id": NO_ID},
    "retry_notifications": {"ids": []},
    "resend_notification": {"order_name": "1", "kind": "course_access", "reason": "lost"},
    "grant_access": {"slug": COURSE, "recipient": "eve@example.com", "reason": "mine"},
    "revoke_purchase": {"purchase_id": NO_ID, "reason": "hers"},
    "restore_purchase": {"purchase_id": NO_ID, "reason": "mine"},
    "extend_purchase": {"purchase_id": NO_ID, "until": "infinity", "reason": "mine"},
    "transfer_purchase": {"purchase_id": NO_ID, "address": "eve@example.com", "reason": "mine"},
    "transfer_order": {"order_name": "1", "address": "eve@example.com", "reason": "mine"},
    "customer_timeline": {"query": "1"},
    "require_second_factor": {"is_required": False, "reason": "mine", "operator": "eve"},
    "expire_purchases": {},
    "list_products": {},
    "list_unmapped_products": {},
    "add_product": {"slug": "free_course", "name": "Free", "category": "course"},
    "remove_product": {"slug": COURSE},
    "remove_shopify_product": {"shopify_product_id": "1"},
    "prune": {},
    "export_customer": {"address": "ada@example.com"},
    "forget_customer": {"address": "ada@example.com", "reason": "none"},
    "record_privacy_request": {"request": {"topic": "shop/redact"}},
    "list_privacy_requests": {},
    "count_privacy_requests": {},
    "mark_privacy_request_answered": {"id": 1},
    "check_schema": {"calls": {}},
    "check_installation": {"functions": []},
    "note_webhook": {"topic": "orders/paid"},
}


@pytest.fixture(params=["visitor", "owner", "stranger", "unconfirmed"])
def customer(request: pytest.FixtureRequest, people: People, database: Database) -> User:
    database.record_orders(order(1, COURSE), order(2, COURSE, email="new@example.com"))
    match request.param:
        case "owner":
            return people.sign_up("ada@example.com")
        case "stranger":
            return people.sign_up("eve@example.com")
        case "unconfirmed":
            return people.sign_up("new@example.com", confirmed=False)
    return people.visitor()


@pytest.mark.parametrize("call", ["insert", "upsert", "update", "delete"])
def test_nobody_writes_a_table(app: App, customer: User, database: Database, call: str) -> None:
    before = database.purchases(), database.rows("select * from public.products")

    for table, row in A_ROW.items():
        answer = app.ask(customer, call, table=table, row=row, column=A_COLUMN[table])
        assert answer.code == MISSING_PRIVILEGE, table

    assert (database.purchases(), database.rows("select * from public.products")) == before


def test_nobody_makes_a_purchase_theirs(app: App, customer: User, database: Database) -> None:
    before = database.purchases()
    mine = {"user_id": customer.user_id, "status": "active"}

    answer = app.ask(customer, "update", table="purchases", row=mine, column="product_slug")

    assert answer.code == MISSING_PRIVILEGE
    assert database.purchases() == before


def test_nobody_calls_the_services_functions(app: App, customer: User, database: Database) -> None:
    for function, arguments in OF_THE_SERVICE.items():
        answer = app.ask(customer, "rpc", name=function, args=arguments)
        assert answer.code == MISSING_PRIVILEGE, function

    assert database.purchases(9) == []


def test_these_are_all_the_functions_of_the_service(database: Database) -> None:
    functions = database.rows(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace"
        " and has_function_privilege('service_role', oid, 'execute')"
    )

    assert {row["proname"] for row in functions} == set(OF_THE_SERVICE)


@pytest.mark.parametrize("schema", ["thetis", "auth", "supabase_migrations", "pg_catalog"])
def test_nobody_reaches_another_schema(app: App, customer: User, schema: str) -> None:
    answer = app.ask(customer, "select", table="orders", schema=schema)

    assert answer.code == NO_SUCH_SCHEMA
