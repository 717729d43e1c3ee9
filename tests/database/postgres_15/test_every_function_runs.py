"""Postgres looks into a PL/pgSQL function only when it runs: every one of ours has run on 15."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Container

import psycopg

from tests.database.enrollments.old_table import OldTable
from tests.support.claims import prove, proven, remove, request_code
from tests.support.database import Database
from tests.support.deletion import mark_as_deleted
from tests.support.functions import arguments, functions
from tests.support.shopify import (
    COURSE,
    PREMIUM,
    SPLINT,
    days_ago,
    dispute,
    line,
    order,
    refund,
    summary,
)
from tests.support.staff import SUPPORT

_NOT_RUN = """
select p.oid::regprocedure::text as name
from pg_proc as p inner join pg_language as l on p.prolang = l.oid
where p.pronamespace in ('public'::regnamespace, 'thetis'::regnamespace) and l.lanname = 'plpgsql'
    and p.oid not in (select funcid from pg_stat_user_functions)
order by 1
"""


def never_run(database: Database, *, besides: Container[str] = ()) -> list[str]:
    """A connection writes its counts when it ends, or a second later."""
    deadline = time.monotonic() + 5
    while names := [row["name"] for row in database.rows(_NOT_RUN) if row["name"] not in besides]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return names


def count_calls(database: Database) -> None:
    """From the next connection on."""
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(f"alter database {database.name} set track_functions = 'all'")


def copy_old_enrollments(database: Database) -> None:
    """Rows of every kind: one alone, two of one line item, two without one, one that is odd."""
    old = OldTable(database)
    old.create()
    old.add()
    for status in ("active", "refunded", "ACTIVE"):
        old.add(shopify_line_item_id="7002", course_type="premium", status=status)
    for _ in range(2):
        old.add(shopify_order_id=None, shopify_line_item_id=None)
    old.copy()
    old.add(shopify_order_id="5002", course_type="splint")
    database.accounts.sign_up("ada@example.com")
    old.copy_again()


def live(database: Database) -> None:
    """Purchases of every kind, and all that becomes of them."""
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(
        order(11, COURSE),
        order(12, PREMIUM, financial_status="pending", refunds=[refund(94, 12)]),
        order(13, SPLINT, made_at=days_ago(9)),
        order(14, "splint", email="not an address"),
        order(15, COURSE, email=None),
        order(16, line(16, COURSE, product_id=632910392)),
        {"id": "x"},
    )
    database.record_refunds(refund(92, 11, **{COURSE: 1}), refund(93, 12), {"id": 1})
    database.record_orders(order(19, COURSE, disputes=[summary(96)], email="eve@example.com"))
    database.record_disputes(dispute(96, 19, "won"), dispute(97, None), {"id": 1})
    database.record_orders(order(12, PREMIUM), order(11, COURSE, cancelled_at="2026-11-01T00:00Z"))
    sync_orders(database)
    database.call("store_rejected_webhook", "orders/paid", None, "W10=", "no order")
    gift = b64encode(b'{"email": "eve@example.com", "note": "lin@example.com"}').decode()
    database.call("store_rejected_webhook", "orders/paid", None, gift, "no order")
    database.call("export_customer", "lin@example.com", "sue")
    database.call("forget_customer", "lin@example.com", "lin@example.com asked", "sue")
    database.record_orders(order(17, COURSE, email="lin@example.com", made_at=days_ago(1)))
    assert not database.accounts.has_access(ada, COURSE)
    assert database.accounts.has_access(ada, PREMIUM)
    database.accounts.claim_purchases(ada)
    request_code(database, ada, "nobody@example.com")
    database.claim("resend")
    assert prove(database, ada, "ada.old@example.com")["outcome"] == "proven"
    assert proven(database, ada) == {"ada.old@example.com": 0}
    assert remove(database, ada, "ada.old@example.com") == 0
    act_by_hand(database)
    for query in ("adax@example.com", "No. 1000000"):
        database.call("customer_timeline", query, "sue")
    database.accounts.delete(ada)
    mark_as_deleted(database, database.accounts.sign_up("ada@example.com"))


def sync_orders(database: Database) -> None:
    """Some of an export, which are told by Shopify since; and one that only a sync tells."""
    old = days_ago(400).isoformat()
    exported = {"id": "21", "email": "sue@example.com", "financial_status": "paid"}
    exported |= {"created_at": old, "updated_at": old}
    database.call(
        "record_exported_orders", [{**exported, "lines": [{"slug": COURSE, "quantity": 1}]}], False
    )
    [begun] = database.call("begin_order_sync", "reconcile", None, None, "two", 60)
    page = [
        order(21, COURSE, made_at=days_ago(400), email="sue@example.com"),
        order(22, SPLINT, made_at=days_ago(0.1)),
    ]
    sync_id = begun["begin_order_sync"]["id"]
    database.call("record_order_page", sync_id, "two", 1, page, [], None, True, "grant", 60)


def act_by_hand(database: Database) -> None:
    """As one of the support staff, on what ends after a year and on what is too old for messages;
    and what was written down of it is struck out.
    """
    database.execute("update public.products set access_period = '1 year' where slug = %s", COURSE)
    database.record_orders(order(18, COURSE, made_at=days_ago(9)))
    sue = database.accounts.sign_up("sue@example.com")
    with database.accounts.as_user(sue, **SUPPORT) as staff:
        [row] = staff.execute(
            "select public.transfer_order("
            "'18', 'grace@example.com', 'bought for her', 'ada@example.com') as answer"
        ).fetchall()
    assert row["answer"]["after"][0]["address"] == "grace@example.com"
    database.call("export_customer", "ada@example.com", "sue")
    database.execute("update thetis.audit_log set erased_at = now(), email = null")


def test_on_a_database_that_had_enrollments(bare_database: Database, database: Database) -> None:
    """Those that are there for the copy, and gone once it is over."""
    count_calls(bare_database)
    with Database(bare_database.platform, bare_database.name) as migrating:
        copy_old_enrollments(migrating)
    others = [
        row["name"] for row in database.rows("select oid::regprocedure::text as name from pg_proc")
    ]

    assert never_run(bare_database, besides=others) == []


def test_on_a_database_in_use(database: Database) -> None:
    count_calls(database)
    with Database(database.platform, database.name) as used:
        live(used)
        values = arguments(used)
        for function in functions(used):
            if "service_role" in function.callers:
                with used.as_role("service_role") as service:
                    function.call(service, values)
    assert never_run(database) == []
