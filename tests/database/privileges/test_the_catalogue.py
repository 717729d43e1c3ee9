"""What Postgres's catalogue says of privileges is what the matrix says, and no more."""

from __future__ import annotations

import re

from tests.database.privileges import matrix
from tests.database.privileges.conftest import Project
from tests.database.privileges.matrix import Thing
from tests.support.database import Database, Row

THINGS = """
with things as (
    select 'schema' as kind, nspname::text as name, oid as id, 0 as number, nspacl as acl,
        nspowner as owner
    from pg_namespace
    union all
    select case relkind when 'S' then 'sequence' else 'table' end,
        relnamespace::regnamespace || '.' || relname, oid, 0,
        coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)),
        relowner
    from pg_class where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select 'column', relnamespace::regnamespace || '.' || relname || '.' || attname,
        attrelid, attnum, attacl, relowner
    from pg_attribute inner join pg_class on attrelid = pg_class.oid
    where relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0 and not attisdropped
    union all
    select 'function', pronamespace::regnamespace || '.' || proname, oid, 0,
        coalesce(proacl, acldefault('f', proowner)), proowner
    from pg_proc
)

select things.* from things
where split_part(name, '.', 1) in ('public', 'thetis')
"""

# The privileges that there are, by kind.
# https://www.postgresql.org/docs/current/ddl-priv.html
PRIVILEGES = {
    "schema": "usage create",
    "table": "select insert update delete truncate references trigger",
    "column": "select insert update references",
    "sequence": "usage select update",
    "function": "execute",
}


def privileges(database: Database, kind: str) -> list[str]:
    names = PRIVILEGES[kind].split()
    if kind == "table" and database.platform.postgres_version >= 17:
        names.append("maintain")
    return names


def held(database: Database, role: str) -> dict[Thing, frozenset[str]]:
    """The privileges that a role has: its own, everybody's, and those of roles it belongs to."""
    return {
        (kind, row["name"]): frozenset(row["privileges"])
        for kind in PRIVILEGES
        for row in database.rows(
            f"select name, array(select privilege from unnest(%s::text[]) as privilege"
            f" where has_{kind}_privilege"
            f"(%s, id, {'number::smallint, ' if kind == 'column' else ''}privilege)) as privileges"
            f" from ({THINGS}) as things where kind = %s",
            privileges(database, kind),
            role,
            kind,
        )
    }


def test_a_caller_has_the_privileges_that_are_written_and_no_others(
    project: Project, caller: str
) -> None:
    written = {thing: cell.privileges for thing, cell in matrix.allowed(caller).items()}
    actual = held(project.database, matrix.role(caller))
    untouchable = {
        (kind, name)
        for kind, name in actual
        if kind == "column" and ("table", name.rpartition(".")[0]) in matrix.untouchable()
    }

    assert {thing: actual[thing] for thing in actual.keys() - untouchable} == written
    assert not frozenset().union(*(actual[thing] for thing in untouchable))


def test_no_other_role_was_given_anything_and_nobody_may_pass_it_on(project: Project) -> None:
    """But for the schema public, which the platform itself opens to everybody."""
    grants = project.database.rows(
        f"select kind, name, case grantee when 0 then 'everybody' else grantee::regrole::text end"
        f" as role, lower(privilege_type) as privilege, is_grantable"
        f" from ({THINGS}) as things cross join aclexplode(acl)"
        f" where grantee <> owner and name <> 'public'"
    )
    written = {
        (kind, name, matrix.role(caller), privilege)
        for caller in matrix.CALLERS
        for (kind, name), cell in matrix.allowed(caller).items()
        for privilege in cell.privileges
        if kind != "column" and name != "public"  # a column's privilege is its table's
    }

    assert {(row["kind"], row["name"], row["role"], row["privilege"]) for row in grants} == written
    assert not any(row["is_grantable"] for row in grants)


def test_no_function_shares_its_name_and_so_its_line_with_another(project: Project) -> None:
    names = [row["name"] for row in things(project.database) if row["kind"] == "function"]

    assert sorted(set(names)) == sorted(names)


def test_everything_belongs_to_the_role_that_migrations_run_as(project: Project) -> None:
    owners = project.database.rows(
        f"select distinct owner::regrole::text as role from ({THINGS}) as things"
        " where name <> 'public'"
    )

    assert [row["role"] for row in owners] == ["postgres"]


def test_row_level_security_is_on_for_every_table(project: Project) -> None:
    tables = project.database.rows(
        "select oid::regclass::text as name, relrowsecurity as is_on from pg_class"
        " where relkind in ('r', 'p')"
        " and relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
    )

    assert len(tables) > 2
    assert [row["name"] for row in tables if not row["is_on"]] == []


def test_there_are_only_the_two_policies_and_both_are_for_reading(project: Project) -> None:
    policies = project.database.rows(
        "select tablename, cmd, roles::text[], qual from pg_policies"
        " where schemaname in ('public', 'thetis') order by tablename"
    )

    assert policies == [
        {
            "tablename": "products",
            "cmd": "SELECT",
            "roles": ["authenticated"],
            "qual": "true",
        },
        {
            "tablename": "purchases",
            "cmd": "SELECT",
            "roles": ["authenticated"],
            "qual": "(( SELECT auth.uid() AS uid) = user_id)",
        },
    ]


def test_a_view_shows_nobody_more_than_they_may_see_without_it(project: Project) -> None:
    views = project.database.rows(
        "select relname, 'security_invoker=true' = any(reloptions) as is_invoker from pg_class"
        " where relkind = 'v'"
        " and relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
    )

    assert sorted(view["relname"] for view in views) == [
        "charged_back_orders",
        "derived_purchases",
        "held_addresses",
        "live_purchases",
        "named_purchases",
        "open_runs",
    ]
    assert all(view["is_invoker"] for view in views)


def test_every_function_names_the_schemas_it_looks_into_and_pg_temp_last(
    project: Project,
) -> None:
    functions = project.database.rows(
        "select proname,"
        " coalesce('search_path=pg_catalog, pg_temp' = any(proconfig), false) as is_fixed"
        " from pg_proc where pronamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
    )

    assert len(functions) > 2
    assert [row["proname"] for row in functions if not row["is_fixed"]] == []


def test_only_the_doors_act_with_more_power_than_their_caller(project: Project) -> None:
    """All of `public` but check_schema, which looks with its caller's eyes, and the trigger."""
    definers = {
        row["name"]
        for row in project.database.rows(
            "select pronamespace::regnamespace || '.' || proname as name from pg_proc"
            " where prosecdef"
            " and pronamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
        )
    }
    doors = {name for kind, name in matrix.allowed("anon") if kind == "function"}
    doors = {name for name in doors if name.startswith("public.")}

    assert definers == doors - {"public.check_schema"} | {"thetis.link_purchases_to_user"}


def test_every_write_names_its_rows(project: Project) -> None:
    """Supabase loads pg-safeupdate into the sessions of its API, also for what functions do there:
    an update or a delete without a condition is an error.

    https://github.com/supabase/postgres (its migration enable-safeupdate-postgrest)
    """
    functions = project.database.rows(
        "select proname, prosrc from pg_proc"
        " where pronamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
    )
    writes = re.compile(r"\b(update (public|thetis)\.(?!.* for update)|delete from )", re.DOTALL)
    without = {
        row["proname"]
        for row in functions
        for statement in row["prosrc"].split(";")
        if writes.search(statement) and not re.search(r"\bwhere\b", statement)
    }

    assert without == set()


def things(database: Database) -> list[Row]:
    return database.rows(THINGS)
