"""What the database knows of how it was set up, and when Shopify was heard from: one method for
each SQL function, and no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from thetis.answers import document, read
from thetis.calls import CALLS
from thetis.database import Database
from thetis.transports import Row


@dataclass(frozen=True, kw_only=True)
class Heard:
    """When a webhook of a topic last came, and one of its ids."""

    received_at: datetime
    webhook_id: str | None


@dataclass(frozen=True, kw_only=True)
class InstallationStatus:
    """How a database was set up.

    `migrations`  the versions that are applied; None where no list of them is kept
    `open_…`      what the key of browsers can reach, and must not
    `webhooks`    when Shopify was heard from, by topic
    `identity`    the same over every way that leads to the same database
    """

    role: str
    migrations: Sequence[str] | None
    open_functions: Sequence[str]
    open_tables: Sequence[str]
    is_linking: bool
    webhooks: Mapping[str, Heard]
    time: datetime
    identity: str


class Installation:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_installation(self) -> InstallationStatus:
        rows = await self._database.call("check_installation", functions=list(CALLS))
        return read(rows, _status)

    async def note_webhook(self, topic: str, webhook_id: str | None) -> None:
        """An authentic webhook of this topic has come just now."""
        await self._database.call("note_webhook", topic=topic, webhook_id=webhook_id)


def _status(rows: list[Row]) -> InstallationStatus:
    told: dict[str, Any] = document(rows, function="check_installation")
    return InstallationStatus(
        **{
            **told,
            "time": datetime.fromisoformat(told["time"]),
            "webhooks": {
                topic: Heard(
                    received_at=datetime.fromisoformat(noted["received_at"]),
                    webhook_id=noted["webhook_id"],
                )
                for topic, noted in told["webhooks"].items()
            },
        }
    )
