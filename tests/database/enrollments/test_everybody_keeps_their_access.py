"""Tables as messy as chance makes them; what must hold is worked out from the old rows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.database.enrollments.old_table import BOUGHT, OldTable

ADDRESSES = ["ada", "grace", "mary", "linus"]
COURSE_TYPES = ["standard", "standard", "premium", "essentials", "professionals", "workshop"]
SLUGS = [
    "standard_course",
    "premium_course",
    "essentials_course",
    "professionals_course",
    "workshop",
]
Row = dict[str, Any]


@pytest.fixture
def users(old: OldTable) -> dict[str, str]:
    """Their ids by address. Linus has not confirmed his, and Mary has no account."""
    accounts = old.database.accounts
    return {
        "ada@example.com": accounts.sign_up("ada@example.com"),
        "grace@example.com": accounts.sign_up("grace@example.com"),
        "linus@example.com": accounts.sign_up("linus@example.com", confirmed=False),
    }


def a_row(chance: random.Random, users: dict[str, str]) -> Row:
    address = f"{chance.choice(ADDRESSES)}@example.com"
    return {
        "user_id": chance.choice([None, None, *users.values()]),
        "course_type": chance.choice([*COURSE_TYPES, None, ""]),
        "shopify_order_id": chance.choice(["1", "2", "3", None, ""]),
        "shopify_line_item_id": chance.choice(["1", "2", None]),
        "shopify_customer_email": chance.choice([address, address.upper(), f" {address}", None]),
        "status": chance.choice(["active", "active", "refunded", "cancelled", "odd", None]),
        "purchased_at": chance.choice([BOUGHT, None]),
        "created_at": chance.choice([BOUGHT, None]),
    }


def slug(row: Row) -> str:
    return f"{row['course_type']}_course" if row["course_type"] != "workshop" else "workshop"


def address(row: Row) -> str:
    return str(row["shopify_customer_email"] or "").strip().lower()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_and_nothing_invented(
    old: OldTable, users: dict[str, str], seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(250):
        old.add(**a_row(chance, users))
    rows = old.rows()
    active = [row for row in rows if row["status"] == "active" and row["course_type"]]
    owned = [row for row in active if row["user_id"]]
    confirmed = {name: users[name] for name in ("ada@example.com", "grace@example.com")}

    old.copy()
    purchases = {row["id"]: old.purchase(row["id"]) for row in active}
    old.drop()

    assert sorted(map(repr, rows)) == sorted(repr(entry["enrollment"]) for entry in old.ledger())
    for row in owned:
        purchase = purchases[row["id"]]
        assert (str(purchase["user_id"]), purchase["status"]) == (row["user_id"], "active")
    for user_id in users.values():
        has = {each for each in SLUGS if old.database.accounts.has_access(user_id, each)}
        theirs = {slug(row) for row in owned if row["user_id"] == user_id}
        bought_unowned = {
            slug(row)
            for row in active
            if row["user_id"] is None and confirmed.get(address(row)) == user_id
        }
        assert theirs <= has <= theirs | bought_unowned


@pytest.mark.parametrize("seed", range(2))
def test_what_nobody_owns_becomes_its_buyers_at_sign_up(old: OldTable, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(250):
        old.add(**{**a_row(chance, {}), "user_id": None})
    rows = old.rows()

    old.copy()
    old.drop()

    for name in ADDRESSES:
        user_id = old.database.accounts.sign_up(f"{name}@example.com")
        has = {each for each in SLUGS if old.database.accounts.has_access(user_id, each)}
        assert has == {
            slug(row)
            for row in rows
            if row["status"] == "active"
            and row["course_type"]
            and address(row) == f"{name}@example.com"
        }
