"""The switch: disputes are always kept, and it says whether chargebacks end access."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, dispute, order, refund, summary


def honor(database: Database, *, is_on: bool, max_count: int = 500) -> int:
    [row] = database.call("honor_disputes", is_on, max_count)
    changed: int = row["honor_disputes"]
    return changed


def statuses(database: Database) -> list[str]:
    return [row["status"] for row in database.purchases()]


def test_switched_off_it_gives_back_what_chargebacks_had_ended(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE), order(3, COURSE))
    database.record_disputes(dispute(5, 1), dispute(6, 2, "lost"))

    assert honor(database, is_on=False) == 2
    assert statuses(database) == ["active"] * 3
    assert honor(database, is_on=False) == 0


def test_switched_off_nothing_ends_and_switched_on_again_what_was_told_counts(
    database: Database,
) -> None:
    honor(database, is_on=False)
    database.record_orders(order(1, COURSE), order(2, COURSE, disputes=[summary(6)]))
    assert database.record_disputes(dispute(5, 1, "lost")) == ["recorded"]
    assert statuses(database) == ["active"] * 2

    assert honor(database, is_on=True) == 2
    assert statuses(database) == ["cancelled"] * 2
    assert honor(database, is_on=True) == 0


def test_it_is_on_at_first_and_saying_so_changes_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))
    before = database.purchases()

    assert honor(database, is_on=True) == 0
    assert database.purchases() == before


def test_what_was_won_while_it_was_off_is_not_ended_when_it_is_on(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))
    honor(database, is_on=False)
    database.record_disputes(dispute(5, 1, "won"))

    assert honor(database, is_on=True) == 0
    assert statuses(database) == ["active"]


def test_switched_off_it_gives_back_nothing_that_ended_in_another_way(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    database.record_disputes(dispute(5, 1))
    database.record_refunds(refund(9, 1, **{COURSE: 1}))

    honor(database, is_on=False)

    assert statuses(database) == ["refunded"]


def test_it_takes_so_many_orders_at_once(database: Database) -> None:
    database.record_orders(*(order(number, COURSE) for number in range(1, 6)))
    database.record_disputes(*(dispute(10 + number, number) for number in range(1, 6)))

    assert [honor(database, is_on=False, max_count=2) for _ in range(4)] == [2, 2, 1, 0]
    assert statuses(database) == ["active"] * 5
    assert [honor(database, is_on=True, max_count=3) for _ in range(3)] == [3, 2, 0]
    assert statuses(database) == ["cancelled"] * 5


def test_saying_nothing_is_refused(database: Database) -> None:
    with pytest.raises(psycopg.Error, match="is_on: must be said"):
        database.call("honor_disputes", None)
