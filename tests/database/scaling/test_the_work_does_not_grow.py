"""However many purchases there are, a call reads the few rows that it is about.

Nothing has been analyzed: it must hold in the hour after a bulk load too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from devtools.accounts import INSTANCE_ID
from tests.support.claims import note, redeem, remove, request_code, written_code
from tests.support.cluster import Cluster
from tests.support.database import Connection, Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, dispute, order, refund, summary

ORDERS = 1500
NEW = ORDERS + 1
FEW = 120
"""Rows of all tables together. A call that reads a whole table reads thousands."""

READ = """
select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as rows
from pg_stat_xact_user_tables
where schemaname in ('public', 'thetis', 'auth')
"""


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Database]:
    """Orders of three, all messages sent, and an account for every second customer."""
    with cluster.database() as database:
        database.execute(
            "insert into auth.users (instance_id, id, email, email_confirmed_at)"
            " select %s, gen_random_uuid(), 'user' || n || '@example.com', now()"
            " from generate_series(1, %s, 2) as n",
            INSTANCE_ID,
            ORDERS,
        )
        database.execute("analyze auth.users")
        database.record_orders(*(_order(number) for number in range(1, ORDERS + 1)))
        while claimed := database.claim():
            database.settle(*({"id": str(row["id"]), "result": "sent"} for row in claimed))
        assert database.value("select count(*) from public.purchases") == 3 * ORDERS
        database.execute(
            "insert into thetis.claim_codes (user_id, email, valid_until)"
            " select id, 'old.' || email, now() from auth.users, generate_series(1, 2)"
        )
        database.execute(
            "insert into thetis.proven_addresses (user_id, email)"
            " select id, 'old.' || email from auth.users"
        )
        database.execute("update thetis.claim_codes set requested_at = now() - interval '2 hours'")
        yield database


def _order(number: int) -> dict[str, object]:
    return order(number, COURSE, PREMIUM, SPLINT, email=f"user{number}@example.com")


def _rows_read(connection: Connection, query: str, *values: object) -> int:
    """By one statement and what follows from it at the end of the transaction."""
    before = _read_so_far(connection)
    with connection.transaction(force_rollback=True):
        connection.execute(sql.SQL(query), values)
        connection.execute("set constraints all immediate")
        return _read_so_far(connection) - before


def _read_so_far(connection: Connection) -> int:
    [row] = connection.execute(sql.SQL(READ)).fetchall()
    return int(row["rows"])


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("record_orders", _order(NEW)),
        ("record_orders", _order(7)),
        ("record_orders", _order(8) | {"cancelled_at": "2026-11-23T12:00:00Z"}),
        ("record_orders", _order(9) | {"email": "another@example.com"}),
        ("record_refunds", refund(1, 7, standard_course=1)),
        ("record_refunds", refund(2, NEW, splint=1)),
        ("record_orders", _order(10) | {"disputes": [summary(3)]}),
        ("record_disputes", dispute(4, 7)),
        ("record_disputes", dispute(5, NEW)),
    ],
    ids=[
        "new order",
        "known order",
        "cancelled",
        "corrected address",
        "refund",
        "refund first",
        "order with a dispute",
        "dispute",
        "dispute first",
    ],
)
def test_an_event_reads_the_rows_of_its_order(
    shop: Database, function: str, event: dict[str, object]
) -> None:
    with shop.as_role("service_role") as service:
        read = _rows_read(service, f"select * from public.{function}(%s)", Jsonb([event]))
    assert read <= FEW


def test_an_account_stored_in_mixed_case_is_found_without_reading_the_others(
    shop: Database,
) -> None:
    """By the index that Auth has for it."""
    mixed = shop.value(
        "insert into auth.users (instance_id, id, email, email_confirmed_at)"
        " values (%s, gen_random_uuid(), 'Mixed.Case@Example.com', now()) returning id",
        INSTANCE_ID,
    )
    event = _order(NEW) | {"email": "mixed.case@example.com"}
    with shop.as_role("service_role") as service:
        read = _rows_read(service, "select * from public.record_orders(%s)", Jsonb([event]))
    assert read <= FEW
    with shop.accounts.as_user(str(mixed)) as user:
        assert _rows_read(user, "select public.claim_purchases()") <= FEW


def test_marking_an_account_as_deleted_reads_its_purchases(shop: Database) -> None:
    user_id = shop.value("select id from auth.users where email = 'user1@example.com'")
    with shop.connect() as auth, auth.transaction():
        query = "update auth.users set deleted_at = now() where id = %s"
        assert 3 < _rows_read(auth, query, user_id) <= FEW


def test_looking_for_due_messages_reads_none_that_are_settled(shop: Database) -> None:
    with shop.as_role("service_role") as service:
        query = "select * from public.claim_notifications('knock', 10, 60)"
        assert _rows_read(service, query) == 0
        assert _rows_read(service, "select * from public.notification_backlog()") == 0


@pytest.mark.parametrize("arguments", ["'7', null", "null, 'dead'"], ids=["of an order", "dead"])
def test_listing_messages_reads_those_messages_however_often_it_is_asked(
    shop: Database, arguments: str
) -> None:
    with shop.as_role("service_role") as service:
        query = f"select * from public.list_notifications({arguments})"
        # more than five times: a plan for all questions alike might be kept then
        assert max(_rows_read(service, query) for _ in range(8)) <= FEW


def test_settling_a_message_reads_that_message(shop: Database) -> None:
    results = "jsonb_build_array(jsonb_build_object('id', %s::uuid, 'result', 'sent'))"
    some = shop.value("select id from thetis.notifications limit 1")
    with shop.as_role("service_role") as service:
        query = f"select * from public.settle_notifications({results})"
        assert _rows_read(service, query, some) <= FEW


def test_linking_reads_what_was_bought_with_the_address(shop: Database) -> None:
    someone = "insert into auth.users (instance_id, id, email, email_confirmed_at)"
    someone += f" values ('{INSTANCE_ID}', gen_random_uuid(), 'user2@example.com', now())"
    with shop.connect() as auth, auth.transaction():
        assert _rows_read(auth, someone) <= FEW


@pytest.mark.parametrize(
    "query", ["select public.claim_purchases()", "select * from public.purchases"]
)
def test_what_a_user_asks_reads_that_users_rows(shop: Database, query: str) -> None:
    user_id = shop.value("select id from auth.users where email = 'user1@example.com'")
    with shop.accounts.as_user(str(user_id)) as user:
        assert 0 < _rows_read(user, query) <= FEW


def test_proving_an_address_reads_what_was_bought_with_it(shop: Database) -> None:
    user_id = str(shop.value("select id from auth.users where email = 'user1@example.com'"))
    theirs = "user2@example.com"
    with shop.accounts.as_user(user_id) as user:
        assert _rows_read(user, "select * from public.request_claim_code(%s)", theirs) <= FEW
    request_code(shop, user_id, theirs)
    with shop.as_role("service_role") as service:
        query = "select * from public.claim_notifications('resend', 10, 60)"
        assert _rows_read(service, query) <= FEW
    code = written_code(shop, theirs)
    note(shop, user_id, code)
    with shop.accounts.as_user(user_id) as user:
        assert 3 < _rows_read(user, "select * from public.redeem_claim_code(%s)", code) <= FEW
    assert redeem(shop, user_id, code)["linked"] == 3
    with shop.accounts.as_user(user_id) as user:
        assert _rows_read(user, "select * from public.list_proven_addresses()") <= FEW
        assert _rows_read(user, "select public.claim_purchases()") <= FEW
        assert 3 < _rows_read(user, "select public.remove_proven_address(%s)", theirs) <= FEW
    remove(shop, user_id, theirs)


@pytest.mark.parametrize(
    "query", ["user7@example.com", "#7", "7", "usr7@example.com", "nobody@elsewhere.example"]
)
def test_a_customer_s_timeline_reads_what_is_theirs(shop: Database, query: str) -> None:
    """A misspelt address also reads up to a hundred addresses that begin like it."""
    with shop.as_role("service_role") as service:
        read = _rows_read(service, "select public.customer_timeline(%s, 'sue')", query)
    assert read <= 3 * FEW
