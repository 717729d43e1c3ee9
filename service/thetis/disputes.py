"""What the service tells and asks of disputes: a method for each SQL function, and no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from thetis.answers import outcomes, read
from thetis.database import Database
from thetis.model import DisputeRule, Outcome


class Disputes:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_disputes(
        self, disputes: Sequence[dict[str, Any]], received_at: str | None = None
    ) -> list[Outcome]:
        """One outcome for each dispute, in their order; `received_at`, if that was not now."""
        rows = await self._database.call(
            "record_disputes", disputes=list(disputes), received_at=received_at
        )
        return read(rows, partial(outcomes, count=len(disputes)))

    async def honor_disputes(self, rule: DisputeRule, *, max_count: int) -> int:
        """In how many orders chargebacks end access now, or no longer do, because of this rule."""
        rows = await self._database.call(
            "honor_disputes", is_on=rule == "honor", max_count=max_count
        )
        return read(rows, lambda rows: int(rows[0]["honor_disputes"]))
