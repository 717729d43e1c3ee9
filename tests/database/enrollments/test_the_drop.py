from __future__ import annotations

import re
import threading
import time

import pytest

from devtools.migrations import MigrationError
from tests.database.enrollments.old_table import OldTable
from tests.support.catalog import catalog
from tests.support.cluster import Cluster
from tests.support.database import Database, Row


def state(old: OldTable) -> list[Row]:
    """Everything that a refusal must leave alone."""
    return [
        *catalog(old.database),
        *old.rows(),
        *old.ledger(),
        *old.database.rows("select * from public.purchases order by id"),
        *old.database.rows("select version from supabase_migrations.schema_migrations"),
    ]


def assert_refused(old: OldTable, reason: str) -> None:
    before = state(old)
    with pytest.raises(MigrationError, match=reason):
        old.drop()
    assert state(old) == before


def test_the_old_table_goes_with_its_trigger_and_the_ledger_stays(old: OldTable) -> None:
    row_id = old.add()

    old.copy()
    old.drop()

    assert not old.exists()
    assert old.database.value("select to_regproc('public.link_enrollments_to_user')") is None
    assert old.outcome(row_id) == "copied"


def test_sign_up_works_before_between_and_after(bare_database: Database) -> None:
    old = OldTable(bare_database)
    old.create()
    old.add()
    accounts = old.database.accounts

    accounts.sign_up("mary@example.com")
    old.copy()
    accounts.sign_up("grace@example.com")
    old.drop()

    user_id = accounts.sign_up("ada@example.com")
    assert accounts.has_access(user_id, "standard_course")


def test_only_the_ledger_differs_from_a_database_without_an_old_table(
    old: OldTable, cluster: Cluster
) -> None:
    old.add()

    old.copy()
    old.drop()
    old.database.execute("drop table thetis.copied_enrollments")

    with cluster.database() as never:
        assert catalog(old.database) == catalog(never)


def test_an_empty_table_leaves_no_ledger(old: OldTable, cluster: Cluster) -> None:
    old.copy()
    old.drop()

    with cluster.database() as never:
        assert catalog(old.database) == catalog(never)


def test_somebody_who_drops_the_table_by_hand_keeps_the_ledger(old: OldTable) -> None:
    row_id = old.add(status="odd")
    old.copy()
    old.database.execute("drop table public.enrollments")

    old.drop()

    assert old.outcome(row_id) == "set aside: unknown status"


def test_it_refuses_while_a_row_is_missing_and_names_it(old: OldTable) -> None:
    old.add()
    old.copy()
    late = old.add(shopify_line_item_id="7002")

    assert_refused(
        old,
        r"20261123001900_drop_enrollments.sql: enrollments is kept: "
        rf"rows missing from purchases \(1\): {late}\n"
        r'Hint: Run "select thetis.copy_enrollments\(\);" and then this migration again',
    )


def test_it_refuses_when_a_row_changed_after_the_copy(old: OldTable) -> None:
    row_id = old.add()
    old.copy()
    old.database.execute("update public.enrollments set status = 'refunded'")

    assert_refused(old, rf"missing from purchases \(1\): {row_id}")


def test_it_refuses_when_the_purchase_of_a_row_is_gone(old: OldTable) -> None:
    row_id = old.add()
    old.copy()
    old.database.execute("delete from public.purchases")

    assert_refused(old, rf"missing from purchases \(1\): {row_id}")


def test_it_refuses_when_the_purchase_of_a_row_is_somebody_elses(old: OldTable) -> None:
    ada, mary = (old.database.accounts.sign_up(f"{name}@example.com") for name in ("ada", "mary"))
    row_id = old.add(user_id=ada)
    old.copy()
    old.database.execute("update public.purchases set user_id = %s", mary)

    assert_refused(old, rf"missing from purchases \(1\): {row_id}")


def test_it_refuses_when_the_ledger_lacks_a_row(old: OldTable) -> None:
    row_id = old.add()
    old.copy()
    old.database.execute("delete from thetis.copied_enrollments")

    assert_refused(old, rf"missing from purchases \(1\): {row_id}")


def test_of_many_missing_rows_it_names_twenty(old: OldTable) -> None:
    old.copy()
    for _ in range(21):
        old.add()

    with pytest.raises(MigrationError, match=r"missing from purchases \(21\).*, \.\.\.") as refusal:
        old.drop()

    assert len(re.findall(r"[0-9a-f-]{36}", str(refusal.value))) == 20


def test_a_row_without_an_id_is_named_whole(lone_table: OldTable) -> None:
    lone_table.create(without=["id"])
    lone_table.copy()
    lone_table.insert(course_type="standard", shopify_order_number="1001")

    assert_refused(lone_table, '"shopify_order_number": "1001"')


def test_it_fails_cleanly_while_a_view_depends_on_the_table(old: OldTable) -> None:
    old.add()
    old.database.execute("create view public.students as select user_id from public.enrollments")
    old.copy()

    assert_refused(old, r"other objects depend on it\nDetail: view students depends on")


def test_it_refuses_while_another_sign_up_trigger_uses_the_table(old: OldTable) -> None:
    old.database.execute(
        "create function public.handle_new_user() returns trigger language plpgsql as"
        " $$ begin update public.enrollments set user_id = new.id; return new; end $$"
    )
    old.database.execute(
        "create trigger on_auth_user_created after insert on auth.users"
        " for each row execute function public.handle_new_user()"
    )
    old.copy()

    assert_refused(old, r"sign-ups would fail.*on_auth_user_created \(public.handle_new_user\(\)\)")


def test_a_function_that_serves_another_trigger_too_is_kept(old: OldTable) -> None:
    old.database.execute("create table public.profiles (id uuid)")
    old.database.execute(
        "create trigger also after insert on public.profiles"
        " for each row execute function public.link_enrollments_to_user()"
    )
    old.copy()

    assert_refused(old, r"link_enrollments_to_user \(public.link_enrollments_to_user\(\)\)")


def test_a_trigger_of_that_name_goes_whatever_its_function_is_called(old: OldTable) -> None:
    old.database.execute("alter function public.link_enrollments_to_user() rename to link_them")
    old.copy()
    old.drop()

    assert old.database.value("select to_regproc('public.link_them')") is None
    assert old.database.accounts.sign_up("ada@example.com")


def test_a_row_that_is_being_added_is_waited_for_and_found(old: OldTable) -> None:
    old.copy()
    refusals: list[str] = []

    def drop() -> None:
        try:
            old.drop()
        except MigrationError as refusal:
            refusals.append(str(refusal))

    dropping = threading.Thread(target=drop)
    with old.database.connect() as writer, writer.transaction():
        writer.execute(
            "insert into public.enrollments (id, course_type)"
            " values ('00000000-0000-0000-0000-00000000002a', 'standard')"
        )
        dropping.start()
        wait_until_it_waits(old)
    dropping.join()

    assert "(1): 00000000-0000-0000-0000-00000000002a" in refusals[0]
    assert old.exists()


def wait_until_it_waits(old: OldTable) -> None:
    deadline = time.monotonic() + 10
    waiting = (
        "select count(*) from pg_locks"
        " where not granted and relation = 'public.enrollments'::regclass"
    )
    while not old.database.value(waiting):
        assert time.monotonic() < deadline
        time.sleep(0.01)
