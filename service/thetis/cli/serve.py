"""`thetis serve` and `thetis worker`: the two processes that production runs."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import AsyncExitStack

import click
from click.core import ParameterSource

from thetis import logs, server, settings, wiring
from thetis.cli.session import load_or_exit
from thetis.metrics import Metrics
from thetis.supervision import Supervisor


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; 0.0.0.0 in a container.",
)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on.",
)
def serve(host: str, port: int) -> None:
    """Receive webhooks, and send notifications.

    Ends on Ctrl-C or SIGTERM, after what is under way.
    """
    chosen = load_or_exit(settings.ServiceSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    with _listen(host, port) as listener:
        server.run(lambda: wiring.app(chosen), listener)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return server.listen(host, port)
    except OSError as error:
        words = f"cannot listen on {host}, port {port}: {server.reason(error)}"
        raise click.ClickException(words) from None


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Answer `/healthz` and `/metrics` on this port. Without it, nothing listens.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on, with `--port`; 0.0.0.0 in a container.",
)
@click.pass_context
def worker(context: click.Context, port: int | None, host: str) -> None:
    """Only send notifications. Any number may run, beside any number of `thetis serve`."""
    if port is None and context.get_parameter_source("host") != ParameterSource.DEFAULT:
        raise click.UsageError("--host needs --port: without it, nothing listens")
    chosen = load_or_exit(settings.WorkerSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    if port is None:
        with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
            runner.run(work(chosen))
    else:
        with _listen(host, port) as listener:
            server.run(lambda: wiring.worker_app(chosen), listener)


async def work(chosen: settings.WorkerSettings) -> None:
    async with AsyncExitStack() as opened:
        database = wiring.database(chosen)
        opened.push_async_callback(database.close)
        sending = wiring.worker(chosen, database, Metrics())
        opened.push_async_callback(sending.close)
        supervisor = Supervisor(sending)
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, supervisor.stop)
        await database.open()
        await supervisor.run()
