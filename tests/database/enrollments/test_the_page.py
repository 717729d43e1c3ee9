"""The queries of docs/ENROLLMENTS.md, each in the state of affairs that its section is about."""

from __future__ import annotations

import uuid

import pytest
from psycopg import sql

from devtools.migrations import MigrationError
from tests.database.enrollments.old_table import OldTable
from tests.support.database import Row
from tests.support.docs import blocks, document, rows

PAGE = document("docs/ENROLLMENTS.md")
ROW_ID = "00000000-0000-0000-0000-000000000001"


def ask(old: OldTable, section: str) -> list[list[Row]]:
    """What each query of a section answers."""
    return [_rows(old, query) for query in blocks(PAGE.section(section), "sql")]


def _rows(old: OldTable, query: str) -> list[Row]:
    with old.database.connect() as connection:
        return connection.execute(sql.SQL(query)).fetchall()


@pytest.fixture
def ada(old: OldTable) -> str:
    """She has the Standard Course; another row of the table is no purchase."""
    user_id = old.database.accounts.sign_up("ada@example.com")
    old.add(id=ROW_ID, user_id=user_id)
    old.add(status="ACTIVE", shopify_line_item_id="7002")
    return user_id


def test_before_it_shows_what_there_is_and_what_hangs_on_it(old: OldTable, ada: str) -> None:
    old.database.execute("create view public.students as select user_id from public.enrollments")

    words, dependents, functions = ask(old, "Before")

    assert {(row["course_type"], row["status"]) for row in words} == {
        ("standard", "active"),
        ("standard", "ACTIVE"),
    }
    described = {row["depends_on_it"] for row in dependents}
    assert "trigger link_enrollments_to_user on auth.users" in described
    assert any("view students" in each for each in described)
    assert [row["names_it"] for row in functions] == ["link_enrollments_to_user()"]


def test_between_the_migrations_it_shows_outcomes_missing_rows_and_that_nobody_loses_access(
    old: OldTable, ada: str
) -> None:
    old.copy()
    late = old.add(course_type="premium", shopify_line_item_id="7003", user_id=ada)

    outcomes, missing, copied, outdated, losers = ask(old, "Between the two")

    assert {(row["outcome"], row["note"]) for row in outcomes} == {
        ("copied", None),
        ("set aside", "unknown status"),
    }
    assert [(row["enrollment_id"], row["course_type_or_problem"]) for row in missing] == [
        (late, "premium_course")
    ]
    assert copied == [{"copy_enrollments": 1}]
    assert outdated == losers == []


def test_between_the_migrations_it_shows_what_a_user_had_before_their_row_went_to_another(
    old: OldTable, ada: str
) -> None:
    old.copy()
    grace = old.database.accounts.sign_up("grace@example.com")
    old.database.execute("update public.enrollments set user_id = %s", grace)
    old.copy_again()

    *_, outdated, losers = ask(old, "Between the two")

    assert [(str(row["user_id"]), row["product_slug"]) for row in outdated] == [
        (ada, "standard_course")
    ]
    assert losers == []


def test_between_the_migrations_it_shows_a_user_who_would_lose_access(
    old: OldTable, ada: str
) -> None:
    old.copy()
    old.database.execute("update public.purchases set status = 'expired'")

    *_, losers = ask(old, "Between the two")

    assert losers == [{"user_id": uuid.UUID(ada), "course_type": "standard"}]


def test_after_it_shows_the_ledger_and_the_old_table_again(old: OldTable, ada: str) -> None:
    before = {row["id"]: row["status"] for row in old.rows()}
    old.copy()
    old.drop()

    [there], [aside], [copied], again = ask(old, "After")

    assert there == {"old_table": None, "kept": 2}
    assert aside["note"] == "unknown status" and aside["enrollment"]["status"] == "ACTIVE"
    assert copied["outcome"] == "copied" and str(copied["user_id"]) == ada
    assert {row["id"]: row["status"] for row in again} == before


def test_each_refusal_that_it_lists_is_one_that_happens(old: OldTable, ada: str) -> None:
    said = [row[0].replace("`TH003` ", "") for row in rows(PAGE.section("When the drop refuses"))]
    old.copy()

    old.add(shopify_line_item_id="7004")
    old.add(shopify_line_item_id="7005")
    refusals = [_refusal(old)]

    old.database.execute("update public.enrollments set status = 'open_' || status")
    old.copy_again()
    refusals.append(_refusal(old))
    old.database.execute("update public.enrollments set status = substr(status, 6)")
    old.copy_again()

    old.database.execute(
        "create function public.greet() returns trigger language plpgsql as"
        " $$ begin perform from public.enrollments; return new; end $$;"
        "create trigger greet after insert on auth.users execute function public.greet()"
    )
    refusals.append(_refusal(old))
    old.database.execute("drop function public.greet() cascade")

    old.database.execute("create view public.students as select user_id from public.enrollments")
    refusals.append(_refusal(old))
    old.database.execute("drop view public.students")

    with old.database.connect() as reader, reader.transaction():
        reader.execute("select from public.enrollments")
        refusals.append(_refusal(old))
    old.drop()

    for words, refusal in zip(said, refusals, strict=True):
        assert words.split("`")[1].removesuffix("...") in refusal


def _refusal(old: OldTable) -> str:
    with pytest.raises(MigrationError) as refused:
        old.drop()
    return str(refused.value)
