"""What the commands share: settings or a plain message, and a question to the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from thetis import logs, wiring
from thetis.database import Database
from thetis.settings import DatabaseSettings, SettingsError, SettingsType, load
from thetis.transports import DatabaseError

Answer = TypeVar("Answer")


def ask(question: Callable[[Database], Awaitable[Answer]]) -> Answer:
    chosen = load_or_exit(DatabaseSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    try:
        return asyncio.run(_with_database(chosen, question))
    except DatabaseError as error:
        raise click.ClickException(f"the database says: {error}") from None


async def _with_database(
    chosen: DatabaseSettings, question: Callable[[Database], Awaitable[Answer]]
) -> Answer:
    database = wiring.database(chosen)
    await database.open()
    try:
        return await question(database)
    finally:
        await database.close()


def load_or_exit(kind: type[SettingsType]) -> SettingsType:
    try:
        return load(kind)
    except SettingsError as error:
        click.echo(f"thetis: {error}", err=True)
        sys.exit(2)
