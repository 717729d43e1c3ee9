"""The `thetis-dev` command: everything on one machine, for whoever has a checkout."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from devtools import fake_providers, migrations, platform
from devtools.preview import preview
from thetis import logs, server, wiring
from thetis.settings import ServiceSettings, SettingsError, load

CHECKOUT = Path(__file__).resolve().parents[1]

DEV_SECRET = "local-development-only"  # noqa: S105 - signs webhooks on loopback and nowhere else


def supabase_dir() -> Path:
    """The supabase folder of the working directory, or else of the checkout we run from."""
    for root in (Path.cwd(), CHECKOUT):
        if (root / "supabase" / "migrations").is_dir():
            return root / "supabase"
    raise click.ClickException("there is no supabase/migrations here: run this in the checkout")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The local platform: Postgres with Supabase's roles and schemas, without Docker."""


main.add_command(preview)


@main.command()
@click.option("--data-dir", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--empty", is_flag=True, help="Apply neither migrations nor seed.")
@click.option("--postgres", type=click.Choice(["16", "18"]), default="16", show_default=True)
def start(data_dir: Path, *, empty: bool, postgres: str) -> None:
    """Start it, leave it running, and print how to connect."""
    try:
        running = platform.start(data_dir, postgres=int(postgres))
        click.echo(f"Postgres {postgres} runs in {data_dir}", err=True)
        if not empty:
            _fill(running.database_url)
    except (platform.PlatformError, migrations.MigrationError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"DATABASE_URL={running.database_url}")
    click.echo(f"SUPABASE_DB_URL={running.supabase_db_url}")


@main.command()
@click.option("--data-dir", required=True, type=click.Path(path_type=Path, file_okay=False))
def stop(data_dir: Path) -> None:
    """Stop it. Its data stays."""
    try:
        platform.stop(data_dir)
    except platform.PlatformError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"stopped {data_dir}", err=True)


def _fill(database_url: str) -> None:
    for name in migrations.apply(database_url, supabase_dir()):
        click.echo(f"applied {name}", err=True)
    migrations.seed(database_url, supabase_dir())
    click.echo("seeded", err=True)


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Keep data here."
)
def run(port: int, data_dir: Path | None) -> None:
    """Local platform and service, with a console stand-in for each provider without a key."""
    with ExitStack() as stack:
        try:
            settings = _dev_settings(stack, data_dir)
        except (platform.PlatformError, migrations.MigrationError, SettingsError) as error:
            raise click.ClickException(str(error)) from None
        logs.configure(settings.log_level, settings.log_format)
        secret = settings.shopify_webhook_secrets[0].get_secret_value()
        click.echo(
            f"Try: thetis simulate orders/paid --url http://127.0.0.1:{port} --secret {secret}"
        )
        click.echo("Ctrl-C stops everything.")
        server.run(lambda: wiring.app(settings), server.listen("127.0.0.1", port))


def _dev_settings(stack: ExitStack, data_dir: Path | None) -> ServiceSettings:
    """The environment's settings, with what is missing supplied locally."""
    folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thetis-")))
    database_url = stack.enter_context(running_platform(folder))
    click.echo(f"DATABASE_URL={database_url}")
    supplied = {
        "SHOPIFY_WEBHOOK_SECRETS": DEV_SECRET,
        "EMAIL_FROM": "The shop <shop@example.com>",
        "COURSE_APP_URL": "http://localhost:3000",
        "LOG_FORMAT": "console",
    }
    console = fake_providers.FakeProviders(
        on_request=lambda each: click.echo(fake_providers.readable(each))
    )
    console_url = stack.enter_context(fake_providers.running(console))
    for provider in ("KNOCK", "RESEND"):
        if f"{provider}_API_KEY" not in os.environ:
            supplied |= {f"{provider}_API_KEY": "console", f"{provider}_BASE_URL": console_url}
    missing = {name.lower(): value for name, value in supplied.items() if name not in os.environ}
    return load(ServiceSettings, **missing, database_url=database_url)


@contextmanager
def running_platform(folder: Path) -> Iterator[str]:
    """A filled local platform in this folder, stopped at the end; yields its DATABASE_URL."""
    started = platform.start(folder)
    try:
        _fill(started.database_url)
        yield started.database_url
    finally:
        platform.stop(folder)
