"""Each caller tries everything, on a connection of their own, and may do what the matrix says."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tests.database.privileges import matrix
from tests.database.privileges.conftest import Project
from tests.support.database import Connection

# For each privilege a statement that needs it. {thing} is its name; for a column, {table} holds it.
# What only a table of one's own could use (references) or no transaction can hold (maintain) is
# left to the catalogue.
ATTEMPTS = {
    "schema": {
        "usage": "select from {thing}.no_such_table",
        "create": "create table {thing}.made_by_a_caller ()",
    },
    "table": {
        "select": "select from {thing}",
        "insert": "insert into {thing} default values",
        "update": "select from {thing} for update",
        "delete": "delete from {thing}",
        "truncate": "truncate {thing}",
        "trigger": "create trigger mine before delete on {thing}"
        " for each row execute function suppress_redundant_updates_trigger()",
    },
    "column": {
        "select": "select {thing} from {table}",
        "insert": "insert into {table} ({column}) values (default)",
        "update": "update {table} set {column} = default",
    },
    "sequence": {
        "usage": "select nextval('{thing}')",
        "select": "select last_value from {thing}",
        "update": "select setval('{thing}', 1)",
    },
    "function": {"execute": "select {thing}({nulls})"},
}


NOT_STAFF = "only support staff may do this"
"""What a guarded function says, which the role may call, to somebody who is no support staff."""


def may(connection: Connection, statement: str) -> bool:
    """Whether privileges allow it; what else is wrong with it does not matter. Undoes it."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL(statement))
    except InsufficientPrivilege as error:
        return error.diag.message_primary == NOT_STAFF
    except psycopg.Error:
        return True
    return True


def attempts(project: Project, kind: str, name: str) -> Iterator[tuple[str, str]]:
    """The privileges of a thing and how to try each."""
    table, _, column = name.rpartition(".")
    nulls = signatures(project).get(name, "")
    for privilege, statement in ATTEMPTS[kind].items():
        yield (
            privilege,
            statement.format(thing=name, table=table, column=column, nulls=nulls),
        )


def signatures(project: Project) -> dict[str, str]:
    """A null for each argument of each function, so that it is found by its types."""
    rows = project.database.rows(
        "select pronamespace::regnamespace || '.' || proname as name, array("
        "select 'null::' || format_type(argument, null) from unnest(proargtypes) as argument"
        ") as nulls from pg_proc"
        " where pronamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
    )
    return {row["name"]: ", ".join(row["nulls"]) for row in rows}


def test_a_caller_can_do_what_is_written_and_nothing_else(project: Project, caller: str) -> None:
    written = matrix.allowed(caller)
    with project.acting_as(caller) as connection:
        possible = {
            (kind, name): frozenset(
                privilege
                for privilege, statement in attempts(project, kind, name)
                if may(connection, statement)
            )
            for kind, name in written
        }

    assert possible == {thing: cell.privileges for thing, cell in written.items()}


def test_a_guarded_function_refuses_whoever_is_no_staff(project: Project, caller: str) -> None:
    guarded = [name for (_, name), cell in matrix.allowed(caller).items() if cell.is_guarded]
    nulls = signatures(project)
    with project.acting_as(caller) as connection:
        for name in guarded:
            with (
                pytest.raises(InsufficientPrivilege, match=NOT_STAFF),
                connection.transaction(force_rollback=True),
            ):
                connection.execute(sql.SQL(f"select {name}({nulls[name]})"))

    assert bool(guarded) == (matrix.role(caller) == "authenticated")


def test_a_caller_sees_the_rows_that_are_written(project: Project, caller: str) -> None:
    written = {name: cell.rows for (_, name), cell in matrix.allowed(caller).items() if cell.rows}
    with project.acting_as(caller) as connection:
        seen = {name: len(connection.execute(f"select from {name}").fetchall()) for name in written}

    assert seen == {name: project.count(name, rows) for name, rows in written.items()}


@pytest.mark.parametrize("function", ["has_access", "claim_purchases"])
def test_a_signed_in_users_function_works_without_any_privilege_behind_it(
    project: Project, function: str
) -> None:
    arguments = "'standard_course'" if function == "has_access" else ""
    with project.acting_as("owner") as connection:
        [row] = connection.execute(f"select public.{function}({arguments})").fetchall()

    assert row == {function: True if function == "has_access" else 0}
