"""A worker that dies, a database that goes away, a bug: nothing is lost, nothing is doubled."""

from __future__ import annotations

import socket
from typing import Any, LiteralString

import pytest

from tests.service.worker.conftest import Desk
from tests.support.proxy import Proxy
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order
from thetis.database import Notification
from thetis.providers import Sender
from thetis.transports import PostgresTransport, Row


def test_what_a_dead_dispatcher_held_goes_out_when_its_lease_has_ended(desk: Desk) -> None:
    desk.database.record_orders(order(1, SPLINT))
    [claimed] = desk.database.claim()

    with desk.working():
        desk.database.record_orders(order(2, SPLINT))
        desk.wait_for(2, "knock.trigger", "sent")
        assert desk.status(1, "knock.trigger") == "pending", "its lease has not ended"

        desk.database.execute(
            "update thetis.notifications set due_at = now() - interval '1 second',"
            " leased_until = now() - interval '1 second' where id = %s",
            claimed["id"],
        )
        desk.wait_for(1, "knock.trigger", "sent")

    assert desk.fake_providers.effects[-1].idempotency_key == str(claimed["id"])
    assert desk.message(1, "knock.trigger")["attempts"] == 2


def test_a_database_that_goes_away_and_comes_back_is_found_again(desk: Desk) -> None:
    address = str(desk.database.platform.socket_dir / ".s.PGSQL.5432")

    def connect() -> socket.socket:
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        unix.connect(address)
        return unix

    with Proxy(connect) as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{desk.database.name}?sslmode=disable"
        with desk.working(transport=PostgresTransport(url, timeout=0.5)):
            desk.database.record_orders(order(1, COURSE))
            desk.wait_for(1, "knock.trigger", "sent")
            proxy.vanish()
            desk.database.record_orders(order(2, COURSE))
            proxy.recover()
            desk.wait_for(2, "knock.trigger", "sent")
            desk.wait_for(2, "resend.course_access", "sent")
    assert len(desk.fake_providers.effects) == 4


class _Settling(PostgresTransport):
    """A database that cannot be told, for a while, what became of a message."""

    def __init__(self, url: str, error: Exception) -> None:
        super().__init__(url, timeout=2)
        self._error = error
        self.failed = 0

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        if function == "settle_notifications" and self.failed < 2:
            self.failed += 1
            raise self._error
        return await super().call(function, arguments)


def test_what_could_not_be_settled_is_sent_again_and_noticed_once(desk: Desk) -> None:
    desk.database.record_orders(order(1, COURSE))
    transport = _Settling(desk.database.url, ZeroDivisionError("a bug"))

    with desk.working(transport=transport):
        eventually(lambda: transport.failed == 2)
        assert desk.database.value(_PENDING) == 2
        desk.bring_forward()
        eventually(lambda: desk.database.value(_PENDING) == 0)

    assert len(desk.fake_providers.requests) == 4
    assert len(desk.fake_providers.effects) == 2


_PENDING = "select count(*) from thetis.notifications where status = 'pending'"


class _Clumsy:
    """A sender with a bug that shows for one order."""

    provider = "knock"

    def __init__(self, sender: Sender, error: Exception) -> None:
        self._sender = sender
        self._error = error

    async def send(self, notification: Notification) -> None:
        if notification.shopify_order_id == "3":
            raise self._error
        await self._sender.send(notification)

    async def close(self) -> None:
        await self._sender.close()


@pytest.mark.parametrize("error", [ZeroDivisionError("to ada@example.com"), KeyError("courses")])
def test_a_bug_in_a_sender_delays_its_message_and_no_other(
    desk: Desk, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.database.record_orders(*(order(number, COURSE) for number in range(1, 6)))
    senders: list[Sender] = desk.senders(timeout=10)
    senders[0] = _Clumsy(senders[0], error)

    with desk.working(senders=senders):
        eventually(lambda: len(desk.fake_providers.effects) == 9)
        row = desk.wait_for_attempt(3, "knock.trigger")

    assert row["status"] == "pending"
    assert row["last_error"] == f"internal: {type(error).__name__}"
    assert desk.database.value(_PENDING) == 1
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


def test_an_answer_of_another_release_does_not_end_the_dispatcher(desk: Desk) -> None:
    transport = _Unreadable(desk.database.url, timeout=2)

    with desk.working(transport=transport):
        eventually(lambda: transport.claims > 3)
        desk.database.record_orders(order(1, SPLINT))
        desk.wait_for(1, "knock.trigger", "sent")
