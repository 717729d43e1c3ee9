"""What the guide says of backups brings everything back, with the rights of a project's owner."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import migrations
from devtools.postgres import binaries
from tests.database.upgrades.release import Release
from tests.support.cluster import SUPABASE, Cluster
from tests.support.database import Database
from tests.support.docs import document
from tests.support.everything import everything

GUIDE = document("docs/UPGRADE.md")

_MAJOR = "select current_setting('server_version_num')::integer / 10000"


@pytest.fixture
def lived_in(bare_database: Database, last_release: Release) -> Database:
    last_release.install(bare_database)
    migrations.apply(bare_database.url, SUPABASE)
    return bare_database


@pytest.fixture
def empty_project(cluster: Cluster) -> Iterator[Database]:
    with cluster.database("bare") as fresh:
        yield fresh


def run(command: str, database: Database, folder: Path) -> None:
    programs = binaries(database.value(_MAJOR))
    subprocess.run(
        ["bash", "-c", command],
        check=True,
        cwd=folder,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "DATABASE_URL": database.url},
    )


def command(section: str, program: str) -> str:
    [line] = [
        line
        for block in GUIDE.section(section).split("```bash\n")[1:]
        for line in block.partition("```")[0].splitlines()
        if line.startswith(program)
    ]
    return line


def statement(section: str, first_words: str) -> str:
    [block] = [
        block.partition("```")[0]
        for block in GUIDE.section(section).split("```sql\n")[1:]
        if block.startswith(first_words)
    ]
    return block


def test_a_backup_brings_everything_back(
    lived_in: Database, empty_project: Database, tmp_path: Path
) -> None:
    run(command("Back up", "pg_dump"), lived_in, tmp_path)
    accounts = "pg_dump --data-only --table=auth.users --column-inserts $ADMIN | psql -q $THERE"
    run(
        accounts.replace("$ADMIN", f"'{lived_in.admin_url}'").replace(
            "$THERE", f"'{empty_project.admin_url}'"
        ),
        lived_in,
        tmp_path,
    )
    migrations.apply(empty_project.url, SUPABASE)

    empty_project.execute(statement("Restore", "truncate"))
    run(command("Restore", "psql"), empty_project, tmp_path)

    assert everything(empty_project) == {
        table: rows for table, rows in everything(lived_in).items() if "enrollments" not in table
    }


def test_nothing_that_waited_is_sent_from_a_restored_outbox(lived_in: Database) -> None:
    pending = "select count(*) from thetis.notifications where status = 'pending'"
    assert lived_in.value(pending) > 0

    lived_in.execute(statement("Restore", "update thetis.notifications"))

    assert lived_in.value(pending) == 0
    assert lived_in.claim() == []
