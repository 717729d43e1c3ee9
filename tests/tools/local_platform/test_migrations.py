"""The loader, on migrations of its own making."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools import migrations
from tests.support.database import Database

FIRST = "20260101000000_things.sql"
SECOND = "20260102000000_more_things.sql"


@pytest.fixture
def supabase_dir(tmp_path: Path) -> Path:
    (tmp_path / "migrations").mkdir()
    write(tmp_path, FIRST, "-- Things.\ncreate table things (name text primary key);\n")
    write(tmp_path, SECOND, "insert into things values ('a');\n\ninsert into things values ('b');")
    (tmp_path / "seed.sql").write_text("insert into things values ('c') on conflict do nothing;")
    return tmp_path


def write(supabase_dir: Path, name: str, script: str) -> None:
    (supabase_dir / "migrations" / name).write_text(script)


def things(database: Database) -> list[str]:
    return [row["name"] for row in database.rows("select name from things order by name")]


def history(database: Database) -> list[dict[str, object]]:
    return database.rows("select * from supabase_migrations.schema_migrations order by version")


def test_they_are_applied_in_order_and_recorded_as_the_supabase_cli_does(
    bare_database: Database, supabase_dir: Path
) -> None:
    assert migrations.apply(bare_database.url, supabase_dir) == [FIRST, SECOND]

    assert things(bare_database) == ["a", "b"]
    assert history(bare_database) == [
        {
            "version": "20260101000000",
            "name": "things",
            "statements": ["-- Things.\ncreate table things (name text primary key)"],
        },
        {
            "version": "20260102000000",
            "name": "more_things",
            "statements": ["insert into things values ('a')", "insert into things values ('b')"],
        },
    ]


def test_what_is_applied_is_skipped(bare_database: Database, supabase_dir: Path) -> None:
    assert migrations.apply(bare_database.url, supabase_dir, upto="20260101000000") == [FIRST]
    assert migrations.apply(bare_database.url, supabase_dir) == [SECOND]
    assert migrations.apply(bare_database.url, supabase_dir) == []


def test_a_record_that_the_supabase_cli_made_is_honoured(
    bare_database: Database, supabase_dir: Path
) -> None:
    bare_database.execute("create schema supabase_migrations")
    bare_database.execute(
        "create table supabase_migrations.schema_migrations"
        " (version text not null primary key, statements text[], name text)"
    )
    bare_database.execute(
        "insert into supabase_migrations.schema_migrations values ('20260101000000')"
    )
    bare_database.execute("create table things (name text primary key)")

    assert migrations.apply(bare_database.url, supabase_dir) == [SECOND]


def test_a_file_with_another_kind_of_name_is_no_migration(
    bare_database: Database, supabase_dir: Path
) -> None:
    write(supabase_dir, "notes.sql", "not SQL")
    write(supabase_dir, "20260103000000_notes.md", "not SQL")

    assert migrations.apply(bare_database.url, supabase_dir) == [FIRST, SECOND]


def test_one_that_fails_leaves_the_database_as_it_was_before_it(
    bare_database: Database, supabase_dir: Path
) -> None:
    write(
        supabase_dir,
        SECOND,
        "insert into things values ('a');\n"
        "create table others ();\n"
        "do $$ begin\n"
        "    raise 'no more things' using detail = 'there are 1', hint = 'take fewer';\n"
        "end $$;",
    )
    with pytest.raises(migrations.MigrationError) as failure:
        migrations.apply(bare_database.url, supabase_dir)

    assert str(failure.value) == (
        f"{SECOND}: no more things\nDetail: there are 1\nHint: take fewer"
    )
    assert things(bare_database) == []
    assert bare_database.value("select to_regclass('others')") is None
    assert [each["version"] for each in history(bare_database)] == ["20260101000000"]


def test_one_that_fails_names_the_line(bare_database: Database, supabase_dir: Path) -> None:
    write(supabase_dir, SECOND, "insert into things values ('ä');\n\nselect nothing;\n")

    with pytest.raises(migrations.MigrationError, match=f'{SECOND}, line 3: column "nothing" does'):
        migrations.apply(bare_database.url, supabase_dir)


def test_a_setting_of_one_migration_does_not_reach_the_next(
    bare_database: Database, supabase_dir: Path
) -> None:
    write(supabase_dir, FIRST, "create table things (name text); set search_path to '';")

    migrations.apply(bare_database.url, supabase_dir)

    assert things(bare_database) == ["a", "b"]


def test_the_seed_may_be_sown_again(bare_database: Database, supabase_dir: Path) -> None:
    migrations.apply(bare_database.url, supabase_dir)

    migrations.seed(bare_database.url, supabase_dir)
    migrations.seed(bare_database.url, supabase_dir)

    assert things(bare_database) == ["a", "b", "c"]


def test_a_seed_that_fails_sows_nothing_and_says_why(
    bare_database: Database, supabase_dir: Path
) -> None:
    migrations.apply(bare_database.url, supabase_dir)
    (supabase_dir / "seed.sql").write_text(
        "insert into things values ('c'); insert into things values ('a');"
    )
    with pytest.raises(migrations.MigrationError, match=r"seed.sql: duplicate key(.|\n)*Detail: "):
        migrations.seed(bare_database.url, supabase_dir)

    assert things(bare_database) == ["a", "b"]


@pytest.mark.parametrize(
    ("script", "cut"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select 1;;\n;select 2;\n", ["select 1", "select 2"]),
        ("-- a; b\nselect 1; -- c; d", ["-- a; b\nselect 1", "-- c; d"]),
        ("/* a; b */ select 1", ["/* a; b */ select 1"]),
        ("select 'it''s; not'; select 2", ["select 'it''s; not'", "select 2"]),
        ('select 1 as "a;""b"; select 2', ['select 1 as "a;""b"', "select 2"]),
        ("do $$ a; $x$ b; $$; select 2", ["do $$ a; $x$ b; $$", "select 2"]),
        ("do $x$ a; $$ b; $x$; select 2", ["do $x$ a; $$ b; $x$", "select 2"]),
        ("", []),
    ],
)
def test_a_script_is_cut_where_the_supabase_cli_cuts_it(script: str, cut: list[str]) -> None:
    assert migrations.statements(script) == cut
