"""A worker that dies, a database that goes away, a bug: nothing is lost, nothing is doubled."""

from __future__ import annotations

import socket
from typing import Any, LiteralString

import pytest

from tests.service.worker.conftest import Outbox
from tests.support.proxy import Proxy
from tests.support.service import KNOCK_KEY, eventually
from tests.support.shopify import COURSE, SPLINT, order
from thetis.model import Notification
from thetis.providers.knock import KnockSender
from thetis.transports import PostgresTransport, Row


def test_what_a_dead_worker_held_goes_out_when_its_lease_has_ended(outbox: Outbox) -> None:
    outbox.database.record_orders(order(1, SPLINT))
    [claimed] = outbox.database.claim("knock")

    with outbox.working():
        outbox.database.record_orders(order(2, SPLINT))
        outbox.wait_for(2, "post_purchase", "sent")
        assert outbox.status(1, "post_purchase") == "pending", "its lease has not ended"

        outbox.database.execute(
            "update thetis.notifications set due_at = now() - interval '1 second',"
            " leased_until = now() - interval '1 second' where id = %s",
            claimed["id"],
        )
        outbox.wait_for(1, "post_purchase", "sent")

    assert outbox.fake_providers.effects[-1].idempotency_key == str(claimed["id"])
    assert outbox.message(1, "post_purchase")["attempts"] == 2


def test_a_database_that_goes_away_and_comes_back_is_found_again(outbox: Outbox) -> None:
    address = str(outbox.database.platform.socket_dir / ".s.PGSQL.5432")

    def connect() -> socket.socket:
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        unix.connect(address)
        return unix

    with Proxy(connect) as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{outbox.database.name}?sslmode=disable"
        with outbox.working(transport=PostgresTransport(url, timeout=0.5)):
            outbox.database.record_orders(order(1, COURSE))
            outbox.wait_for(1, "post_purchase", "sent")
            proxy.vanish()
            outbox.database.record_orders(order(2, COURSE))
            proxy.recover()
            outbox.wait_for(2, "post_purchase", "sent")
            outbox.wait_for(2, "course_access", "sent")
    assert len(outbox.fake_providers.effects) == 4


class _Settling(PostgresTransport):
    """A database that cannot be told, for a while, what became of a message."""

    def __init__(self, url: str, error: Exception) -> None:
        super().__init__(url, timeout=2)
        self._error = error
        self.failed = 0

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        if function == "settle_notifications" and self.failed < 2:
            self.failed += len(arguments["results"])
            raise self._error
        return await super().call(function, arguments)


def test_what_could_not_be_settled_is_sent_again_and_noticed_once(outbox: Outbox) -> None:
    outbox.database.record_orders(order(1, COURSE))
    transport = _Settling(outbox.database.url, ZeroDivisionError("a bug"))

    with outbox.working(transport=transport):
        eventually(lambda: transport.failed == 2)
        assert outbox.database.value(_PENDING) == 2
        outbox.bring_forward()
        eventually(lambda: outbox.database.value(_PENDING) == 0)

    assert len(outbox.fake_providers.requests) == 4
    assert len(outbox.fake_providers.effects) == 2


_PENDING = "select count(*) from thetis.notifications where status = 'pending'"


class _WithBug(KnockSender):
    """It shows for one order."""

    def __init__(self, base_url: str, error: Exception) -> None:
        super().__init__(api_key=KNOCK_KEY, base_url=base_url, timeout=10)
        self._error = error

    async def send(self, notification: Notification) -> None:
        if notification.shopify_order_id == "3":
            raise self._error
        await super().send(notification)


@pytest.mark.parametrize("error", [ZeroDivisionError("to ada@example.com"), KeyError("courses")])
def test_a_bug_in_a_sender_delays_its_message_and_no_other(
    outbox: Outbox, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox.database.record_orders(*(order(number, COURSE) for number in range(1, 6)))
    _, resend = outbox.senders(timeout=10)
    senders = [_WithBug(outbox.providers, error), resend]

    with outbox.working(senders=senders):
        eventually(lambda: len(outbox.fake_providers.effects) == 9)
        row = outbox.wait_for_attempt(3, "post_purchase")

    assert row["status"] == "pending"
    assert row["last_error"] == f"internal: {type(error).__name__}"
    assert outbox.database.value(_PENDING) == 1
    told = "".join(capsys.readouterr())
    assert "test_faults_of_our_own.py" in told, "where it happened"
    assert "ada@example.com" not in told


class _Unreadable(PostgresTransport):
    """A database of another release, until the first three claims are over."""

    claims = 0

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        rows = await super().call(function, arguments)
        if function == "claim_notifications":
            self.claims += 1
            if self.claims <= 3:
                return [{**row, "a_new_column": 1} for row in rows] or [{}]
        return rows


def test_an_answer_of_another_release_does_not_end_the_worker(outbox: Outbox) -> None:
    transport = _Unreadable(outbox.database.url, timeout=2)

    with outbox.working(transport=transport):
        eventually(lambda: transport.claims > 3)
        outbox.database.record_orders(order(1, SPLINT))
        outbox.wait_for(1, "post_purchase", "sent")
