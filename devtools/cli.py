"""The `thetis-dev` command: everything on one machine, for whoever has a checkout."""

from __future__ import annotations

from pathlib import Path

import click

from devtools import checkout, migrations, platform
from devtools.demo import demo
from devtools.dev.command import run
from devtools.preview import preview


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The local platform: Postgres with Supabase's roles and schemas, without Docker."""


main.add_command(demo)
main.add_command(preview)
main.add_command(run)


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
