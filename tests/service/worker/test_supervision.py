"""A worker that dies is reported, makes the service not ready, and starts again."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any, LiteralString

import pytest
from structlog.testing import capture_logs

from tests.service.worker.conftest import Outbox
from tests.support.service import NOWHERE, eventually, running, settings
from tests.support.shopify import SPLINT, order
from thetis import supervision, wiring
from thetis.app import create_app
from thetis.cli.serve import work
from thetis.database import Database
from thetis.settings import ServiceSettings, WorkerSettings, load
from thetis.supervision import Supervisor
from thetis.transports import PostgresTransport, Row

on_one_postgres = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")


class Mortal:
    """A worker without work that ends, by an error or just so, as often as it has lives."""

    def __init__(self, error: BaseException | None, *, lives: int) -> None:
        self._error = error
        self._lives = lives
        self._stopped = asyncio.Event()
        self.is_at_work = asyncio.Event()
        self.is_closed = False

    async def run(self) -> None:
        if self._lives:
            self._lives -= 1
            if self._error is not None:
                raise self._error
            return
        self.is_at_work.set()
        await self._stopped.wait()

    def paused(self) -> dict[str, str]:
        return {}

    def idle_seconds(self, provider: str) -> float:  # noqa: ARG002
        return 0.0

    def stop(self) -> None:
        self._stopped.set()

    def wake(self) -> None:
        """There is nothing to do."""

    async def close(self) -> None:
        self.is_closed = True


ERRORS = {
    "an error": ZeroDivisionError("about ada@example.com"),
    "a group": ExceptionGroup("two", [ZeroDivisionError("about ada@example.com"), KeyError()]),
    "a cancellation": asyncio.CancelledError(),
    "an end": None,
}


def _logged(error: BaseException | None, lives: int) -> list[dict[str, Any]]:
    """What is logged of a worker that dies so often."""

    async def supervise() -> None:
        worker = Mortal(error, lives=lives)
        supervisor = Supervisor(worker)
        supervising = asyncio.create_task(supervisor.run())
        await worker.is_at_work.wait()
        assert not supervisor.is_down
        supervisor.stop()
        await supervising

    with capture_logs() as logs:
        asyncio.run(supervise())
    return [dict(each) for each in logs]


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_a_worker_that_dies_is_reported_and_starts_again(
    error: BaseException | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.001)
    logs = _logged(error, lives=3)
    assert [each["event"] for each in logs] == ["worker.died"] * 3
    assert {each["error"] for each in logs} <= {"ZeroDivisionError", "RuntimeError"}
    assert "ada@example.com" not in str(logs)


def test_the_pauses_grow_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def rest(event: asyncio.Event, seconds: float) -> bool:
        pauses.append(seconds)
        return False

    monkeypatch.setattr(supervision, "is_set_within", rest)
    _logged(ZeroDivisionError(), lives=8)
    assert pauses[:8] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_supervisor_that_is_told_to_stop_does_not_wait_for_the_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 3600)

    async def stop_while_it_rests() -> None:
        supervisor = Supervisor(Mortal(ZeroDivisionError(), lives=1))
        asyncio.get_running_loop().call_later(0.05, supervisor.stop)
        async with asyncio.timeout(5):
            await supervisor.run()

    asyncio.run(stop_while_it_rests())


@on_one_postgres
def test_the_service_is_not_ready_while_its_worker_is_down(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 1.0)
    parts = {"worker": Mortal(ZeroDivisionError(), lives=1)}
    with running({"database_url": outbox.database.url}, parts=parts) as service:
        told = service.get("/readyz")
        assert told.status_code == 503
        assert told.json() == {"error": "the worker died and starts again soon"}
        eventually(lambda: service.get("/readyz").status_code == 200)


class _Cancelling(PostgresTransport):
    """A library with a bug: its first claims end as if somebody had cancelled them."""

    claims = itertools.count()

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        if function == "claim_notifications" and next(self.claims) < 3:
            raise asyncio.CancelledError
        return await super().call(function, arguments)


@on_one_postgres
def test_what_waits_goes_out_after_a_cancellation_that_nobody_asked_for(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)
    outbox.database.record_orders(order(1, SPLINT))
    with outbox.working(transport=_Cancelling(outbox.database.url, timeout=2)):
        outbox.wait_for(1, "post_purchase", "sent")


class _Transport(PostgresTransport):
    """Says whether it was closed, and may fail to open."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__(NOWHERE, timeout=0.3)
        self._fails = fails
        self.is_closed = False

    async def open(self) -> None:
        await super().open()
        if self._fails:
            raise OSError("no file is left")

    async def close(self) -> None:
        await super().close()
        self.is_closed = True


@pytest.mark.parametrize("fails", ["open", "preflight"])
def test_a_service_that_fails_to_start_closes_what_it_opened(fails: str) -> None:
    async def preflight() -> None:
        raise OSError("no file is left")

    async def start() -> tuple[_Transport, Mortal]:
        transport, worker = _Transport(fails=fails == "open"), Mortal(None, lives=0)
        chosen = load(ServiceSettings, **settings("http://127.0.0.1:1", database_url=NOWHERE))
        parts: Any = replace(
            wiring.parts(chosen),
            database=Database(transport, timeout=0.3),
            worker=worker,  # type: ignore[arg-type]
            preflight=preflight,
        )
        app = create_app(parts)
        with pytest.raises(OSError, match="no file is left"):
            async with app.router.lifespan_context(app):
                pass
        assert len(asyncio.all_tasks()) == 1
        return transport, worker

    transport, worker = asyncio.run(start())
    assert transport.is_closed and worker.is_closed


def test_a_worker_that_fails_to_start_closes_what_it_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport, worker = _Transport(fails=True), Mortal(None, lives=0)
    monkeypatch.setattr(wiring, "database", lambda _: Database(transport, timeout=0.3))
    monkeypatch.setattr(wiring, "worker", lambda *_: worker)
    chosen = load(WorkerSettings, **settings("http://127.0.0.1:1", database_url=NOWHERE))
    with pytest.raises(OSError, match="no file is left"):
        asyncio.run(work(chosen))
    assert transport.is_closed and worker.is_closed
