"""`thetis serve` and `thetis worker`: the two processes that production runs."""

from __future__ import annotations

import asyncio
import signal

import click
import uvicorn

from thetis import logs, settings, wiring
from thetis.cli.session import load_or_exit
from thetis.metrics import Metrics


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
def serve(host: str, port: int) -> None:
    """Receive webhooks, and send what is owed."""
    chosen = load_or_exit(settings.ServiceSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    uvicorn.run(
        lambda: wiring.app(chosen),
        factory=True,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=30,
    )


@click.command()
def worker() -> None:
    """Only send what is owed; any number of workers may run."""
    chosen = load_or_exit(settings.WorkerSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    asyncio.run(_work(chosen))


async def _work(chosen: settings.WorkerSettings) -> None:
    database = wiring.database(chosen)
    worker = wiring.worker(chosen, database, Metrics())
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, worker.stop)
    await database.open()
    await worker.run()
    await database.close()
