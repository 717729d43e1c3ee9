"""A service, its database and the network between them, each of which can be killed."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from devtools import platform
from devtools.processes import Process, answers, free_port, process
from tests.support.proxy import Proxy
from tests.support.service import eventually, settings
from tests.system.chaos.providers import SEND_TIMEOUT

LEASE = 2

_BACKENDS = """
select pid from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


class Installation:
    """`url` is the service's; it and the providers' stay the same, whatever is restarted."""

    def __init__(
        self, running: platform.Platform, database: str, folder: Path, providers: str
    ) -> None:
        self._platform = running
        self._database = database
        self._folder = folder
        self._cleanup = ExitStack()
        self._starts = 0
        self.proxy = self._cleanup.enter_context(Proxy(self._connect_to_postgres))
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._environment: dict[str, Any] = settings(
            providers,
            database_url=f"postgresql://postgres@127.0.0.1:{self.proxy.port}/{database}",
            database_timeout_seconds=1,
            send_timeout_seconds=SEND_TIMEOUT,
            lease_seconds=LEASE,
            poll_seconds=0.2,
        )

    def __enter__(self) -> Self:
        self.start_service()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def start_service(self) -> None:
        self._starts += 1
        self.service: Process = self._cleanup.enter_context(
            process(
                *("serve", "--port", str(self._port)),
                log_file=self._folder / f"service-{self._starts}.log",
                environment=self._environment,
            )
        )
        eventually(self._is_alive)

    def kill_service(self) -> None:
        self.service.popen.kill()
        self.service.popen.wait(timeout=10)

    def logs(self) -> str:
        """Of every process there was."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("service-*.log")))

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Past the proxy."""
        url = self._platform.url("supabase_admin", self._database)
        return psycopg.connect(url, autocommit=True)

    def kill_postgres(self) -> None:
        """The postmaster and all its children, at once, as a power cut would."""
        folder = self._platform.data_dir / "postgres"
        postmaster = int((folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGSTOP)
        doomed = [postmaster, *_children(postmaster)]
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
        # A zombie, too, would be taken for a server that runs.
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in doomed))

    def restart_postgres(self) -> None:
        """As whoever looks after it would; it recovers by itself."""
        platform.start(self._platform.data_dir, postgres=self._platform.postgres_version)

    def kill_one_backend(self) -> None:
        """One connection's process: Postgres ends all others and starts afresh by itself."""
        with self.connect() as connection:
            row = connection.execute(_BACKENDS).fetchone()
        if row:
            os.kill(row[0], signal.SIGKILL)

    def terminate_backends(self) -> None:
        """End every connection, as an administrator may."""
        with self.connect() as connection:
            connection.execute(f"select pg_terminate_backend(pid) from ({_BACKENDS}) as each")

    def _is_alive(self) -> bool:
        assert self.service.popen.poll() is None, self.service.log()
        return answers(f"{self.url}/healthz")

    def _connect_to_postgres(self) -> socket.socket:
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            unix.connect(str(self._platform.socket_dir / ".s.PGSQL.5432"))
        except OSError:
            unix.close()
            raise
        return unix


def _children(parent: int) -> Iterator[int]:
    for path in Path("/proc").iterdir():
        if path.name.isdecimal() and _parent(path) == parent:
            yield int(path.name)


def _parent(process_folder: Path) -> int | None:
    """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; None once it has ended."""
    try:
        return int((process_folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
