from __future__ import annotations

import uuid
from collections.abc import Iterable

import pytest

from devtools.migrations import MigrationError
from tests.database.enrollments.old_table import BOUGHT, COLUMNS, OldTable

COURSES = {
    "standard": "standard_course",
    "premium": "premium_course",
    "essentials": "essentials_course",
    "professionals": "professionals_course",
}


def test_a_row_becomes_a_purchase_with_all_its_values(old: OldTable) -> None:
    user_id = old.database.accounts.sign_up("grace@example.com")
    row_id = old.add(user_id=user_id)

    old.copy()

    purchase = old.purchase(row_id)
    assert purchase.pop("updated_at")
    assert purchase == {
        "id": uuid.UUID(row_id),
        "user_id": uuid.UUID(user_id),
        "product_slug": "standard_course",
        "shopify_order_id": "5001",
        "shopify_order_number": "1001",
        "shopify_customer_email": "ada@example.com",
        "shopify_line_item_id": "7001",
        "status": "active",
        "purchased_at": BOUGHT,
        "expires_at": None,
        "created_at": BOUGHT,
    }
    assert old.outcome(row_id) == "copied"


def add_each(old: OldTable, column: str, values: Iterable[object]) -> dict[str, str | None]:
    """A row of its own line item for each of these values; the values by the id of their row."""
    return {
        old.add(**{"shopify_line_item_id": str(number), column: value}): value  # type: ignore[misc]
        for number, value in enumerate(values, start=1)
    }


def test_a_known_course_becomes_its_product(old: OldTable) -> None:
    courses = add_each(old, "course_type", COURSES)

    old.copy()

    for row_id, course_type in courses.items():
        assert old.purchase(row_id)["product_slug"] == COURSES[str(course_type)]


def test_an_unknown_course_keeps_its_name(old: OldTable) -> None:
    courses = add_each(old, "course_type", ["workshop", "Standard", "PREMIUM", "Live Class 2024"])

    old.copy()

    for row_id, course_type in courses.items():
        assert old.purchase(row_id)["product_slug"] == course_type


def test_a_known_status_is_kept(old: OldTable) -> None:
    statuses = add_each(old, "status", ["active", "expired", "cancelled", "refunded"])

    old.copy()

    for row_id, status in statuses.items():
        assert old.purchase(row_id)["status"] == status


@pytest.mark.parametrize(
    ("column", "values", "note"),
    [
        ("status", [None, "", "ACTIVE", "Refunded", "pending", " active"], "unknown status"),
        ("course_type", [None, "", "  "], "no course type"),
    ],
)
def test_a_row_that_is_no_purchase_is_set_aside_whole(
    old: OldTable, column: str, values: list[str | None], note: str
) -> None:
    ids = add_each(old, column, values)
    rows = old.rows()

    old.copy()

    assert {old.outcome(each) for each in ids} == {f"set aside: {note}"}
    assert [old.entry(str(row["id"]))["enrollment"] for row in rows] == rows
    assert old.database.rows("table public.purchases") == []
    assert old.database.rows("table thetis.orders") == []


def test_an_address_is_normalised_and_a_missing_one_stays_missing(old: OldTable) -> None:
    kept = {
        "ADA@Example.COM": "ada@example.com",
        "  ada@example.com\n": "ada@example.com",
        "Élodie@Example.com": "élodie@example.com",
        "not an address": "not an address",
        "": "",
        None: "",
    }
    addresses = add_each(old, "shopify_customer_email", kept)

    old.copy()

    for row_id, address in addresses.items():
        assert old.purchase(row_id)["shopify_customer_email"] == kept[address]


@pytest.mark.parametrize("column", ["shopify_order_id", "shopify_line_item_id"])
def test_rows_without_an_order_or_a_line_item_are_all_kept(old: OldTable, column: str) -> None:
    ids = [old.add(**{column: nothing}) for nothing in (None, None, "", "", " ", " ")]

    old.copy()

    assert {old.outcome(each) for each in ids} == {"copied"}
    assert {str(old.purchase(each)["id"]) for each in ids} == set(ids)
    assert {old.purchase(each)[column] for each in ids} == {None}


def test_a_row_without_dates_gets_none_made_up(old: OldTable) -> None:
    row_id = old.add(purchased_at=None, created_at=None)

    old.copy()

    assert old.purchase(row_id)["purchased_at"] is None


def test_a_row_whose_user_is_gone_belongs_to_nobody(lone_table: OldTable) -> None:
    lone_table.create(user_id="uuid")
    gone = str(uuid.uuid4())
    row_id = lone_table.add(user_id=gone)

    lone_table.copy()

    assert lone_table.purchase(row_id)["user_id"] is None
    assert lone_table.entry(row_id)["enrollment"]["user_id"] == gone


def test_an_unowned_row_of_a_confirmed_user_becomes_theirs_at_once(old: OldTable) -> None:
    user_id = old.database.accounts.sign_up("ada@example.com")
    row_id = old.add(shopify_customer_email="Ada@Example.com", user_id=None)

    old.copy()

    assert old.purchase(row_id)["user_id"] == uuid.UUID(user_id)
    assert old.database.accounts.has_access(user_id, "standard_course")


def test_an_unowned_row_of_an_unconfirmed_user_waits_until_they_confirm(old: OldTable) -> None:
    user_id = old.database.accounts.sign_up("ada@example.com", confirmed=False)
    old.add()

    old.copy()
    assert not old.database.accounts.has_access(user_id, "standard_course")

    old.database.accounts.confirm(user_id)
    assert old.database.accounts.has_access(user_id, "standard_course")


def test_an_unconfirmed_user_keeps_the_rows_that_were_theirs(old: OldTable) -> None:
    user_id = old.database.accounts.sign_up("ada@example.com", confirmed=False)
    old.add(user_id=user_id)

    old.copy()

    assert old.database.accounts.has_access(user_id, "standard_course")


def test_a_row_without_an_address_is_nobodys_even_for_a_user_without_one(old: OldTable) -> None:
    user_id = old.database.accounts.sign_up("")
    row_id = old.add(shopify_customer_email=None)

    old.copy()

    assert old.purchase(row_id)["user_id"] is None
    assert old.database.accounts.claim_purchases(user_id) == 0


def test_a_column_that_is_not_there_is_a_null(lone_table: OldTable) -> None:
    user_id = lone_table.database.accounts.sign_up("ada@example.com")
    needed = {"user_id", "course_type", "status"}
    lone_table.create(without=[*(COLUMNS.keys() - needed)])
    lone_table.insert(user_id=user_id, course_type="premium", status="active")

    lone_table.copy()
    lone_table.drop()

    assert lone_table.database.accounts.has_access(user_id, "premium_course")


def test_without_users_a_row_belongs_to_its_address(lone_table: OldTable) -> None:
    user_id = lone_table.database.accounts.sign_up("ada@example.com")
    lone_table.create(without=["user_id"])
    lone_table.insert(course_type="premium", shopify_customer_email="Ada@example.com")

    lone_table.copy()

    assert lone_table.database.accounts.has_access(user_id, "premium_course")


@pytest.mark.parametrize("column", ["course_type", "status"])
def test_without_what_decides_access_everything_is_set_aside_and_the_table_is_kept(
    lone_table: OldTable, column: str
) -> None:
    lone_table.create(without=[column])
    lone_table.insert(shopify_customer_email="ada@example.com")

    lone_table.copy()
    with pytest.raises(MigrationError, match="not one of its rows became a purchase"):
        lone_table.drop()

    assert [row["outcome"] for row in lone_table.ledger()] == ["set aside"]


def test_a_table_whose_columns_were_mended_is_copied_and_dropped(lone_table: OldTable) -> None:
    lone_table.create(without=["status"])
    lone_table.insert(course_type="premium", shopify_customer_email="ada@example.com")
    lone_table.copy()

    lone_table.database.execute(
        "alter table public.enrollments add column status text default 'active'"
    )
    assert lone_table.copy_again() == 1
    lone_table.drop()

    [purchase] = lone_table.database.rows("select * from public.purchases")
    assert (purchase["product_slug"], purchase["status"]) == ("premium_course", "active")


def test_an_unknown_column_stays_in_the_ledger(old: OldTable) -> None:
    old.database.execute("alter table public.enrollments add column coach text default 'Mary'")
    row_id = old.add()

    old.copy()

    assert old.entry(row_id)["enrollment"]["coach"] == "Mary"


def test_an_id_that_is_no_uuid_is_replaced(lone_table: OldTable) -> None:
    lone_table.create(id="bigint generated by default as identity")
    row_id = lone_table.add(id=42)

    lone_table.copy()

    [row] = lone_table.ledger()
    assert row["enrollment"]["id"] == int(row_id) == 42
    assert lone_table.database.value("select id from public.purchases") == row["purchase_id"]


def test_a_table_without_a_key_may_hold_the_same_row_twice(lone_table: OldTable) -> None:
    lone_table.create(key=False)
    same_id = str(uuid.uuid4())
    for _ in range(2):
        lone_table.add(id=same_id)
    lone_table.add(id=same_id, course_type="premium")

    lone_table.copy()
    lone_table.drop()

    slugs = [row["product_slug"] for row in lone_table.database.rows("table public.purchases")]
    assert sorted(slugs) == ["premium_course", "standard_course"]
    assert len(lone_table.ledger()) == 3


@pytest.mark.parametrize("time_zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_the_sessions_time_zone_changes_nothing(lone_table: OldTable, time_zone: str) -> None:
    lone_table.create(created_at="timestamp")
    row_id = lone_table.add(created_at=BOUGHT.replace(tzinfo=None))
    lone_table.database.execute(
        f'alter database {lone_table.database.name} set timezone to "{time_zone}"'
    )

    lone_table.copy()
    lone_table.database.execute(
        f'alter database {lone_table.database.name} set timezone to "Pacific/Chatham"'
    )
    lone_table.drop()

    with lone_table.database.connect() as connection:
        connection.execute("set timezone to 'UTC'")
        query = "select purchased_at, created_at from public.purchases where id = %s"
        purchase = connection.execute(query, [row_id]).fetchone()
    assert purchase == {"purchased_at": BOUGHT, "created_at": BOUGHT}
