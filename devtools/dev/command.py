"""`thetis-dev run`: one address, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click
import uvicorn

from devtools.dev import auth, course_app, requirements, stack
from devtools.dev.stack import Addresses
from devtools.dev.web import Web
from devtools.migrations import MigrationError
from devtools.platform import PlatformError
from devtools.postgrest import PostgrestError

FAULTS = (
    auth.AuthError,
    course_app.BuildError,
    MigrationError,
    PlatformError,
    PostgrestError,
    requirements.MissingError,
)


@click.command()
@click.option(
    "--port",
    default=4000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port of the page. The course app listens on the next one.",
)
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Keep data here."
)
def run(port: int, data_dir: Path | None) -> None:
    """Run everything on this machine, and print the one address to open.

    The page has a pretend shop, a mailbox, and the live rows, and leads to the course app and its
    support desk. Behind it: Postgres, PostgREST, Auth, the service, a fake Knock and Resend. A
    provider whose key the environment sets is the real one.
    """
    signal.signal(signal.SIGTERM, _end)
    try:
        with ExitStack() as everything:
            folder = data_dir or Path(
                everything.enter_context(tempfile.TemporaryDirectory(prefix="thetis-dev-"))
            )
            folder.mkdir(parents=True, exist_ok=True)
            addresses = everything.enter_context(_listening(port))
            web = everything.enter_context(stack.running(folder.resolve(), addresses, _tell))
            # A second Ctrl-C would leave Postgres behind.
            everything.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
            _serve(web, addresses)
    except FAULTS as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        _tell("stopped")


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(text: str) -> None:
    click.echo(text, err=True)


@contextmanager
def _listening(port: int) -> Iterator[Addresses]:
    """The same addresses for as long as we run: the course app is built with them."""
    try:
        page = socket.create_server(("127.0.0.1", port))
        app = socket.create_server(("127.0.0.1", port + 1 if port else 0))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        message = f"port {port} or {port + 1}: {reason}; choose another with --port"
        raise click.ClickException(message) from None
    with page, app:
        yield Addresses(page=page, app=app)


def _serve(web: Web, addresses: Addresses) -> None:
    config = uvicorn.Config(web, lifespan="off", log_config=None, timeout_graceful_shutdown=2)
    click.echo(f"Open {addresses.page_url}")
    _tell("Ctrl-C stops everything.")
    uvicorn.Server(config).run(sockets=[addresses.page, addresses.app])
