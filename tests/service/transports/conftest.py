"""Both ways to the database: every test here that asks for `way` runs over each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from tests.support.database import Database
from thetis import transports, wiring
from thetis.database import Database as Client
from thetis.settings import DatabaseSettings, load
from thetis.transports import Transport

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class TransportCase:
    """A way to the test's database."""

    name: str
    settings: dict[str, str]

    def client(self, **changes: Any) -> Client:
        """To be made where an event loop runs."""
        return wiring.database(self._load(**changes))

    def transport(self) -> Transport:
        """To be made where an event loop runs."""
        return transports.transport(self._load())

    def _load(self, **changes: Any) -> DatabaseSettings:
        alone = {"database_url": None, "supabase_url": None, "supabase_secret_key": None}
        return load(DatabaseSettings, **{**alone, **self.settings, **changes})

    def ask(self, question: Callable[[Client], Awaitable[Answer]], **changes: Any) -> Answer:
        """The answer to what an open client is asked."""

        async def asked() -> Answer:
            client = self.client(**changes)
            await client.open()
            try:
                return await question(client)
            finally:
                await client.close()

        return asyncio.run(asked())


@pytest.fixture(params=["postgres", "supabase"])
def way(request: pytest.FixtureRequest, database: Database) -> TransportCase:
    if request.param == "postgres":
        return TransportCase(name="postgres", settings={"database_url": database.url})
    api = request.getfixturevalue("supabase_api")
    settings = {"supabase_url": api.url, "supabase_secret_key": api.secret_key}
    return TransportCase(name="supabase", settings=settings)
