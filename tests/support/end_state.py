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
TYPES = ROOT / "docs/course-app/database.types.ts"

POSTGRES = 18
"""The version whose pg_dump writes the file, whatever the server is: what it writes differs in form
from version to version."""

_HEAD = """\
-- The database after all migrations, as pg_dump writes it: for reading and for comparing, not for
-- running. Written by `make schema`; a test sees to it that it is current.

"""
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
    """What `supabase gen types` makes of schema public."""
    with tempfile.TemporaryDirectory() as folder:
        command = ("gen", "types", "--lang=typescript", "--schema=public")
        return supabase_cli.output(database, *command, workdir=Path(folder))


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
