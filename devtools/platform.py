"""Supabase without Docker: a Postgres of our own with Supabase's roles and schemas."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from devtools.postgres import BUNDLED, PlatformError, Server, binaries

__all__ = ["VERSIONS", "Platform", "PlatformError", "attach", "start", "stop"]

VERSIONS = BUNDLED
"""Those that are there wherever we are installed."""

PLATFORM_SQL = Path(__file__).with_name("platform.sql")

# What Supabase runs for a project whose new tables are not exposed, word for word: it leaves
# truncate, references and trigger on tables granted.
# https://github.com/supabase/cli/blob/develop/apps/cli-go/internal/db/start/start.go
HIDE_NEW_TABLES = """
alter default privileges for role postgres in schema public
  revoke select, insert, update, delete on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke usage, select on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke execute on functions from anon, authenticated, service_role;
"""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A running local platform."""

    data_dir: Path
    postgres_version: int
    socket_dir: Path

    def url(self, role: str, database: str = "postgres") -> str:
        """A libpq URI. Every role may log in that Supabase lets log in, without a password."""
        return f"postgresql://{role}@/{database}?host={self.socket_dir}"

    @property
    def database_url(self) -> str:
        """As `postgres`, the role that migrations run as and that is no superuser."""
        return self.url("postgres")

    @property
    def supabase_db_url(self) -> str:
        """The same for the Supabase CLI, which insists on a host and a password."""
        return f"postgresql://postgres:x@localhost/postgres?host={self.socket_dir}"

    @property
    def admin_url(self) -> str:
        """As `supabase_admin`, the superuser."""
        return self.url("supabase_admin")


def start(data_dir: Path, *, postgres: int = 16, expose_new_tables: bool = False) -> Platform:
    """Start the platform in this folder, making both if need be, and leave it running.

    One that runs already is returned as it is. `expose_new_tables` decides once, when the data is
    made, what on Supabase a project's age decides: whether new tables in `public` are open to the
    API's roles. Raises PlatformError.
    """
    binaries(postgres)
    with _exclusive(data_dir, create=True) as server:
        version = server.version() or postgres
        if version != postgres:
            raise PlatformError(f"{data_dir} holds data of Postgres {version}, not {postgres}")
        if not server.version():
            server.create(postgres)
        if not server.is_running():
            server.start()
        platform = _describe(server)
        _install(platform.admin_url, expose_new_tables=expose_new_tables)
    return platform


def attach(data_dir: Path) -> Platform:
    """The platform that runs in this folder. Raises PlatformError when none does."""
    with _exclusive(data_dir) as server:
        _require_running(server)
        return _describe(server)


def stop(data_dir: Path) -> None:
    """Stop the platform in this folder; its data stays. Raises PlatformError when none runs."""
    with _exclusive(data_dir) as server:
        _require_running(server)
        server.stop()


@contextmanager
def _exclusive(data_dir: Path, *, create: bool = False) -> Iterator[Server]:
    """One process at a time starts or stops what is in a folder."""
    data_dir = data_dir.expanduser().resolve()
    try:
        if create:
            data_dir.mkdir(parents=True, exist_ok=True)
        elif not (data_dir / "lock").exists():
            raise PlatformError(f"no local platform runs in {data_dir}")
        with (data_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Server(data_dir)
    except OSError as error:
        raise PlatformError(f"{error.filename or data_dir}: {error.strerror or error}") from error
    except psycopg.Error as error:
        raise PlatformError(f"Postgres in {data_dir} says: {error}") from error


def _require_running(server: Server) -> None:
    if not server.version() or not server.is_running():
        raise PlatformError(f"no local platform runs in {server.data_dir}")


def _describe(server: Server) -> Platform:
    return Platform(
        data_dir=server.data_dir,
        postgres_version=server.version(),
        socket_dir=server.running_socket_dir(),
    )


def _install(admin_url: str, *, expose_new_tables: bool) -> None:
    """Add what Supabase adds to a bare Postgres, all of it or nothing, unless it is there."""
    with psycopg.connect(admin_url) as connection:
        if connection.execute("select 1 from pg_namespace where nspname = 'auth'").fetchone():
            return
        connection.execute(PLATFORM_SQL.read_bytes())
        if not expose_new_tables:
            connection.execute(HIDE_NEW_TABLES)
