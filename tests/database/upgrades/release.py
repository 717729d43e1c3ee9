"""What a release freezes: the hashes of its migrations, and a database that was lived in.

`make release VERSION=0.2.0` writes the folder of a release once, and nobody changes it afterwards.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from devtools import migrations
from devtools.postgres import binaries
from tests.database.postgres_15.test_every_function_runs import copy_old_enrollments
from tests.database.upgrades.lived_in import live_in
from tests.support.cluster import SUPABASE, Cluster
from tests.support.database import Database

RELEASES = Path(__file__).parent / "releases"

POSTGRES = 16
"""The oldest version that the tests always have: what it writes, newer ones read."""

# What differs from version to version of pg_dump, and a psql command that no server understands.
_SESSION = re.compile(r"^(--|SET |SELECT pg_catalog\.|\\(un)?restrict ).*\n|^\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Release:
    version: str

    @property
    def folder(self) -> Path:
        return RELEASES / self.version

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each migration by its file name, as `sha256sum` writes it."""
        text = (self.folder / "migrations.sha256").read_text(encoding="utf-8")
        return {name: digest for digest, name in (row.split() for row in text.splitlines())}

    def last_migration(self) -> str:
        return max(self.hashes()).partition("_")[0]

    def install(self, database: Database) -> None:
        """The release's migrations, and the rows that were there when it came out."""
        copy_old_enrollments(database)  # which leaves a table that other projects do not have
        migrations.apply(database.url, SUPABASE, upto=self.last_migration())
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            # What migrations brought is in the dump as well. No trigger fires, as in a restore.
            admin.execute("set session_replication_role = replica")
            for table in _tables(admin):
                admin.execute(f"delete from {table}".encode())
            admin.execute((self.folder / "data.sql").read_bytes())

    def write(self) -> None:
        self.folder.mkdir(parents=True)
        files = sorted((SUPABASE / "migrations").glob("*.sql"))
        rows = (f"{digest(file)}  {file.name}\n" for file in files)
        (self.folder / "migrations.sha256").write_text("".join(rows), encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            with (
                Cluster.starting(Path(folder) / "platform", postgres=POSTGRES) as cluster,
                cluster.database("bare") as database,
            ):
                live_in(database)
                (self.folder / "data.sql").write_text(_dump(database), encoding="utf-8")


def releases() -> list[Release]:
    """From the oldest to the newest."""
    versions = (folder.name for folder in RELEASES.iterdir() if folder.is_dir())
    in_order = sorted(versions, key=lambda version: [int(part) for part in version.split(".")])
    return [Release(version=version) for version in in_order]


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _dump(database: Database) -> str:
    options = ("--data-only", "--column-inserts", "--rows-per-insert=100", "--no-owner")
    which = ("--table=public.*", "--table=thetis.*", "--table=auth.users")
    program = binaries(POSTGRES) / "pg_dump"
    written = subprocess.run(
        [program, *options, *which, database.admin_url], capture_output=True, text=True, check=True
    ).stdout
    # The numbering of new rows must go on where it was.
    sequences = re.findall(r"^SELECT pg_catalog\.setval.*\n", written, re.MULTILINE)
    return _SESSION.sub("", written) + "".join(sequences)


def _tables(admin: psycopg.Connection) -> list[str]:
    return [
        name
        for (name,) in admin.execute(
            "select oid::regclass::text from pg_class where relkind = 'r' and ("
            " relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)"
            " or oid = 'auth.users'::regclass)"
        )
    ]


if __name__ == "__main__":
    Release(version=sys.argv[1]).write()
