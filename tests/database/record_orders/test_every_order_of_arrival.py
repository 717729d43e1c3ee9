"""Every order in which the events of a small life can arrive ends in the same state.

All orders of arrival are played side by side, each with an order and a buyer of its own: first
everybody's first event, then everybody's second. So a life of five events takes five rounds.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.database.record_orders.small_lives import LIVES, Event, Life, SignUp
from tests.support.database import Database, Row
from tests.support.reused import WRITTEN

# The stored state of each order, but for ids and times.
ENDS = """
select
    ended.shopify_order_id as n,
    (
        select jsonb_object_agg(stored.product_slug, stored.status)
        from public.purchases as stored
        where stored.shopify_order_id = ended.shopify_order_id
    ) as statuses,
    array(
        select distinct stored.shopify_customer_email from public.purchases as stored
        where stored.shopify_order_id = ended.shopify_order_id
    ) as emails,
    (
        select jsonb_object_agg(waiting.kind, waiting.payload - 'purchases')
        from thetis.notifications as waiting
        where waiting.shopify_order_id = ended.shopify_order_id and waiting.status = 'pending'
    ) as enqueued
from thetis.orders as ended
"""

USERS = "select id, email from auth.users"

ACCESS = "select slug from public.products where public.has_access(slug)"


def play(database: Database, events: Sequence[Event]) -> list[str]:
    """These events, at once. Returns the outcomes, those of orders first."""
    orders = [each for each in events if isinstance(each, dict) and "line_items" in each]
    refunds = [each for each in events if isinstance(each, dict) and "line_items" not in each]
    for each in events:
        if isinstance(each, SignUp):
            database.accounts.sign_up(each.email)
    outcomes = database.record_orders(*orders) if orders else []
    return outcomes + (database.record_refunds(*refunds) if refunds else [])


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A life's end as that of any other: who is who aside, and who had an account when."""
    text = json.dumps({name: value for name, value in row.items() if name != "n"})
    text = text.replace(f".{row['n']}@", "@").replace(f': "{row["n"]}"', ': "n"')
    return dict(json.loads(text.replace('"has_account": true', '"has_account": false')))


def everything(database: Database) -> list[list[Row]]:
    return [database.rows(f"select * from {table} order by 1, 2") for table in WRITTEN]


def ends(database: Database) -> list[dict[str, Any]]:
    return [plain(row) for row in database.rows(ENDS)]


def what_buyers_may_use(database: Database) -> list[set[str]]:
    access = []
    for user in database.rows(USERS):
        with database.accounts.as_user(str(user["id"])) as connection:
            access.append({row["slug"] for row in connection.execute(ACCESS)})
    return access


def expected(life: Life) -> dict[str, Any]:
    return {
        "statuses": life.statuses or None,
        "emails": ["ada@example.com"] if life.statuses else [],
    }


@pytest.mark.parametrize("name", LIVES)
def test_every_order_of_arrival_ends_the_same(database: Database, name: str) -> None:
    life = LIVES[name]
    arrivals = list(itertools.permutations(range(len(life.events(1)))))
    lives = [
        [life.events(n)[place] for place in places] for n, places in enumerate(arrivals, start=1)
    ]
    for at_once in zip(*lives, strict=True):
        play(database, at_once)

    found = ends(database)
    assert len(found) == len(arrivals)
    assert [end for end in found if end != found[0]] == []
    assert {key: found[0][key] for key in ("statuses", "emails")} == expected(life)
    assert set(found[0]["enqueued"] or {}) == life.enqueued
    assert all(access == life.access for access in what_buyers_may_use(database))


@pytest.mark.parametrize("name", LIVES)
def test_replaying_any_event_changes_nothing(database: Database, name: str) -> None:
    """Not even a timestamp; and what holds for each event holds for any sequence of them."""
    events = [each for each in LIVES[name].events(1) if isinstance(each, dict)]
    for each in events:
        play(database, [each])
    before = everything(database)

    for each in events:
        assert play(database, [each]) in (["unchanged"], ["ignored"])
        assert everything(database) == before
    play(database, events)
    assert everything(database) == before


@pytest.mark.parametrize("name", LIVES)
def test_a_life_told_in_one_array_ends_as_one_told_in_pieces(database: Database, name: str) -> None:
    life = LIVES[name]
    play(database, life.events(1))
    for event in life.events(2):
        play(database, [event])

    [at_once, in_pieces] = ends(database)
    assert at_once == in_pieces
    assert at_once["statuses"] == (life.statuses or None)
