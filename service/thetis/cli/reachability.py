"""Why the database does not do what a command asked, in words for the person who typed it."""

from __future__ import annotations

import math
import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from thetis.errors import DatabaseError, DatabaseUnavailable
from thetis.settings import DatabaseSettings

_ADVICE = {
    "42501": "does not allow this: use the database's owner, or the project's secret key",
    "42883": "lacks a function of this release: apply the migrations",
    "PGRST202": "lacks a function of this release: apply the migrations",
}


async def check(settings: DatabaseSettings) -> None:
    """Connect once. The pool would try until the deadline, and never say what is wrong."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        await connect(url, settings.database_timeout_seconds)


async def connect(url: str, seconds: float) -> None:
    """And hang up. Raises DatabaseUnavailable with a reason for people."""
    patience = math.ceil(seconds)
    try:
        await (await psycopg.AsyncConnection.connect(url, connect_timeout=patience)).close()
    except psycopg.Error as error:
        raise DatabaseUnavailable(_reason(error)) from None


def _reason(error: psycopg.Error) -> str:
    """Libpq gives no code, only lines such as `connection to … failed: FATAL:  no such role`."""
    words = str(error).rsplit(" failed: ", 1)[-1].splitlines()[0].removeprefix("FATAL:")
    return re.sub(r"\[Errno -?\d+\]", "", words).strip()


def in_plain_words(error: DatabaseError, settings: DatabaseSettings) -> str:
    code = error.code or ""
    if code.startswith("TH"):  # a function of ours wrote it for a person
        return str(error)
    if code.startswith(("22", "23")):
        return f"the database cannot store one of these values ({code})"
    where = f"the database at {_where(settings)}"
    return f"{where} {_ADVICE[code]}" if code in _ADVICE else f"{where} cannot be used: {error}"


def _where(settings: DatabaseSettings) -> str:
    if settings.database_url is None:
        return settings.supabase_url or ""
    return address(settings.database_url.get_secret_value())


def address(url: str) -> str:
    """Host and port of a Postgres URI."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}"
