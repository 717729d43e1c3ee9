"""What `supabase db push` and `supabase db reset` do is what our own loader does."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools import migrations
from tests.database.enrollments.old_table import OldTable
from tests.support import end_state
from tests.support.cluster import SUPABASE, Cluster
from tests.support.database import Database, Row
from tests.support.supabase_cli import output, run

FILES = sorted(path.name for path in (SUPABASE / "migrations").iterdir())
VERSIONS = [name.partition("_")[0] for name in FILES]
PUSH = ("db", "push", "--yes")
UP_TO_DATE = "Remote database is up to date."


def applied(database: Database) -> list[str]:
    rows = database.rows("select version from supabase_migrations.schema_migrations order by 1")
    return [row["version"] for row in rows]


def contents(database: Database) -> list[Row]:
    return [
        *database.rows("select slug, name, category from public.products order by 1"),
        *database.rows("table thetis.shopify_products order by 1"),
        *database.rows(
            "select shopify_order_id, shopify_line_item_id, product_slug, status, purchased_at"
            " from public.purchases order by 1, 2"
        ),
    ]


def test_a_push_applies_everything_and_a_second_one_finds_nothing(
    bare_database: Database, project: Path
) -> None:
    output(bare_database, *PUSH, workdir=project)
    assert applied(bare_database) == VERSIONS
    before = end_state.schema(bare_database)

    assert UP_TO_DATE in output(bare_database, *PUSH, workdir=project)

    assert end_state.schema(bare_database) == before


def test_a_push_makes_the_same_schema_as_our_loader_and_has_nothing_to_add_to_it(
    bare_database: Database, cluster: Cluster, project: Path
) -> None:
    output(bare_database, *PUSH, workdir=project)

    with cluster.database("bare") as other:
        migrations.apply(other.url, SUPABASE)
        assert end_state.schema(bare_database) == end_state.schema(other)
        assert UP_TO_DATE in output(other, *PUSH, workdir=project)


def test_the_list_of_migrations_agrees(database: Database, project: Path) -> None:
    listed = output(database, "migration", "list", workdir=project)

    for version in VERSIONS:
        assert listed.count(f"`{version}`") == 2, version


def test_a_push_migrates_and_drops_a_messy_old_table(
    bare_database: Database, project: Path
) -> None:
    old = OldTable(bare_database)
    old.create()
    user_id = bare_database.accounts.sign_up("ada@example.com")
    first = old.add(user_id=user_id, shopify_customer_email="ADA@example.com ")
    second = old.add(user_id=user_id, shopify_customer_email="ada@example.com")
    odd = old.add(course_type="workshop", shopify_order_id=None, shopify_customer_email=None)
    aside = old.add(status="ACTIVE", shopify_line_item_id="7002")

    output(bare_database, *PUSH, workdir=project)

    assert not old.exists()
    assert {old.outcome(first), old.outcome(second)} == {"copied", "merged"}
    assert old.outcome(odd) == "copied"
    assert old.outcome(aside) == "set aside: unknown status"
    assert bare_database.accounts.has_access(user_id, "standard_course")


def test_a_migration_that_fails_changes_nothing_and_the_next_push_goes_on(
    bare_database: Database, project: Path
) -> None:
    output(bare_database, *PUSH, workdir=project)
    before = end_state.schema(bare_database)
    wrong = project / "supabase/migrations/20261201000000_wrong.sql"
    wrong.write_text("create table public.half (id int);\nselect 1 / 0;\n")

    refused = run(bare_database, *PUSH, workdir=project)

    assert refused.returncode != 0
    assert "division by zero" in refused.stdout + refused.stderr
    assert end_state.schema(bare_database) == before
    assert applied(bare_database) == VERSIONS

    wrong.write_text("create table public.half (id int);\n")
    output(bare_database, *PUSH, workdir=project)
    assert applied(bare_database) == [*VERSIONS, "20261201000000"]


def test_a_drop_that_is_refused_leaves_the_old_table_and_the_copy(
    bare_database: Database, project: Path
) -> None:
    old = OldTable(bare_database)
    old.create()
    row_id = old.add()
    bare_database.execute("create view public.students as select user_id from public.enrollments")

    refused = run(bare_database, *PUSH, workdir=project)

    assert refused.returncode != 0
    assert "other objects depend on it" in refused.stdout + refused.stderr
    assert old.exists() and old.outcome(row_id) == "copied"

    bare_database.execute("drop view public.students")
    output(bare_database, *PUSH, workdir=project)
    assert not old.exists()


@pytest.mark.parametrize("state", ["bare", "migrated"])
def test_a_reset_rebuilds_everything_and_sows_the_seed(
    cluster: Cluster, project: Path, state: str
) -> None:
    with cluster.database(state) as database, cluster.database("bare") as other:
        if state == "migrated":
            database.execute("insert into public.products values ('odd', 'Odd', 'odd')")
        output(database, "db", "reset", "--yes", workdir=project)

        migrations.apply(other.url, SUPABASE)
        migrations.seed(other.url, SUPABASE)
        assert end_state.schema(database) == end_state.schema(other)
        assert contents(database) == contents(other)
        assert applied(database) == VERSIONS
