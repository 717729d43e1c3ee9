"""Applies `supabase/migrations` and `supabase/seed.sql`, and keeps the Supabase CLI's record.

So a database may be filled by either of the two, and by the other from then on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

# The same table as https://github.com/supabase/cli/blob/develop/apps/cli-go/pkg/migration/history.go
HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
    version text not null primary key, statements text[], name text
);
"""

FILE_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.*)\.sql")

# What hides a semicolon, or is one.
TOKEN = re.compile(
    r"""
      --[^\n]*
    | /\*.*?\*/
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?P<tag>\$\w*\$).*?(?P=tag)
    | (?P<end>;)
    """,
    re.DOTALL | re.VERBOSE,
)


class MigrationError(Exception):
    """A file of SQL failed, and changed nothing. Names the file, and says what Postgres said."""


def apply(conninfo: str, supabase_dir: Path, *, upto: str | None = None) -> list[str]:
    """Apply what is not yet applied, up to and including version `upto`, a transaction per file.

    Returns the names of the files applied now. Raises MigrationError, with the earlier files kept.
    """
    applied = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("set client_min_messages to warning")
        connection.execute(HISTORY)
        for file, version, name in _pending(connection, supabase_dir / "migrations"):
            if upto is not None and version > upto:
                break
            _apply(connection, file, version, name)
            applied.append(file.name)
    return applied


def seed(conninfo: str, supabase_dir: Path) -> None:
    """Run seed.sql in one transaction. Raises MigrationError."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _execute(connection, supabase_dir / "seed.sql")


def statements(script: str) -> list[str]:
    """The script cut at its semicolons, as the Supabase CLI cuts it: comments stay."""
    ends = [token.end() for token in TOKEN.finditer(script) if token["end"]]
    pieces = (script[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True))
    return [text for piece in pieces if (text := piece.rstrip(";").strip())]


def _pending(connection: Connection, folder: Path) -> list[tuple[Path, str, str]]:
    history = connection.execute("select version from supabase_migrations.schema_migrations")
    applied = {version for (version,) in history}
    found = ((file, FILE_NAME.fullmatch(file.name)) for file in sorted(folder.glob("*.sql")))
    return [
        (file, match["version"], match["name"])
        for file, match in found
        if match and match["version"] not in applied
    ]


def _apply(connection: Connection, file: Path, version: str, name: str) -> None:
    connection.execute("reset all")  # what an earlier file may have set
    with connection.transaction():
        _execute(connection, file)
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name, statements)"
            " values (%s, %s, %s)",
            (version, name, statements(file.read_text(encoding="utf-8"))),
        )


def _execute(connection: Connection, file: Path) -> None:
    script = file.read_text(encoding="utf-8")
    try:
        with connection.transaction():
            connection.execute(script.encode())
    except psycopg.Error as error:
        raise MigrationError(_report(file, script, error)) from error


def _report(file: Path, script: str, error: psycopg.Error) -> str:
    """Postgres's words, and where in the file it stopped if it says so."""
    said = error.diag
    place = ""
    if said.statement_position:
        place = f", line {script.count(chr(10), 0, int(said.statement_position)) + 1}"
    lines = [f"{file.name}{place}: {said.message_primary or error}"]
    for label, text in (("Detail", said.message_detail), ("Hint", said.message_hint)):
        if text:
            lines.append(f"{label}: {text}")
    return "\n".join(lines)
