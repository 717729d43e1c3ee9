"""An account that is marked as deleted while its orders are recorded."""

from __future__ import annotations

from typing import LiteralString

import pytest

from tests.support.database import Connection, Database
from tests.support.deletion import MARK
from tests.support.sessions import (
    background,
    record_orders,
    record_refunds,
    session,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order, refund

AUTH = "supabase_auth_admin"
TYPO, ADA = "adda@example.com", "ada@example.com"
DELETE: LiteralString = "delete from auth.users where id = %s"
CORRECTED_AT = "2999-01-01T00:00:00Z"


def owner(database: Database, order_id: int = 1) -> str | None:
    [row] = database.purchases(order_id)
    return str(row["user_id"]) if row["user_id"] else None


def mark(auth: Connection, user_id: str) -> None:
    """The deferred trigger runs as it commits."""
    with auth.transaction():
        auth.execute(MARK, [user_id])


def test_a_deletion_waits_for_an_order_in_flight_and_takes_it_back(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE))
            deleted = run(mark, auth, ada)
            wait_until_blocked(database, auth)
        deleted.result()

    assert owner(database) is None


def test_an_order_waits_for_a_deletion_and_gets_no_owner(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        with auth.transaction():
            auth.execute(MARK, [ada])
            auth.execute("set constraints all immediate")
            recorded = run(record_orders, shop, order(1, COURSE))
            wait_until_blocked(database, shop)
        assert recorded.result() == ["recorded"]

    assert owner(database) is None


@pytest.mark.parametrize("first", ["correction", "deletion"])
def test_a_correction_and_the_deletion_of_the_owner_give_it_to_the_corrected_customer(
    database: Database, first: str
) -> None:
    stranger = database.accounts.sign_up(TYPO)
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, COURSE, email=TYPO))
    corrected = order(1, COURSE, email=ADA, updated_at=CORRECTED_AT)
    with session(database) as shop, session(database, AUTH) as auth, background() as run:
        if first == "correction":
            with shop.transaction():
                assert record_orders(shop, corrected) == ["recorded"]
                deleted = run(mark, auth, stranger)
                wait_until_blocked(database, auth)
            deleted.result()
        else:
            with auth.transaction():
                auth.execute(MARK, [stranger])
                auth.execute("set constraints all immediate")
                recorded = run(record_orders, shop, corrected)
                wait_until_blocked(database, shop)
            assert recorded.result() == ["recorded"]

    database.accounts.claim_purchases(ada)
    assert owner(database) == ada
    assert {row["shopify_customer_email"] for row in database.purchases()} == {ADA}


def test_who_signs_up_while_the_owner_is_deleted_finds_the_corrected_row(
    database: Database,
) -> None:
    stranger = database.accounts.sign_up(TYPO)
    database.record_orders(order(1, COURSE, email=TYPO))
    database.record_orders(order(1, COURSE, email=ADA, updated_at=CORRECTED_AT))
    ada = database.accounts.sign_up(ADA, confirmed=False)
    confirm: LiteralString = "update auth.users set email_confirmed_at = now() where id = %s"
    with session(database, AUTH) as one, session(database, AUTH) as two, background() as run:
        with one.transaction():
            one.execute(MARK, [stranger])
            one.execute("set constraints all immediate")
            confirmed = run(two.execute, confirm, [ada])
            wait_until_blocked(database, two)
        confirmed.result()

    assert owner(database) == ada


BY_SLUG = sorted((SPLINT, PREMIUM, COURSE))
"""As the index of a user's purchases has them, and so the deletion goes through them."""


@pytest.mark.parametrize("deletion", [MARK, DELETE], ids=["marked", "deleted"])
@pytest.mark.parametrize("has_moved", [True, False])
def test_a_batch_of_refunds_and_the_deletion_of_the_owner_do_not_deadlock(
    database: Database, deletion: LiteralString, *, has_moved: bool
) -> None:
    """Each has rows that the other wants. After a move, no order has the owner's address."""
    ada = database.accounts.sign_up(ADA)
    first, second, third = written_in_order(database)
    slugs = {third: BY_SLUG[0], first: BY_SLUG[1], second: BY_SLUG[2]}
    database.record_orders(*(order(n, slug) for n, slug in slugs.items()))
    if has_moved:
        database.accounts.change_email(ada, "ada.king@example.com")
    refunds = [refund(n, n, **{slug: 1}) for n, slug in sorted(slugs.items())]
    with (
        session(database) as holder,
        session(database) as shop,
        session(database, AUTH) as auth,
        background() as run,
        background() as run_beside,
    ):
        go_by_the_index(auth)
        with holder.transaction():
            hold = "select from public.purchases where shopify_order_id = %s for update"
            holder.execute(hold, [str(second)])
            recorded = run(record_refunds, shop, *refunds)
            wait_until_blocked(database, shop)
            deleted = run_beside(auth.execute, deletion, [ada])
            wait_until_blocked(database, auth)
        assert recorded.result() == ["recorded"] * 3
        deleted.result()

    assert {row["status"] for row in database.purchases()} == {"refunded"}
    assert {row["user_id"] for row in database.purchases()} == {None}


def written_in_order(database: Database) -> list[int]:
    """Three orders, in the order in which a batch of their refunds is written."""
    query = "select distinct id from unnest(array['1', '2', '3']) as id"
    return [int(row["id"]) for row in database.rows(query)]


def go_by_the_index(connection: Connection) -> None:
    """As the planner does when there are many purchases."""
    connection.execute("set enable_seqscan = off")
    connection.execute("set enable_bitmapscan = off")
