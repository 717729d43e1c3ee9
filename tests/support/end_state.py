"""What all migrations together amount to, as files: `make schema`, `make types`.

A reader sees the whole database in one file, a reviewer sees every change, and a test sees to it
that both files are current.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from devtools.postgres import binaries
from tests.support import supabase_cli
from tests.support.cluster import ROOT, Cluster
from tests.support.database import Database

SCHEMA = ROOT / "docs/schema.sql"
TYPES = ROOT / "examples/course-app/src/thetis/database.types.ts"

POSTGRES = 18
"""The version whose pg_dump writes the file, whatever the server is: what it writes differs in form
from version to version."""

_HEAD = """\
-- The database after all migrations, as pg_dump writes it: for reading and for comparing, not for
-- running. Written by `make schema`; a test sees to it that it is current.

"""
_CALLABLE = (
    "select proname from pg_proc where pronamespace = 'public'::regnamespace"
    " and has_function_privilege('authenticated', oid, 'execute')"
)
_FUNCTION = re.compile(r'"(?P<name>\w+)":\n\{ Args: .*?\n {27}\},?\n', re.DOTALL)
_WRITING = re.compile(r"^( +(?:Insert|Update): )\{\n.*?\n +\}\n", re.DOTALL | re.MULTILINE)
_TRIGGER = "select pg_get_triggerdef(oid) from pg_trigger where tgname = 'link_purchases_to_user'"


def schema(database: Database) -> str:
    """The schemas public and thetis, and our trigger on auth.users, without what varies: settings,
    comments, and the default privileges, which are the project's own.
    """
    program = binaries(POSTGRES) / "pg_dump"
    options = ("--schema-only", "--no-owner", "--schema=public", "--schema=thetis")
    dumped = subprocess.run(
        [program, *options, database.admin_url], capture_output=True, text=True, check=True
    ).stdout
    meaningful = re.sub(
        r"^(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict |ALTER DEFAULT PRIVILEGES ).*\n",
        "",
        dumped,
        flags=re.MULTILINE,
    )
    lines = re.sub(r"\n{3,}", "\n\n", meaningful).strip()
    return f"{_HEAD}{lines}\n\n{database.value(_TRIGGER)};\n"


def types(database: Database) -> str:
    """What `supabase gen types` makes of schema public, as far as it is for a browser."""
    with tempfile.TemporaryDirectory() as folder:
        command = ("gen", "types", "--lang=typescript", "--schema=public")
        written = supabase_cli.output(database, *command, workdir=Path(folder))
    callable_names = {row["proname"] for row in database.rows(_CALLABLE)}
    return for_browsers(written, callable_names)


def for_browsers(written: str, callable_names: set[str]) -> str:
    """Without the functions that no signed-in user may call, without anything to write, and without
    the operator, whom staff's token names.
    """

    def keep(function: re.Match[str]) -> str:
        return function[0] if function["name"] in callable_names else ""

    callable_only = _FUNCTION.sub(keep, written)
    read_only = _WRITING.sub(r"\1Record<string, never>\n", callable_only)
    return read_only.replace('"operator"?: string,', "")


def main() -> None:
    kind = {"schema": (SCHEMA, schema), "types": (TYPES, types)}
    file, write = kind[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with (
            Cluster.starting(Path(folder) / "platform", postgres=POSTGRES) as cluster,
            cluster.database() as database,
        ):
            file.write_text(write(database), encoding="utf-8")


if __name__ == "__main__":
    main()
