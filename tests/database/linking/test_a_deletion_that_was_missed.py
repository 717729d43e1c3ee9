"""An account marked as deleted owns nothing, even if nobody could write that down at once."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.deletion import MARK, mark_as_deleted_unseen
from tests.support.shopify import COURSE, order, refund

QUICKLY = "alter function thetis.link_purchases_to_user() set lock_timeout = '50ms'"


@pytest.fixture
def gone(database: Database) -> str:
    """A deleted account that still owns a row."""
    user_id = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    mark_as_deleted_unseen(database, user_id)
    assert owner(database) == user_id
    return user_id


def owner(database: Database, order_id: int = 1) -> str | None:
    [row] = database.purchases(order_id)
    return str(row["user_id"]) if row["user_id"] else None


def test_a_deleted_owner_has_no_access(database: Database, gone: str) -> None:
    assert not database.accounts.has_access(gone, COURSE)


def test_a_deleted_owner_claims_nothing(database: Database, gone: str) -> None:
    assert database.accounts.claim_purchases(gone) == 0
    assert not database.accounts.has_access(gone, COURSE)


@pytest.mark.usefixtures("gone")
def test_who_signs_up_again_gets_the_row(database: Database) -> None:
    again = database.accounts.sign_up("ada@example.com")

    assert owner(database) == again
    assert database.accounts.has_access(again, COURSE)


@pytest.mark.usefixtures("gone")
def test_who_claims_gets_the_row(database: Database) -> None:
    again = database.accounts.sign_up("ada@example.com", confirmed=False)
    with database.connect("supabase_admin") as admin, admin.transaction():
        admin.execute("set local session_replication_role = replica")
        admin.execute("update auth.users set email_confirmed_at = now() where id = %s", [again])

    assert database.accounts.claim_purchases(again) == 1
    assert owner(database) == again
    assert database.accounts.claim_purchases(again) == 0


def test_the_orders_next_event_gives_the_row_to_the_new_account(
    database: Database, gone: str
) -> None:
    again = database.accounts.sign_up("ada@example.com")
    with database.connect("supabase_admin") as admin, admin.transaction():
        admin.execute("set local session_replication_role = replica")
        admin.execute("update public.purchases set user_id = %s", [gone])

    assert database.record_orders(order(1, COURSE)) == ["recorded"]
    assert owner(database) == again


@pytest.mark.usefixtures("gone")
def test_the_orders_next_event_takes_the_row_from_the_deleted_account(database: Database) -> None:
    assert database.record_orders(order(1, COURSE)) == ["recorded"]
    assert owner(database) is None
    assert database.record_orders(order(1, COURSE)) == ["unchanged"]


@pytest.mark.usefixtures("gone")
def test_a_refund_takes_the_row_from_the_deleted_account_and_ends_it(database: Database) -> None:
    database.record_refunds(refund(1, 1, **{COURSE: 1}))

    assert owner(database) is None
    assert [row["status"] for row in database.purchases(1)] == ["refunded"]


def test_a_deletion_while_the_table_is_locked_goes_through_and_is_mended(
    own_database: Database,
) -> None:
    database = own_database
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    database.execute(QUICKLY)
    with database.connect() as other, other.transaction():
        other.execute("lock table public.purchases in access exclusive mode")
        with database.connect("supabase_auth_admin") as auth:
            auth.execute(MARK, [ada])
    assert owner(database) == ada
    assert not database.accounts.has_access(ada, COURSE)

    again = database.accounts.sign_up("ada@example.com")
    assert owner(database) == again


@pytest.mark.parametrize("statement", ["sign up", "delete"])
def test_a_statement_timeout_inside_the_trigger_does_not_fail_auth(
    database: Database, statement: str
) -> None:
    """`exception when others` does not catch what a timeout of statements raises."""
    warnings: list[str] = []
    ada = database.accounts.sign_up("ada@example.com", confirmed=statement == "delete")
    database.record_orders(order(1, COURSE))
    queries = {
        "sign up": "update auth.users set email_confirmed_at = now() where id = %s",
        "delete": MARK,
    }
    with database.connect() as other, other.transaction():
        other.execute("lock table public.purchases in access exclusive mode")
        with database.connect("supabase_auth_admin") as auth:
            auth.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
            auth.execute("set statement_timeout = '100ms'")
            with auth.transaction():
                assert auth.execute(queries[statement], [ada]).rowcount == 1
                auth.execute("set constraints all immediate")

    assert "57014" in warnings[0]
    assert database.accounts.has_access(ada, COURSE) is False
    if statement == "sign up":
        assert database.accounts.claim_purchases(ada) == 1
