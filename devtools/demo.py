"""`thetis-dev demo`: a customer's story on a real Postgres and the real service, over real HTTP.

Every sentence that is printed with a tick was checked; the exit status says whether all held.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from devtools import checkout, fake_providers, processes
from devtools.accounts import Accounts
from devtools.demo_story import SECRET, NotAsToldError, Story, tell
from devtools.migrations import MigrationError
from devtools.platform import PlatformError
from devtools.processes import NotReadyError


@click.command()
def demo() -> None:
    """A customer's story, told with real requests; takes less than a minute."""
    started = time.monotonic()
    click.echo("Starting Postgres, the service, and fake providers for Knock and Resend …")
    try:
        with _running() as story:
            tell(story)
    except NotAsToldError as claim:
        raise click.ClickException(f"not as told: {claim}") from None
    except (PlatformError, MigrationError, NotReadyError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\nAll of it was checked, in {time.monotonic() - started:.0f} seconds.")


@contextmanager
def _running() -> Iterator[Story]:
    """Platform, fake providers and service, all gone at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thetis-demo-")))
        database = stack.enter_context(checkout.running_platform(folder / "platform"))
        received = fake_providers.FakeProviders()
        providers = stack.enter_context(fake_providers.running(received))
        log_file = folder / "service.log"
        service = stack.enter_context(_service(database.database_url, providers, log_file))
        accounts = stack.enter_context(Accounts(database.admin_url))
        yield Story(database.database_url, accounts, service, received)


@contextmanager
def _service(database_url: str, providers: str, log_file: Path) -> Iterator[str]:
    """The URL of a service; what it logs as an error is shown at the end."""
    port = processes.free_port()
    settings = {
        "database_url": database_url,
        "shopify_webhook_secrets": SECRET,
        "knock_api_key": "demo",
        "knock_base_url": providers,
        "resend_api_key": "demo",
        "resend_base_url": providers,
        "email_from": "The shop <shop@example.com>",
        "course_app_url": "https://courses.example.com",
        "shop_name": "The shop",
        "support_email": "help@example.com",
        "log_level": "error",
    }
    serve = ("serve", "--port", str(port))
    with processes.process(*serve, log_file=log_file, environment=settings) as started:
        try:
            processes.wait_until_ready(f"http://127.0.0.1:{port}/readyz", started)
            yield f"http://127.0.0.1:{port}"
            started.stop()
        finally:
            click.echo(started.log(), err=True, nl=False)
