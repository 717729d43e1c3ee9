"""What the commands share: settings or a plain message, and a question to the database."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from thetis import logs, wiring
from thetis.cli import reachability, shopify_session
from thetis.database import Database
from thetis.errors import DatabaseError, SettingsError, ShopifyError
from thetis.settings import DatabaseSettings, SettingsType, load

Answer = TypeVar("Answer")
Chosen = TypeVar("Chosen", bound=DatabaseSettings)


def ask(question: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """The answer of the database that the settings describe, or one line that says why not."""
    return ask_with(DatabaseSettings, lambda database, _: question(database))


def ask_with(
    kind: type[Chosen], question: Callable[[Database, Chosen], Awaitable[Answer]]
) -> Answer:
    """The same, for a question that needs more settings than those of the database."""
    chosen = load_or_exit(kind)
    logs.configure(chosen.log_level, chosen.log_format)
    # The pool logs each attempt to connect in libpq's words; the line below says it in ours.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_with_database(chosen, lambda database: question(database, chosen)))
    except DatabaseError as error:
        raise click.ClickException(reachability.in_plain_words(error, chosen)) from None
    except ShopifyError as error:
        raise click.ClickException(shopify_session.in_plain_words(error)) from None


async def _with_database(
    chosen: DatabaseSettings, question: Callable[[Database], Awaitable[Answer]]
) -> Answer:
    await reachability.check(chosen)
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
