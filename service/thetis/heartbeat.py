"""Notes in the database when Shopify was last heard from, so that silence can be told from quiet.

Once a minute for each topic: what is noted for each webhook would be one row that all of them wait
for. It is noted beside the answer, which does not wait for it, and a note that fails is made anew
with a webhook some seconds later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from thetis.database import Database
from thetis.errors import DatabaseError
from thetis.installation import Installation

SECONDS = 60.0

RETRY_SECONDS = 5.0

TEST_PREFIX = "thetis-doctor-"
"""How the webhook ids of test webhooks begin. Each is noted, as a topic of its own."""

TEST_TOPIC = "test"


class Heartbeat:
    """Of one process."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._installation = Installation(database)
        self._clock = clock
        self._next: dict[str, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def heard(self, topic: str, webhook_id: str | None) -> None:
        """An authentic webhook of a topic that we know was handled just now."""
        is_test = (webhook_id or "").startswith(TEST_PREFIX)
        topic, now = TEST_TOPIC if is_test else topic, self._clock()
        if is_test or now >= self._next.get(topic, now):
            self._next[topic] = now + SECONDS
            note = asyncio.create_task(self._note(topic, webhook_id))
            self._notes.add(note)  # else nothing would hold it
            note.add_done_callback(self._notes.discard)

    async def _note(self, topic: str, webhook_id: str | None) -> None:
        try:
            await self._installation.note_webhook(topic, webhook_id)
        except DatabaseError:
            self._next[topic] = self._clock() + RETRY_SECONDS

    async def close(self) -> None:
        """Let what is under way end: the database is closed after this."""
        await asyncio.gather(*self._notes)
