"""The `thetis-dev` command: everything on one machine, for whoever has a checkout."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from devtools import checkout, fake_providers, migrations, platform
from devtools.demo import demo
from devtools.preview import preview
from thetis import logs, server, wiring
from thetis.errors import SettingsError
from thetis.settings import ServiceSettings, load

DEV_SECRET = "local-development-only"  # noqa: S105 - signs webhooks on loopback and nowhere else


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The local platform: Postgres with Supabase's roles and schemas, without Docker."""


main.add_command(demo)
main.add_command(preview)


@main.command()
@click.option(
    "--data-dir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of its data; made if need be.",
)
@click.option("--empty", is_flag=True, help="Apply neither migrations nor seed.")
@click.option(
    "--postgres",
    type=click.Choice(["15", "16", "18"]),
    default="16",
    show_default=True,
    help="Its version. Decided once for each folder.",
)
def start(data_dir: Path, *, empty: bool, postgres: str) -> None:
    """Start the local platform, leave it running, and print how to connect.

    Applies the migrations that are missing, and the seed. Prints DATABASE_URL for clients, and
    SUPABASE_DB_URL in the form that the Supabase CLI accepts.
    """
    try:
        running = platform.start(data_dir, postgres=int(postgres))
        _tell(f"Postgres {postgres} runs in {data_dir}")
        if not empty:
            checkout.fill(running.database_url, _tell)
    except (platform.PlatformError, migrations.MigrationError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"DATABASE_URL={running.database_url}")
    click.echo(f"SUPABASE_DB_URL={running.supabase_db_url}")


@main.command()
@click.option(
    "--data-dir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of its data; made if need be.",
)
def stop(data_dir: Path) -> None:
    """Stop the local platform. Its data stays."""
    try:
        platform.stop(data_dir)
    except platform.PlatformError as error:
        raise click.ClickException(str(error)) from None
    _tell(f"stopped {data_dir}")


def _tell(text: str) -> None:
    """Beside standard output, which tools read."""
    click.echo(text, err=True)


@main.command()
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on.",
)
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Keep data here."
)
def run(port: int, data_dir: Path | None) -> None:
    """Run the local platform and the service, with a fake for each provider without a key.

    Whatever setting is missing is supplied. A fake prints what it receives.
    """
    with ExitStack() as stack:
        try:
            settings = _dev_settings(stack, data_dir)
        except (platform.PlatformError, migrations.MigrationError, SettingsError) as error:
            raise click.ClickException(str(error)) from None
        logs.configure(settings.log_level, settings.log_format)
        secret = settings.webhook_secrets[0]
        click.echo(
            f"Try: thetis simulate orders/paid --url http://127.0.0.1:{port} --secret {secret}"
        )
        click.echo("Ctrl-C stops everything.")
        server.run(lambda: wiring.app(settings), server.listen("127.0.0.1", port))


def _dev_settings(stack: ExitStack, data_dir: Path | None) -> ServiceSettings:
    """The environment's settings, with what is missing supplied locally."""
    folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thetis-")))
    database_url = stack.enter_context(checkout.running_platform(folder, _tell)).database_url
    click.echo(f"DATABASE_URL={database_url}")
    supplied = {
        "SHOPIFY_WEBHOOK_SECRETS": DEV_SECRET,
        "EMAIL_FROM": "The shop <shop@example.com>",
        "COURSE_APP_URL": "http://localhost:3000",
        "SHOP_NAME": "The shop",
        "SUPPORT_EMAIL": "help@example.com",
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
