"""The two ways to call a function in the database, with one meaning.

A transport takes a function of schema public and its named arguments, commits, and returns rows
as dicts; a function that returns a single value gives one row with the function's name as key.
"""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import Any, LiteralString, Protocol

import httpx
import psycopg
from postgrest import AsyncPostgrestClient
from postgrest.exceptions import APIError
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic_core import to_json

from thetis.settings import DatabaseSettings

Row = dict[str, Any]


class DatabaseError(Exception):
    """The database did not do what was asked. `code` is a SQLSTATE or PostgREST's own code."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class DatabaseUnavailable(DatabaseError):
    """Nothing is wrong with the request: it may well succeed later."""


class _ConnectionLost(DatabaseError):
    """Nobody knows whether the call was carried out."""


class DatabaseRefused(DatabaseError):
    """The request itself is at fault, and would be refused again."""


# Classes of SQLSTATE that blame the data (22, 23) or are our own refusals (TH). All others,
# missing privileges or functions among them, are a matter of deployment or load.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_REFUSALS = ("22", "23", "TH")


def _error(message: str, code: str | None) -> DatabaseError:
    kind = DatabaseRefused if (code or "").startswith(_REFUSALS) else DatabaseUnavailable
    return kind(message, code)


class Transport(Protocol):
    async def open(self) -> None: ...

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        """Raises DatabaseUnavailable or DatabaseRefused."""
        ...

    async def close(self) -> None: ...


class PostgresTransport:
    """Directly, or through a pooler: no prepared statements, which a transaction pooler lacks."""

    def __init__(self, url: str, *, timeout: float, max_connections: int = 10) -> None:
        self._pool = AsyncConnectionPool(
            url,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "row_factory": dict_row,
                "connect_timeout": ceil(timeout),
            },
            connection_class=psycopg.AsyncConnection[Row],
            min_size=1,
            max_size=max_connections,
            timeout=timeout,
            # Its pauses between attempts double until then: by default, after an outage of two
            # minutes it would not notice for another that the server is back.
            reconnect_timeout=timeout,
            open=False,
        )

    async def open(self) -> None:
        await self._pool.open()

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        query = _query(function, tuple(arguments))
        try:
            return await self._run(query, _adapted(arguments))
        except _ConnectionLost:
            # A restart of the server leaves dead connections in the pool. Any of our functions may
            # be called again, so this costs nobody a refused webhook, nor each call a check. All
            # go: to ask each whether it lives would take for ever with those that hang.
            await self._pool.drain()
        try:
            return await self._run(query, _adapted(arguments))
        except _ConnectionLost as error:
            raise DatabaseUnavailable("the connection was lost", error.code) from error

    async def _run(self, query: bytes, arguments: dict[str, Any]) -> list[Row]:
        try:
            async with self._pool.connection() as connection:
                try:
                    cursor = await connection.execute(query, arguments)
                    return await cursor.fetchall()
                except psycopg.OperationalError as error:
                    if connection.broken:
                        raise _ConnectionLost(str(error), error.sqlstate) from error
                    raise
        except PoolTimeout as error:
            raise DatabaseUnavailable("no connection") from error
        except psycopg.Error as error:
            message = error.diag.message_primary or type(error).__name__
            raise _error(message, error.sqlstate) from error

    async def close(self) -> None:
        await self._pool.close()


@cache
def _query(function: LiteralString, names: tuple[str, ...]) -> bytes:
    named = (
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names
    )
    query = sql.SQL("select * from public.{}({})")
    return query.format(sql.Identifier(function), sql.SQL(", ").join(named)).as_bytes()


# Tried, for eight orders: json.dumps 84 µs, pydantic's serializer, which we have anyway, 33 µs.
def _adapted(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        name: Jsonb(value, dumps=to_json) if isinstance(value, list | dict) else value
        for name, value in arguments.items()
    }


class SupabaseTransport:
    """Through the project's API: no database port is needed.

    An `sb_secret_...` key is not a JWT and belongs in `apikey` alone; the legacy service_role key
    is one and goes into both headers.
    https://supabase.com/docs/guides/getting-started/migrating-to-new-api-keys
    """

    def __init__(self, url: str, secret_key: str, *, timeout: float) -> None:
        headers = {"apikey": secret_key}
        if not secret_key.startswith("sb_"):
            headers["Authorization"] = f"Bearer {secret_key}"
        self._client = AsyncPostgrestClient(
            f"{url}/rest/v1",
            headers=headers,
            http_client=httpx.AsyncClient(timeout=timeout),
            retry_enabled=False,
        )

    async def open(self) -> None:
        """Nothing to open: connections are made as they are needed."""

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        try:
            response = await self._client.rpc(function, arguments).execute()
        except APIError as error:
            raise _error(error.message or "no message", error.code) from error
        except httpx.HTTPError as error:
            raise DatabaseUnavailable(type(error).__name__) from error
        data: Any = response.data
        if isinstance(data, str):  # what the client makes of an answer that is not JSON
            raise DatabaseUnavailable("an answer that PostgREST does not give")
        if isinstance(data, list):
            return data
        return [{function: data}]

    async def close(self) -> None:
        await self._client.aclose()


def transport(settings: DatabaseSettings) -> Transport:
    """The way to the database that the settings describe."""
    timeout = settings.database_timeout_seconds
    if settings.database_url is not None:
        return PostgresTransport(settings.database_url.get_secret_value(), timeout=timeout)
    assert settings.supabase_url and settings.supabase_secret_key
    return SupabaseTransport(
        settings.supabase_url, settings.supabase_secret_key.get_secret_value(), timeout=timeout
    )
