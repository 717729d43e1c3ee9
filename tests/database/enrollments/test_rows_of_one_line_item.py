"""Several old rows for one line item, of which `purchases` has room for one."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from tests.database.enrollments.old_table import BOUGHT, OldTable
from tests.support.database import Row

BEFORE, AFTER = BOUGHT - timedelta(days=1), BOUGHT + timedelta(days=1)


def purchases(old: OldTable) -> list[Row]:
    return old.database.rows(
        "select * from public.purchases order by shopify_line_item_id, product_slug"
    )


def test_repetitions_are_one_purchase_that_all_of_them_name(old: OldTable) -> None:
    ids = [old.add() for _ in range(3)]

    old.copy()

    [purchase] = purchases(old)
    assert {old.entry(each)["purchase_id"] for each in ids} == {purchase["id"]}
    assert sorted(old.outcome(each) for each in ids) == ["copied", "merged", "merged"]


def test_repetitions_are_seen_through_blanks(old: OldTable) -> None:
    old.add()
    old.add(shopify_order_id=" 5001", shopify_line_item_id="7001 ")

    old.copy()

    assert len(purchases(old)) == 1


def test_another_course_is_another_purchase_without_the_line_item(old: OldTable) -> None:
    old.add()
    second, repeated = (old.add(course_type="premium", created_at=AFTER) for _ in range(2))

    old.copy()

    rows = [(row["product_slug"], row["shopify_line_item_id"]) for row in purchases(old)]
    assert rows == [("standard_course", "7001"), ("premium_course", None)]
    assert old.purchase(repeated) == old.purchase(second)


def test_another_user_has_their_own(old: OldTable) -> None:
    users = [old.database.accounts.sign_up(f"{name}@example.com") for name in ("ada", "mary")]
    for user_id in users:
        old.add(user_id=user_id)

    old.copy()

    assert {str(row["user_id"]) for row in purchases(old)} == set(users)
    assert [row["shopify_line_item_id"] for row in purchases(old)] == ["7001", None]
    assert all(old.database.accounts.has_access(each, "standard_course") for each in users)


def test_another_address_that_nobody_has_proven_has_its_own(old: OldTable) -> None:
    old.add()
    old.add(shopify_customer_email="mary@example.com")

    old.copy()

    for address in ("ada@example.com", "mary@example.com"):
        user_id = old.database.accounts.sign_up(address)
        assert old.database.accounts.has_access(user_id, "standard_course")


@pytest.mark.parametrize("created_at", [BEFORE, AFTER])
def test_an_unowned_repetition_goes_into_the_owned_one(old: OldTable, created_at: object) -> None:
    owner = old.database.accounts.sign_up("grace@example.com")
    owned = old.add(user_id=owner)
    unowned = old.add(created_at=created_at)

    old.copy()

    [purchase] = purchases(old)
    assert purchase["id"] == uuid.UUID(owned)
    assert str(purchase["user_id"]) == owner
    assert (old.outcome(owned), old.outcome(unowned)) == ("copied", "merged")


@pytest.mark.parametrize(
    ("over", "created_at"),
    [("expired", BEFORE), ("cancelled", AFTER), ("refunded", BEFORE), ("refunded", AFTER)],
)
def test_a_user_with_access_by_one_of_them_keeps_it(
    old: OldTable, over: str, created_at: object
) -> None:
    owner = old.database.accounts.sign_up("ada@example.com")
    active = old.add(user_id=owner)
    other = old.add(user_id=owner, status=over, created_at=created_at)

    old.copy()

    assert old.database.accounts.has_access(owner, "standard_course")
    assert old.purchase(other) == old.purchase(active)


@pytest.mark.parametrize("created_at", [BEFORE, AFTER])
def test_a_user_who_will_get_access_by_one_of_them_still_gets_it(
    old: OldTable, created_at: object
) -> None:
    old.add()
    old.add(status="refunded", created_at=created_at)

    old.copy()

    user_id = old.database.accounts.sign_up("ada@example.com")
    assert old.database.accounts.has_access(user_id, "standard_course")


@pytest.mark.parametrize("created_at", [BEFORE, AFTER])
def test_an_unowned_repetition_gives_nothing_back(old: OldTable, created_at: object) -> None:
    owner = old.database.accounts.sign_up("ada@example.com")
    old.add(user_id=owner, status="refunded")
    old.add(created_at=created_at)

    old.copy()

    assert [row["status"] for row in purchases(old)] == ["refunded"]
    assert not old.database.accounts.has_access(owner, "standard_course")


def test_of_different_ends_the_furthest_counts(old: OldTable) -> None:
    for status in ("cancelled", "refunded", "expired"):
        old.add(status=status)

    old.copy()

    assert [row["status"] for row in purchases(old)] == ["refunded"]
