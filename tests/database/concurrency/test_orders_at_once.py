"""Webhooks about the same order take turns, and webhooks about several cannot deadlock."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.sessions import (
    background,
    record_orders,
    record_refunds,
    session,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, order, refund


def statuses(database: Database, order_id: int = 1) -> dict[str, str]:
    return {row["product_slug"]: row["status"] for row in database.purchases(order_id)}


def test_the_same_order_twice_at_once_is_recorded_once(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            assert record_orders(one, order(1, COURSE)) == ["recorded"]
            second = run(record_orders, two, order(1, COURSE))
            wait_until_blocked(database, two)
        assert second.result() == ["unchanged"]

    assert statuses(database) == {COURSE: "active"}
    assert len(database.notifications(1)) == 2


def test_an_order_whose_first_recording_fails_is_recorded_by_the_second(
    database: Database,
) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction(force_rollback=True):
            record_orders(one, order(1, COURSE))
            second = run(record_orders, two, order(1, COURSE))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    assert statuses(database) == {COURSE: "active"}


@pytest.mark.parametrize("first", ["pending", "paid", "cancelled"])
def test_two_events_of_a_new_order_at_once_are_merged(database: Database, first: str) -> None:
    events = {
        "pending": order(1, COURSE, financial_status="pending"),
        "paid": order(1, COURSE),
        "cancelled": order(1, COURSE, cancelled_at="2026-11-20T10:00:00Z"),
    }
    earliest = events.pop(first)
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_orders(one, earliest)
            others = run(record_orders, two, *events.values())
            wait_until_blocked(database, two)
        others.result()

    assert statuses(database) == {COURSE: "cancelled"}


def test_two_parts_of_an_order_at_once_enqueue_one_message_of_both(database: Database) -> None:
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_orders(one, order(1, COURSE))
            second = run(record_orders, two, order(1, COURSE, PREMIUM))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    payload = database.notifications(1)["post_purchase"]["payload"]
    assert payload["products"] == [PREMIUM, COURSE]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_refund_waits_for_its_order(database: Database, *, is_known: bool) -> None:
    if is_known:
        database.record_orders(order(1, COURSE, financial_status="pending"))
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_orders(one, order(1, COURSE, SPLINT))
            second = run(record_refunds, two, refund(5, 1, **{COURSE: 1}))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    assert statuses(database) == {COURSE: "refunded", SPLINT: "active"}


@pytest.mark.parametrize("is_known", [True, False])
def test_an_order_waits_for_its_refund(database: Database, *, is_known: bool) -> None:
    if is_known:
        database.record_orders(order(1, COURSE, financial_status="pending"))
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_refunds(one, refund(5, 1, **{COURSE: 1}))
            second = run(record_orders, two, order(1, COURSE, SPLINT))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    assert statuses(database) == {COURSE: "refunded", SPLINT: "active"}
    assert "course_access" not in database.notifications(1)


def test_two_refunds_at_once_add_up(database: Database) -> None:
    database.record_orders(order(1, line(1, SPLINT, quantity=2)))
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            record_refunds(one, refund(5, 1, **{SPLINT: 1}))
            second = run(record_refunds, two, refund(6, 1, **{SPLINT: 1}))
            wait_until_blocked(database, two)
        assert second.result() == ["recorded"]

    assert statuses(database) == {SPLINT: "refunded"}


def test_webhooks_about_different_orders_do_not_wait(database: Database) -> None:
    with session(database) as one, session(database) as two, one.transaction():
        record_orders(one, order(1, COURSE))
        assert record_orders(two, order(2, COURSE, email="bob@example.com")) == ["recorded"]


@pytest.mark.parametrize("are_known", [True, False])
@pytest.mark.parametrize("topic", ["orders", "refunds"])
def test_arrays_lock_their_orders_in_one_order_however_they_are_given(
    database: Database, topic: str, *, are_known: bool
) -> None:
    """The array waits for order 1 and holds nothing of order 2 yet: so nobody can wait for it."""
    people = {1: "ada@example.com", 2: "bob@example.com"}
    first, second = (order(n, COURSE, email=email) for n, email in people.items())
    if are_known:
        database.record_orders(first, second)
    with (
        session(database) as one,
        session(database) as two,
        session(database) as three,
        background() as run,
    ):
        with one.transaction():
            record_orders(one, first)
            if topic == "orders":
                array = run(record_orders, two, second, first)
            else:
                refunds = (refund(6, 2, **{COURSE: 1}), refund(5, 1, **{COURSE: 1}))
                array = run(record_refunds, two, *refunds)
            wait_until_blocked(database, two)
            three.execute("set lock_timeout = '2s'")
            record_orders(three, second)
        assert len(array.result()) == 2


def test_the_same_body_rejected_twice_at_once_is_kept_once(database: Database) -> None:
    store = "select public.store_rejected_webhook('orders/paid', null, 'e30=', 'reason') as id"
    with session(database) as one, session(database) as two, background() as run:
        with one.transaction():
            first = one.execute(store).fetchall()
            second = run(lambda: two.execute(store).fetchall())
            wait_until_blocked(database, two)
        assert second.result() == first


def test_an_event_ends_a_purchase_that_somebody_revives_by_hand_meanwhile(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))
    database.execute("update public.purchases set status = 'cancelled'")
    with session(database) as person, session(database) as shop, background() as run:
        with person.transaction():
            person.execute("update public.purchases set status = 'active'")
            ended = run(record_orders, shop, order(1, COURSE, cancelled_at="2026-11-20T00:00:00Z"))
            wait_until_blocked(database, shop)
        assert ended.result() == ["recorded"]

    assert statuses(database) == {COURSE: "cancelled"}
