"""What happens between the two migrations, and that copying again makes the drop possible."""

from __future__ import annotations

import pytest

from devtools.migrations import MigrationError
from tests.database.enrollments.old_table import BOUGHT, OldTable
from tests.support.shopify import COURSE, line_id, order, refund

LINE = str(line_id(5001, COURSE))


@pytest.fixture
def ada(old: OldTable) -> str:
    return old.database.accounts.sign_up("ada@example.com")


def repair(old: OldTable, rows: int = 1) -> None:
    """The drop refuses, so many rows are copied again, and the drop succeeds."""
    with pytest.raises(MigrationError, match="enrollments is kept"):
        old.drop()
    assert old.copy_again() == rows
    assert old.copy_again() == 0
    old.drop()
    assert not old.exists()


def change(old: OldTable, assignment: str) -> None:
    old.database.execute(f"update public.enrollments set {assignment}")


def statuses(old: OldTable) -> list[str]:
    return [row["status"] for row in old.database.rows("select status from public.purchases")]


def has_access(old: OldTable, user_id: str) -> bool:
    return old.database.accounts.has_access(user_id, COURSE)


def test_copying_again_copies_nothing_twice(old: OldTable) -> None:
    old.add()
    old.add(status="odd")
    old.copy()
    before = old.ledger()

    assert old.copy_again() == 0
    assert old.ledger() == before


def test_a_row_that_came_later_is_copied_and_linked(old: OldTable, ada: str) -> None:
    old.add()
    old.copy()
    old.add(course_type="premium", shopify_line_item_id="7002")

    repair(old)

    assert old.database.accounts.has_access(ada, "premium_course")


def test_a_row_that_the_old_trigger_linked_stays_one_purchase(old: OldTable) -> None:
    row_id = old.add()
    old.copy()
    user_id = old.database.accounts.sign_up("ada@example.com")

    repair(old)

    [purchase] = old.database.rows("table public.purchases")
    assert (str(purchase["id"]), str(purchase["user_id"])) == (row_id, user_id)


def test_an_end_that_came_later_is_taken_over(old: OldTable, ada: str) -> None:
    old.add(user_id=ada)
    old.copy()
    change(old, "status = 'refunded'")

    repair(old)

    assert statuses(old) == ["refunded"]


def test_an_end_of_all_repetitions_is_taken_over(old: OldTable, ada: str) -> None:
    for _ in range(3):
        old.add(user_id=ada)
    old.copy()
    change(old, "status = 'refunded'")

    repair(old, rows=3)

    assert statuses(old) == ["refunded"]


def test_the_end_of_one_repetition_takes_no_access_from_the_owner_of_another(
    old: OldTable, ada: str
) -> None:
    first, _ = old.add(user_id=ada), old.add(user_id=ada)
    old.copy()
    change(old, f"status = 'refunded' where id = '{first}'")

    repair(old)

    assert has_access(old, ada)


def test_an_end_of_the_owned_row_counts_whatever_an_unowned_repetition_says(
    old: OldTable, ada: str
) -> None:
    owned, _ = old.add(user_id=ada), old.add()
    old.copy()
    change(old, f"status = 'refunded' where id = '{owned}'")

    repair(old)

    assert statuses(old) == ["refunded"]


def test_a_row_that_was_ended_and_revived_gives_access_again(old: OldTable, ada: str) -> None:
    old.add(user_id=ada)
    old.copy()
    for status in ("cancelled", "active"):
        change(old, f"status = '{status}'")
        old.copy_again()

    old.drop()

    assert has_access(old, ada)


def test_a_row_that_was_revived_gives_access_again(old: OldTable, ada: str) -> None:
    old.add(user_id=ada, status="cancelled")
    old.copy()
    change(old, "status = 'active'")

    repair(old)

    assert has_access(old, ada)


def test_a_recorded_refund_is_not_undone(old: OldTable, ada: str) -> None:
    old.add(user_id=ada, shopify_line_item_id=LINE)
    old.copy()
    old.database.record_refunds(refund(1, 5001, standard_course=1))
    change(old, "updated_at = now() + interval '1 minute'")

    repair(old)

    assert statuses(old) == ["refunded"]


@pytest.mark.parametrize("over", [True, False])
def test_an_order_that_both_systems_recorded_is_one_purchase(
    old: OldTable, ada: str, *, over: bool
) -> None:
    old.copy()
    old.database.record_orders(order(5001, COURSE, made_at=BOUGHT))
    if over:
        old.database.record_refunds(refund(1, 5001, standard_course=1))
    old.add(user_id=ada, shopify_line_item_id=LINE)

    repair(old)

    assert statuses(old) == ["refunded" if over else "active"]


def test_a_purchase_that_was_deleted_comes_back(old: OldTable, ada: str) -> None:
    row_id = old.add(user_id=ada)
    old.copy()
    old.database.execute("delete from public.purchases")

    repair(old)

    assert str(old.purchase(row_id)["id"]) == row_id
    assert has_access(old, ada)


def test_a_row_that_was_given_to_another_user_gives_them_access(old: OldTable, ada: str) -> None:
    mary = old.database.accounts.sign_up("mary@example.com")
    old.add(user_id=ada)
    old.copy()
    change(old, f"user_id = '{mary}'")

    repair(old)

    assert has_access(old, mary)


def test_a_row_that_was_mended_is_no_longer_set_aside(old: OldTable, ada: str) -> None:
    row_id = old.add(user_id=ada, status="ACTIVE")
    old.copy()
    change(old, "status = lower(status)")

    repair(old)

    assert old.outcome(row_id) == "copied"
    assert has_access(old, ada)


def test_a_new_column_makes_every_row_another_one_and_no_purchase(old: OldTable, ada: str) -> None:
    for number in range(3):
        old.add(user_id=ada, shopify_line_item_id=str(number))
    old.copy()
    before = old.database.rows("select * from public.purchases order by id")
    old.database.execute("alter table public.enrollments add column coach text default 'Mary'")

    repair(old, rows=3)

    assert old.database.rows("select * from public.purchases order by id") == before


def test_a_table_without_a_key_may_repeat_a_row_later(lone_table: OldTable) -> None:
    lone_table.create(without=["id"])
    row = {"course_type": "standard", "shopify_order_id": "1", "shopify_line_item_id": "1"}
    times = {"created_at": BOUGHT, "updated_at": BOUGHT}
    lone_table.insert(**row, **times)
    lone_table.copy()
    lone_table.insert(**row, **times)

    repair(lone_table)

    assert [each["outcome"] for each in lone_table.ledger()] == ["copied", "merged"]


def test_a_user_who_was_deleted_leaves_a_purchase_of_nobody(old: OldTable, ada: str) -> None:
    old.add(user_id=ada)
    old.copy()
    old.database.execute("delete from auth.users")

    repair(old)

    [purchase] = old.database.rows("table public.purchases")
    assert purchase["user_id"] is None
