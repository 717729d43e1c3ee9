"""A worker at work on a real outbox, with fake providers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from devtools.fake_providers import FakeProviders, running
from tests.support.database import Database, Row
from tests.support.service import KNOCK_KEY, RESEND_KEY, eventually
from thetis.database import Database as Client
from thetis.emails import Brand
from thetis.metrics import Metrics
from thetis.providers import Sender
from thetis.providers.knock import KnockSender
from thetis.providers.resend import ResendSender
from thetis.supervision import Supervisor
from thetis.transports import PostgresTransport, Transport
from thetis.worker import Worker

LEASE = 60


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Where messages lie, and where they go."""

    database: Database
    fake_providers: FakeProviders
    providers: str

    def senders(self, timeout: float) -> list[Sender]:
        knock = KnockSender(api_key=KNOCK_KEY, base_url=self.providers, timeout=timeout)
        resend = ResendSender(
            api_key=RESEND_KEY,
            base_url=self.providers,
            email_from="Courses <courses@example.com>",
            course_app_url="https://learn.example.com",
            brand=Brand(shop_name="The shop", support_email="help@example.com"),
            timeout=timeout,
        )
        return [knock, resend]

    @contextmanager
    def working(
        self,
        *,
        timeout: float = 10.0,
        poll_seconds: float = 0.02,
        senders: Sequence[Sender] | None = None,
        transport: Transport | None = None,
    ) -> Iterator[None]:
        """A worker in a thread; at the end it is asked to stop, and has stopped."""
        ready = threading.Event()
        handle: dict[str, Any] = {}

        async def work() -> None:
            client = Client(transport or PostgresTransport(self.database.url, timeout=2), timeout=2)
            worker = Worker(
                client,
                self.senders(timeout) if senders is None else senders,
                Metrics(),
                lease_seconds=LEASE,
                poll_seconds=poll_seconds,
                concurrency=10,
            )
            supervisor = Supervisor(worker)
            handle.update(loop=asyncio.get_running_loop(), supervisor=supervisor)
            await client.open()
            ready.set()
            await supervisor.run()
            await worker.close()
            await client.close()

        thread = threading.Thread(target=asyncio.run, args=(work(),), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            yield
        finally:
            handle["loop"].call_soon_threadsafe(handle["supervisor"].stop)
            thread.join(30)
            assert not thread.is_alive(), "it does not stop"

    def message(self, order_id: int, kind: str) -> Row:
        return self.database.notifications(order_id)[kind]

    def status(self, order_id: int, kind: str) -> str:
        return str(self.message(order_id, kind)["status"])

    def counted(self, status: str) -> int:
        query = "select count(*) from thetis.notifications where status = %s"
        return int(self.database.value(query, status))

    def wait_for(self, order_id: int, kind: str, status: str) -> None:
        eventually(lambda: self.status(order_id, kind) == status)

    def wait_for_attempt(self, order_id: int, kind: str, attempt: int = 1) -> Row:
        """Wait until that attempt has failed, or come to nothing."""

        def failed() -> bool:
            row = self.message(order_id, kind)
            return bool(row["attempts"] == attempt and row["leased_until"] is None)

        eventually(failed)
        return self.message(order_id, kind)

    def bring_forward(self) -> None:
        """Let the time come for all that waits."""
        self.database.execute(
            "update thetis.notifications set due_at = now(), leased_until = null"
            " where status = 'pending'"
        )

    def seconds_to_wait(self, row: Row) -> float:
        return float(
            self.database.value("select extract(epoch from %s - now())::float", row["due_at"])
        )


@pytest.fixture
def outbox(database: Database) -> Iterator[Outbox]:
    fake_providers = FakeProviders()
    with running(fake_providers) as providers:
        yield Outbox(database=database, fake_providers=fake_providers, providers=providers)
