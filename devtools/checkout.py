"""The checkout that the command runs in, and a local platform filled with what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from devtools import migrations, platform
from devtools.platform import Platform

ROOT = Path(__file__).resolve().parents[1]


def supabase_dir() -> Path:
    """The supabase folder of the working directory, or else of the checkout we run from."""
    for root in (Path.cwd(), ROOT):
        if (root / "supabase" / "migrations").is_dir():
            return root / "supabase"
    raise click.ClickException("there is no supabase/migrations here: run this in the checkout")


def fill(database_url: str, tell: Callable[[str], None] = lambda _: None) -> None:
    """Apply the migrations that are not yet applied, and the seed. Raises MigrationError."""
    for name in migrations.apply(database_url, supabase_dir()):
        tell(f"applied {name}")
    migrations.seed(database_url, supabase_dir())
    tell("seeded")


@contextmanager
def running_platform(
    folder: Path, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Platform]:
    """A filled local platform in this folder, stopped at the end."""
    started = platform.start(folder)
    try:
        fill(started.database_url, tell)
        yield started
    finally:
        platform.stop(folder)
