"""What goes wrong with the database is told in one line, in words for whoever typed the command."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from tests.support.database import Database
from tests.support.http import serving
from tests.support.program import thetis
from tests.support.supabase_api import SupabaseApi

RAW = re.compile(
    r"Errno|FATAL|psycopg|pool-|httpx|Traceback|sqlstate|pydantic|constraint"
    r"|_is_lower_snake_case|Error\(|Exception"
)
"""What programs say to programs."""


def told(*arguments: str, **settings: str) -> str:
    """The only line of a command that failed."""
    ended = thetis(*arguments, **settings)
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert not RAW.search(line), line
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(
    "command", [("products", "list"), ("rejected", "list"), ("rejected", "replay", "7")]
)
def test_a_host_that_does_not_exist(command: tuple[str, ...]) -> None:
    line = told(*command, DATABASE_URL="postgresql://a:b@nowhere.invalid/c")

    assert line.startswith("the database at nowhere.invalid:5432 cannot be used: ")
    assert "nowhere.invalid" in line and "failed to resolve host" in line


def test_a_port_that_is_closed() -> None:
    assert told("products", "list", DATABASE_URL="postgresql://a:b@127.0.0.1:1/c") == (
        "the database at 127.0.0.1:1 cannot be used: Connection refused"
    )


def test_a_host_that_does_not_answer() -> None:
    """An address of a network that is reserved for examples: nothing is ever there."""
    line = told(
        *("products", "list"),
        DATABASE_URL="postgresql://a:b@192.0.2.1/c",
        DATABASE_TIMEOUT_SECONDS="1",
    )
    assert line.startswith("the database at 192.0.2.1:5432 cannot be used: ")


def test_a_wrong_password(own_database: Database) -> None:
    with psycopg.connect(own_database.admin_url, autocommit=True) as admin:
        admin.execute("create role with_password login password 'right'")
        [path] = admin.execute("show hba_file").fetchone() or [""]
        rules = Path(path).read_text()
        Path(path).write_text(f"local all with_password scram-sha-256\n{rules}")
        admin.execute("select pg_reload_conf()")
        try:
            url = own_database.platform.url("with_password", own_database.name)
            wrong = url.replace("with_password@", "with_password:wr0ng@")
            line = _told_once_reloaded(wrong)
        finally:
            Path(path).write_text(rules)
            admin.execute("select pg_reload_conf()")
            admin.execute("drop role with_password")
    assert 'password authentication failed for user "with_password"' in line
    assert "wr0ng" not in line


def _told_once_reloaded(url: str) -> str:
    for _ in range(100):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                break
    return told("products", "list", DATABASE_URL=url)


def test_a_database_or_a_role_that_does_not_exist(database: Database) -> None:
    for url in (
        database.platform.url("postgres", "no_such_database"),
        database.platform.url("no_such_role", database.name),
    ):
        assert told("products", "list", DATABASE_URL=url).endswith(" does not exist")


def test_a_database_without_the_migrations(bare_database: Database) -> None:
    assert told("products", "list", DATABASE_URL=bare_database.url).endswith(
        "lacks a function of this release: apply the migrations"
    )


def test_a_role_that_may_not_call_our_functions(database: Database) -> None:
    url = database.platform.url("authenticator", database.name)

    assert "does not allow this" in told("products", "list", DATABASE_URL=url)


def test_an_api_that_is_not_there() -> None:
    line = told(
        *("products", "list"),
        SUPABASE_URL="http://127.0.0.1:1",
        SUPABASE_SECRET_KEY="sb_secret_made_up",
    )
    assert line == "the database at http://127.0.0.1:1 cannot be used: no connection"


def test_an_address_that_is_no_supabase_api() -> None:
    with serving({"/rest/v1/rpc/list_products": (404, b"<html>not here</html>")}) as url:
        line = told("products", "list", SUPABASE_URL=url, SUPABASE_SECRET_KEY="sb_secret_made_up")
    assert line.endswith("cannot be used: 127.0.0.1 answered 404, and not with JSON")


def test_a_wrong_api_key(supabase_api: SupabaseApi) -> None:
    line = told(
        *("products", "list"), SUPABASE_URL=supabase_api.url, SUPABASE_SECRET_KEY="sb_secret_wr0ng"
    )
    assert line.endswith("cannot be used: Invalid API key") and "wr0ng" not in line


def test_a_wrong_setting_is_named_with_what_it_should_look_like() -> None:
    ended = thetis("products", "list", DATABASE_URL="db.example.com", LOG_LEVEL="loud")

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "thetis: settings are missing or malformed:",
        "  DATABASE_URL: must be a libpq URI, such as postgresql://user:password@host:5432/name",
        "  LOG_LEVEL: must be debug, info, warning or error",
    ]
