"""Forgetting a person while something of theirs is being recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.outbox.support import later, send_due
from tests.database.privacy.support import ADA, GRACE, forget, places
from tests.support.database import Connection, Database
from tests.support.sessions import (
    background,
    claim,
    record_orders,
    session,
    settle,
    wait_until_blocked,
)
from tests.support.shopify import COURSE, PREMIUM, days_ago, order

KNOCK_ALONE = ["thetis.notifications.email", "thetis.notifications.payload"]


def forget_her(connection: Connection) -> dict[str, Any]:
    connection.execute("set role service_role")
    [row] = connection.execute(
        "select public.forget_customer(%s, 'asked', 'sue') as answer", [ADA]
    ).fetchall()
    answer: dict[str, Any] = row["answer"]
    return answer


@pytest.mark.parametrize("is_known", [True, False])
def test_a_webhook_that_came_first_is_waited_for_and_forgotten(
    database: Database, *, is_known: bool
) -> None:
    if is_known:
        database.record_orders(order(1, COURSE, email=ADA))
    with session(database) as shop, session(database) as sue, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE, PREMIUM, email=ADA))
            forgotten = run(forget_her, sue)
            wait_until_blocked(database, sue)
        assert len(forgotten.result()["loses_access"]) == 2

    assert places(database) == KNOCK_ALONE


@pytest.mark.parametrize("is_known", [True, False])
def test_a_webhook_that_comes_second_brings_nothing_back(
    database: Database, *, is_known: bool
) -> None:
    bought = order(1, COURSE, email=ADA, made_at=days_ago(1))
    if is_known:
        database.record_orders(bought)
    with session(database) as shop, session(database) as sue, background() as run:
        with sue.transaction():
            forget_her(sue)
            recorded = run(record_orders, shop, bought, order(2, COURSE, email=GRACE))
            wait_until_blocked(database, shop)
        assert recorded.result()[1] == "recorded"

    assert places(database) == KNOCK_ALONE


def test_a_correction_to_her_address_that_came_first_is_forgotten(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=GRACE), order(2, COURSE, email=ADA))
    with session(database) as shop, session(database) as sue, background() as run:
        with shop.transaction():
            record_orders(shop, order(1, COURSE, email=ADA, updated_at="2999-01-01T00:00:00Z"))
            forgotten = run(forget_her, sue)
            wait_until_blocked(database, sue)
        forgotten.result()

    assert places(database) == KNOCK_ALONE


def test_what_a_worker_holds_is_not_brought_back_by_what_it_says(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    with session(database) as worker, session(database) as sue, background() as run:
        [claimed] = claim(worker)
        with sue.transaction():
            forget_her(sue)
            settled = run(settle, worker, claimed, "retry")
            wait_until_blocked(database, worker)
        assert settled.result() == []

    later(database, 60)
    later(database, 60)
    assert [each["kind"] for each in send_due(database)] == ["forget_recipient"]
    assert places(database) == []


def test_a_sign_up_at_the_same_moment_finds_nothing_that_is_hers(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    with session(database) as sue:
        with sue.transaction():
            forget_her(sue)
        ada = database.accounts.sign_up(ADA)

    assert not database.accounts.has_access(ada, COURSE)
    assert forget(database)["outcome"] == "unchanged"
