"""`thetis-dev start|stop`: tools read standard output; all else goes to standard error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.program import thetis_dev


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[str]:
    """Where a platform may be started; it is stopped at the end."""
    yield str(tmp_path / "platform")
    thetis_dev("stop", "--data-dir", str(tmp_path / "platform"))


def urls(output: str) -> dict[str, str]:
    """Standard output is these two lines and no other."""
    found = re.fullmatch(r"DATABASE_URL=(\S+)\nSUPABASE_DB_URL=(\S+)\n", output)
    assert found is not None, output
    return {"DATABASE_URL": found[1], "SUPABASE_DB_URL": found[2]}


@pytest.mark.parametrize("version", ["16", "18"])
def test_it_starts_with_everything_in_place_and_starting_again_changes_nothing(
    folder: str, version: str
) -> None:
    first = thetis_dev("start", "--data-dir", folder, "--postgres", version)
    again = thetis_dev("start", "--data-dir", folder, "--postgres", version)

    assert (first.returncode, again.returncode) == (0, 0)
    assert urls(first.stdout) == urls(again.stdout)
    assert "applied 20261123000100_schema" in first.stderr
    assert "applied" not in again.stderr
    for url in urls(first.stdout).values():
        with psycopg.connect(url) as connection:
            assert connection.info.server_version // 10000 == int(version)
            row = connection.execute(
                "select current_user, (select count(*) from public.purchases)"
            ).fetchone()
            assert row is not None
            assert row[0] == "postgres" and row[1] > 0


def test_empty_means_neither_migrations_nor_seed(folder: str) -> None:
    started = thetis_dev("start", "--data-dir", folder, "--empty")

    with psycopg.connect(urls(started.stdout)["DATABASE_URL"]) as connection:
        row = connection.execute("select to_regclass('public.purchases')").fetchone()
    assert row == (None,)


def test_stopping_keeps_the_data_and_stopping_twice_fails_with_the_reason(folder: str) -> None:
    thetis_dev("start", "--data-dir", folder, "--empty")

    stopped = thetis_dev("stop", "--data-dir", folder)
    assert (stopped.returncode, stopped.stdout) == (0, "")

    again = thetis_dev("stop", "--data-dir", folder)
    assert again.returncode == 1
    assert f"no local platform runs in {folder}" in again.stderr
    assert (Path(folder) / "postgres/PG_VERSION").exists()


def test_data_of_another_postgres_is_refused(folder: str) -> None:
    thetis_dev("start", "--data-dir", folder, "--empty", "--postgres", "18")

    refused = thetis_dev("start", "--data-dir", folder, "--postgres", "16")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "holds data of Postgres 18, not 16" in refused.stderr


def test_a_folder_that_cannot_be_made_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    refused = thetis_dev("start", "--data-dir", str(tmp_path / "file/below"))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: ") and "Traceback" not in refused.stderr
