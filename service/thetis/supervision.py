"""Keeps the worker at work: when it dies, that is told, and it starts again."""

from __future__ import annotations

import asyncio
import time

import structlog

from thetis.logs import where
from thetis.worker import Worker

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds before it starts again. A worker that lived longer than this starts afresh with the
first pause; otherwise each is twice the last.
"""

log = structlog.get_logger()


class Supervisor:
    """Runs a worker until it is told to stop."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._stopping = asyncio.Event()
        self.is_down = False

    def stop(self) -> None:
        """Let `run` return once the worker has settled what it claimed."""
        self._stopping.set()
        self._worker.stop()

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self.is_down = False
            started = time.monotonic()
            if await self._lives():
                return
            self.is_down = True
            if time.monotonic() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await self._rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _lives(self) -> bool:
        """Run the worker; True when it ended because it was told to."""
        try:
            await self._worker.run()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            _report(error)  # nobody cancelled us: it came out of something that the worker called
            return False
        except Exception as error:
            _report(error)
            return False
        if not self._stopping.is_set():
            log.error("worker.died", error=None, where=None)
        return self._stopping.is_set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


def _report(error: BaseException) -> None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    log.error("worker.died", error=type(error).__name__, where=where(error))
