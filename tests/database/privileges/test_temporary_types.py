"""No function of ours runs its caller's code with more power than the caller has.

Postgres looks for a type in `pg_temp` first, unless the search path names `pg_temp` last. Who may
make temporary things may then make a domain `text` with a check of their own, and whatever casts to
`text` runs that check: as its owner, if it is a security definer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from psycopg import sql
from psycopg.errors import DatatypeMismatch, Diagnostic, UndefinedFunction

from tests.support.database import Connection, Database
from tests.support.functions import Function, arguments, functions
from tests.support.staff import SUPPORT

# It says who runs it; what it says arrives, whatever becomes of the statement.
CHECK = """
create function pg_temp.run_as(anyelement) returns boolean language plpgsql as $$
begin
    raise warning 'ran as %', current_user;
    return true;
end;
$$
"""

DOMAIN = "create domain pg_temp.{0} as pg_catalog.{0} check (pg_temp.run_as(value))"

# Of every type that a function may name without a schema.
TYPES = """
select typname from pg_catalog.pg_type
where typnamespace = 'pg_catalog'::regnamespace and typtype = 'b' and typcategory <> 'A'
    and typname !~ '^pg_' order by typname
"""

TABLE_OF_TRIGGER = """
select tgrelid::regclass::text as name from pg_trigger where tgfoid = %s and not tgisinternal
"""


class Attacker:
    """A session with SQL access, in which every type is shadowed."""

    def __init__(self, connection: Connection, role: str) -> None:
        self.connection = connection
        self.role = role
        self._ran_as: set[str] = set()
        self.act_as(role)
        names = [row["typname"] for row in connection.execute(TYPES).fetchall()]
        assert {"text", "uuid", "jsonb", "int4", "timestamptz"} <= set(names)
        connection.execute(CHECK)
        for name in names:
            connection.execute(sql.SQL(DOMAIN).format(sql.Identifier(name)))
        connection.add_notice_handler(self._note)

    def act_as(self, role: str) -> None:
        self.connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))

    def sign_in(self, user_id: str) -> None:
        """As one of the support staff, whom the guarded functions let in."""
        claims = json.dumps({"sub": user_id, "role": "authenticated", **SUPPORT})
        self.connection.execute("select set_config('request.jwt.claims', %s, false)", (claims,))

    def victims(self) -> set[str]:
        """Who else has run the attacker's code."""
        return self._ran_as - {self.role}

    def _note(self, notice: Diagnostic) -> None:
        _, told, user = (notice.message_primary or "").partition("ran as ")
        if told:
            self._ran_as.add(user)


@contextmanager
def attacker(database: Database, role: str) -> Iterator[Attacker]:
    with database.connect("supabase_admin") as connection:
        yield Attacker(connection, role)


def victims(database: Database, function: Function, values: Mapping[str, Any]) -> set[str]:
    """Who else ran the code of one who calls this function, or brings its trigger about."""
    if function.is_trigger:
        assert [row["name"] for row in database.rows(TABLE_OF_TRIGGER, function.id)] == [
            "auth.users"
        ]
        return victims_of_an_account(database)
    with attacker(database, function.callers[0]) as session:
        session.sign_in(values["user_id"])
        # a domain is not the type, and has not all its operators; its check has run
        with suppress(DatatypeMismatch, UndefinedFunction):
            function.call(session.connection, values)
        return session.victims()


def victims_of_an_account(database: Database) -> set[str]:
    """Of one that is made, confirmed and deleted, while the attacker's types are there."""
    with attacker(database, "authenticated") as session:
        session.act_as("supabase_auth_admin")
        for statement in (
            "insert into auth.users (id, email) values (gen_random_uuid(), 'eve@example.com')",
            "update auth.users set email_confirmed_at = now() where email = 'eve@example.com'",
            "update auth.users set deleted_at = now() where email = 'eve@example.com'",
        ):
            session.connection.execute(statement)
        return session.victims()


def attack(database: Database) -> dict[str, set[str]]:
    """Every function that acts with its owner's power, and whose power it gave away."""
    values = arguments(database)
    values["user_id"] = database.accounts.sign_up("ada@example.com")
    database.execute("update public.purchases set user_id = null")
    return {
        function.name: victims(database, function, values)
        for function in functions(database)
        if function.is_definer
    }


def test_no_definer_runs_code_of_its_callers(database: Database) -> None:
    gave_away = attack(database)

    assert {"claim_purchases", "record_orders", "link_purchases_to_user"} <= gave_away.keys()
    assert {name: roles for name, roles in gave_away.items() if roles} == {}


def test_the_attack_succeeds_where_the_search_path_does_not_name_pg_temp(
    database: Database,
) -> None:
    for function in functions(database):
        database.execute(f"alter routine {function.signature} set search_path = ''")

    gave_away = attack(database)

    assert gave_away["claim_purchases"] == {"postgres"}
    assert gave_away["record_orders"] == {"postgres"}
    assert gave_away["link_purchases_to_user"] == {"postgres"}
