"""Keeps the worker at work: when it dies, that is logged, and it starts again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol

import structlog

from thetis.logs import where
from thetis.waiting import is_set_within

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds before it starts again: each pause is twice the last, but for a worker that lived longer
than the longest.
"""

log = structlog.get_logger()


class Supervised(Protocol):
    async def run(self) -> None:
        """Until `stop`."""

    def stop(self) -> None: ...


class Chore(Supervised, Protocol):
    """What a worker does beside sending."""

    async def close(self) -> None: ...


class Supervisor:
    """Runs a worker until it is told to stop."""

    def __init__(self, worker: Supervised) -> None:
        self._worker = worker
        self._stopping = asyncio.Event()
        self.is_down = False

    def stop(self) -> None:
        """Let `run` return once the worker has done what it began."""
        self._stopping.set()
        self._worker.stop()

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self.is_down = False
            started = time.monotonic()
            await self._live()
            if time.monotonic() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await is_set_within(self._stopping, pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _live(self) -> None:
        try:
            await as_error(self._worker.run())
            if self._stopping.is_set():
                return
            raise RuntimeError("it ended, and nobody had told it to")
        except Exception as error:
            self.is_down = True
            cause = _first(error)
            log.error("worker.died", error=type(cause).__name__, where=where(cause))


async def as_error(work: Coroutine[Any, Any, None]) -> None:
    """Let a cancellation that nobody asked for be an error like others: a bug in a library can
    raise one, and a task group then takes the task for one that has ended.
    """
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("cancelled by nobody") from error


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
