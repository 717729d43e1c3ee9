"""Whether the service can do its work, for `/readyz`."""

from __future__ import annotations

from collections.abc import Sequence

from thetis.batching import Batcher
from thetis.database import Database
from thetis.errors import DatabaseError
from thetis.model import SCHEMA_VERSION
from thetis.supervision import Supervisor
from thetis.worker import Worker

NO_SUCH_FUNCTION = {"42883", "PGRST202", "42501"}
"""SQLSTATE and PostgREST's code for a function that is not there, and SQLSTATE for one that the
caller may not execute.
"""


class Readiness:
    """Anybody may probe: however many do at once, they share one look."""

    def __init__(
        self,
        database: Database,
        worker: Worker,
        supervisor: Supervisor,
        *,
        backlog_limit_seconds: float,
    ) -> None:
        self._database = database
        self._worker = worker
        self._supervisor = supervisor
        self._backlog_limit_seconds = backlog_limit_seconds
        self._looks: Batcher[None, str | None] = Batcher(self._look, max_calls=1)

    def paused(self) -> dict[str, str]:
        """The providers that refuse everything for now, and in which words."""
        return self._worker.paused()

    async def problem(self) -> str | None:
        """What keeps the service from its work, in words; None when it is ready."""
        if self._supervisor.is_down:
            return "the worker died and starts again soon"
        return await self._looks.submit(None)

    async def _look(self, probes: Sequence[None]) -> list[str | None]:
        try:
            found = await self._schema() or await self._backlog()
        except DatabaseError:
            found = "the database does not answer"
        return [found] * len(probes)

    async def _schema(self) -> str | None:
        try:
            schema = await self._database.check_schema()
        except DatabaseError as error:
            if error.code in NO_SUCH_FUNCTION:
                return _lacks(["check_schema"])
            raise
        if schema.version != SCHEMA_VERSION:
            return (
                f"the database has version {schema.version} of the schema and this release needs "
                f"{SCHEMA_VERSION}: apply the migrations of the release that runs"
            )
        return _lacks(schema.missing) if schema.missing else None

    async def _backlog(self) -> str | None:
        """A provider that is asked and does not answer is at work: only its own customers wait. So
        do those of one that is paused, and webhooks can be received all the same.
        """
        limit, paused = self._backlog_limit_seconds, self._worker.paused()
        for each in await self._database.notification_backlog():
            is_idle = self._worker.idle_seconds(each.provider) > limit
            if each.oldest_due_seconds > limit and is_idle and each.provider not in paused:
                return f"a notification has been due for {each.oldest_due_seconds:.0f} s"
        return None


def _lacks(functions: Sequence[str]) -> str:
    return f"the database lacks {', '.join(functions)}: apply the migrations of this release"
