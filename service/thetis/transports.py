"""The two ways to call a function in the database, with one meaning.

A transport takes a function of schema public and its named arguments, commits, and returns rows
as dicts. A function that returns a single value gives one row with the function's name as key, and
one that returns nothing (void) gives no row.

A transport sets no limit to how long a call takes: thetis.database does, and cancels it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, LiteralString, Protocol

import httpx
import psycopg
from postgrest import AsyncPostgrestClient
from postgrest.exceptions import APIError
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic_core import to_json

from thetis.errors import DatabaseError, DatabaseRefused, DatabaseUnavailable
from thetis.settings import DatabaseSettings

Row = dict[str, Any]


class Transport(Protocol):
    async def open(self) -> None: ...

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        """Raises DatabaseUnavailable or DatabaseRefused."""
        ...

    async def close(self) -> None: ...


class _ConnectionLost(DatabaseError):
    """Nobody knows whether the call was carried out."""


# Classes of SQLSTATE that blame the data (22, 23) or are our own refusals (TH). All others,
# missing privileges or functions among them, are a matter of deployment or load.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_REFUSALS = ("22", "23", "TH")


def _error(message: str, code: str | None) -> DatabaseError:
    kind = DatabaseRefused if (code or "").startswith(_REFUSALS) else DatabaseUnavailable
    return kind(message, code)


class PostgresTransport:
    """Directly, or through a pooler: no prepared statements, which a transaction pooler lacks.

    `timeout` is how many seconds one attempt to connect may take. The pool connects in the
    background, where no caller's deadline ends it.
    """

    def __init__(self, url: str, *, timeout: float, max_connections: int = 10) -> None:
        self._pool = AsyncConnectionPool(
            url,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "row_factory": dict_row,
                "connect_timeout": math.ceil(timeout),
            },
            connection_class=psycopg.AsyncConnection[Row],
            min_size=1,
            max_size=max_connections,
            timeout=math.inf,
            # The pool doubles its pauses between attempts until this long after the first. With the
            # default of five minutes, the service would notice the end of a two-minute outage two
            # minutes late.
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
            # A restart of the server leaves dead connections in the pool. Every function of ours
            # may be called twice, so we call again, instead of testing a connection before each
            # call. The pool drops all its connections: to test each would take too long with those
            # that hang.
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
                    return [] if _is_void(cursor) else await cursor.fetchall()
                except psycopg.OperationalError as error:
                    if connection.broken:
                        raise _ConnectionLost(str(error), error.sqlstate) from error
                    raise
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


def _adapted(arguments: dict[str, Any]) -> dict[str, Any]:
    """Lists and dicts as jsonb.

    Pydantic's serializer, which we have anyway, takes 33 µs for eight orders; json.dumps takes 84.
    """
    return {
        name: Jsonb(value, dumps=to_json) if isinstance(value, list | dict) else value
        for name, value in arguments.items()
    }


_VOID = 2278
"""The OID of Postgres's type void."""


def _is_void(cursor: psycopg.AsyncCursor[Row]) -> bool:
    return cursor.description is not None and cursor.description[0].type_code == _VOID


class SupabaseTransport:
    """Through the project's API: no database port is needed.

    An `sb_secret_...` key is not a JWT and belongs in `apikey` alone; the legacy service_role key
    is one and goes into both headers.
    https://supabase.com/docs/guides/getting-started/migrating-to-new-api-keys
    """

    def __init__(self, url: str, secret_key: str) -> None:
        headers = {"apikey": secret_key}
        if not secret_key.startswith("sb_"):
            headers["Authorization"] = f"Bearer {secret_key}"
        self._client = AsyncPostgrestClient(
            f"{url}/rest/v1",
            headers=headers,
            http_client=httpx.AsyncClient(timeout=None, event_hooks={"response": [_must_be_json]}),  # noqa: S113
            retry_enabled=False,
        )

    async def open(self) -> None:
        """Nothing to open: connections are made as they are needed."""

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        try:
            response = await self._client.rpc(function, arguments).execute()
        except APIError as error:
            raise _error(error.message or "no message", error.code) from error
        except httpx.ConnectError as error:
            raise DatabaseUnavailable("no connection") from error
        except httpx.HTTPError as error:
            raise DatabaseUnavailable(f"no answer ({type(error).__name__})") from error
        data: Any = response.data
        return data if isinstance(data, list) else [{function: data}]

    async def close(self) -> None:
        await self._client.aclose()


async def _must_be_json(response: httpx.Response) -> None:
    """Raise DatabaseUnavailable for a body that PostgREST does not send.

    The client gives such a body to us as a string, like that of a function that returns text. Only
    here can the two be told apart.
    """
    await response.aread()
    if not response.content and response.is_success:
        return  # of a function that returns void
    try:
        response.json()
    except ValueError:
        words = f"{response.url.host} answered {response.status_code}, and not with JSON"
        raise DatabaseUnavailable(words, str(response.status_code)) from None


def transport(settings: DatabaseSettings) -> Transport:
    """The way to the database that the settings describe."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        return PostgresTransport(url, timeout=settings.database_timeout_seconds)
    assert settings.supabase_url and settings.supabase_secret_key
    return SupabaseTransport(settings.supabase_url, settings.supabase_secret_key.get_secret_value())
