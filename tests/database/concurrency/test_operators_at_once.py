"""What operators do, and what Shopify tells or customers do at the same moment, come to the same in
whatever order they happen.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from psycopg import sql

from tests.database.concurrency.test_purchase_and_account_at_once import (
    AUTH,
    begin_sign_up,
    sign_up,
)
from tests.database.operators.support import purchase_id
from tests.support.database import Connection, Database, Row
from tests.support.sessions import (
    background,
    record_orders,
    record_refunds,
    session,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, PREMIUM, days_ago, order, refund

ADA, GRACE = "ada@example.com", "grace@example.com"

FIRST = pytest.mark.parametrize("first", ["operator", "other"])


def act(connection: Connection, function: str, **values: Any) -> Row:
    """Inside a transaction of the caller or not. The service's role, which postgres may take."""
    values = {"reason": "she asked for it", "operator": "sue", **values}
    query = sql.SQL("select public.{}({}) as answer").format(
        sql.Identifier(function),
        sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in values
        ),
    )
    [row] = connection.execute(query, values).fetchall()
    answer: Row = row["answer"]
    return answer


def statuses(database: Database) -> list[str]:
    return [row["status"] for row in database.purchases()]


def owners(database: Database) -> set[str | None]:
    rows = database.rows("select user_id from public.purchases")
    return {str(row["user_id"]) if row["user_id"] else None for row in rows}


def give_a_period(database: Database) -> None:
    database.execute("update public.products set access_period = '30 days' where slug = %s", COURSE)


def days(database: Database, order_id: int) -> int:
    """How long the purchase of this order lasts from when it was bought."""
    [row] = database.purchases(order_id)
    return int((row["expires_at"].astimezone(UTC) - row["purchased_at"].astimezone(UTC)).days)


@FIRST
def test_a_revocation_and_a_refund_of_the_same_order(database: Database, first: str) -> None:
    database.record_orders(order(1, COURSE, PREMIUM))
    purchase = purchase_id(database, 1, COURSE)
    given_back = refund(9, 1, **{COURSE: 1})
    with session(database) as shop, session(database) as desk, background() as run:
        if first == "operator":
            with desk.transaction():
                act(desk, "revoke_purchase", purchase_id=purchase)
                refunded = run(record_refunds, shop, given_back)
                wait_until_blocked(database, shop)
            assert refunded.result() == ["recorded"]
        else:
            with shop.transaction():
                record_refunds(shop, given_back)
                revoked = run(act, desk, "revoke_purchase", purchase_id=purchase)
                wait_until_blocked(database, desk)
            with pytest.raises(Exception, match="it is refunded already"):
                revoked.result()

    assert sorted(statuses(database)) == ["active", "refunded"]


@FIRST
@pytest.mark.parametrize("function", ["transfer_order", "transfer_purchase"])
def test_a_transfer_and_an_event_that_adds_a_line(
    database: Database, first: str, function: str
) -> None:
    ada, grace = database.accounts.sign_up(ADA), database.accounts.sign_up(GRACE)
    database.record_orders(order(1, COURSE))
    added = order(1, COURSE, PREMIUM, updated_at="2999-01-01T00:00:00Z")
    what = (
        {"order_name": "1"}
        if function == "transfer_order"
        else {"purchase_id": purchase_id(database, 1)}
    )
    with session(database) as shop, session(database) as desk, background() as run:
        if first == "operator":
            with desk.transaction():
                act(desk, function, **what, address=GRACE)
                recorded = run(record_orders, shop, added)
                wait_until_blocked(database, shop)
            assert recorded.result() == ["recorded"]
        else:
            with shop.transaction():
                assert record_orders(shop, added) == ["recorded"]
                given = run(act, desk, function, **what, address=GRACE)
                wait_until_blocked(database, desk)
            given.result()

    owned = {row["product_slug"]: str(row["user_id"]) for row in database.purchases(1)}
    assert owned == {COURSE: grace, PREMIUM: grace if function == "transfer_order" else ada}


@FIRST
@pytest.mark.parametrize("function", ["transfer_order", "transfer_purchase"])
@pytest.mark.parametrize("address", [GRACE, ADA], ids=["of the new", "of the old"])
def test_a_transfer_and_the_sign_up_of_an_address(
    database: Database, first: str, function: str, address: str
) -> None:
    """The new person has it, and the old one no more, whoever comes first."""
    database.record_orders(order(1, COURSE))
    what = (
        {"order_name": "1"}
        if function == "transfer_order"
        else {"purchase_id": purchase_id(database, 1)}
    )
    with session(database) as desk, session(database, AUTH) as auth, background() as run:
        if first == "operator":
            with desk.transaction():
                act(desk, function, **what, address=GRACE)
                signed_up = run(sign_up, auth, address)
                wait_until_blocked(database, auth)
            user_id = signed_up.result()
        else:
            with auth.transaction():
                user_id = begin_sign_up(auth, address)
                given = run(act, desk, function, **what, address=GRACE)
                wait_until_blocked(database, desk)
            assert given.result()["outcome"] == "done"

    assert owners(database) == {user_id if address == GRACE else None}


@pytest.mark.parametrize("function", ["transfer_order", "transfer_purchase"])
def test_a_transfer_that_waits_for_the_sign_up_of_the_old_address_pulls_back_what_follows(
    database: Database, function: str
) -> None:
    """Whose the order was is looked up once nobody can link it any more."""
    give_a_period(database)
    database.record_orders(order(1, COURSE, made_at=days_ago(5)), order(2, COURSE))
    assert days(database, 2) > 30
    what = (
        {"order_name": "1"}
        if function == "transfer_order"
        else {"purchase_id": purchase_id(database, 1)}
    )
    with session(database) as desk, session(database, AUTH) as auth, background() as run:
        with auth.transaction():
            begin_sign_up(auth, ADA)
            given = run(act, desk, function, **what, address=GRACE, expected_address=ADA)
            wait_until_blocked(database, desk)
        given.result()

    assert (days(database, 1), days(database, 2)) == (30, 30)


@FIRST
def test_a_grant_and_the_sign_up_of_its_address(database: Database, first: str) -> None:
    with session(database) as desk, session(database, AUTH) as auth, background() as run:
        if first == "operator":
            with desk.transaction():
                act(desk, "grant_access", slug=COURSE, recipient=ADA)
                signed_up = run(sign_up, auth, ADA)
                wait_until_blocked(database, auth)
            ada = signed_up.result()
        else:
            with auth.transaction():
                ada = begin_sign_up(auth, ADA)
                given = run(act, desk, "grant_access", slug=COURSE, recipient=ADA)
                wait_until_blocked(database, desk)
            given.result()

    assert owners(database) == {ada}


def test_the_same_grant_said_twice_at_once_is_one(database: Database) -> None:
    again = {"slug": COURSE, "recipient": ADA, "grant_id": "6f1c5f0e-3f57-4a3e-9d55-0c7f2c1f5f01"}
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            assert act(one, "grant_access", **again)["outcome"] == "done"
            second = run(act, two, "grant_access", **again)
            wait_until_blocked(database, two)
        assert second.result()["outcome"] == "unchanged"

    assert database.value("select count(*) from thetis.audit_log") == 1


@pytest.mark.parametrize("first", ["the refund", "the order"])
def test_events_of_one_account_by_two_addresses_wait_for_one_another(
    database: Database, first: str
) -> None:
    """They share no order and no address, and yet the end of one follows from the other."""
    give_a_period(database)
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, COURSE, made_at=days_ago(5)))
    database.accounts.change_email(ada, GRACE)
    bought, given_back = order(2, COURSE, email=GRACE), refund(9, 1, **{COURSE: 1})
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            if first == "the order":
                assert record_orders(one, bought) == ["recorded"]
                other = run(record_refunds, two, given_back)
            else:
                assert record_refunds(one, given_back) == ["recorded"]
                other = run(record_orders, two, bought)
            wait_until_blocked(database, two)
        assert other.result() == ["recorded"]

    assert owners(database) == {ada}
    assert days(database, 2) == 30


def test_an_act_locks_all_that_its_order_will_need_before_the_first_purchase(
    database: Database,
) -> None:
    """Of an order of which another part was transferred: to the owner's new address, which is
    confirmed meanwhile.
    """
    ada = database.accounts.sign_up(ADA)
    database.record_orders(order(1, COURSE, PREMIUM))
    mine = purchase_id(database, 1, COURSE)
    with session(database) as desk:
        act(desk, "transfer_purchase", purchase_id=purchase_id(database, 1, PREMIUM), address=GRACE)
    with (
        session(database) as holder,
        session(database) as desk,
        session(database, AUTH) as auth,
        background() as run,
        background() as run_beside,
    ):
        gave_up: list[str | None] = []
        auth.add_notice_handler(lambda notice: gave_up.append(notice.message_primary))
        with holder.transaction():
            holder.execute("select from public.purchases where id = %s for update", [mine])
            given = run(act, desk, "revoke_purchase", purchase_id=mine)
            wait_until_blocked(database, desk)
            moved = run_beside(
                auth.execute, "update auth.users set email = %s where id = %s", [GRACE, ada]
            )
            wait_until_blocked(database, auth)
        assert given.result()["outcome"] == "done"
        moved.result()

    assert gave_up == []
    assert owners(database) == {ada}
