"""What a worker does from time to time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from thetis.database import Database
from thetis.errors import DatabaseUnavailable
from thetis.housekeeping import BATCH, Housekeeping
from thetis.model import DisputeRule
from thetis.transports import Row


class Transport:
    """Answers each call with what is next, or raises it, and then with nothing left to do; once all
    was answered, it says stop.
    """

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.said: dict[str, list[dict[str, Any]]] = {}
        self.housekeeping: Housekeeping

    async def call(self, function: str, arguments: dict[str, Any]) -> list[Row]:
        self.asked.append(function)
        self.said.setdefault(function, []).append(arguments)
        waiting = self.answers.get(function, [])
        nothing = {"expire_purchases": 0, "honor_disputes": 0, "prune": pruned()}
        answer = waiting.pop(0) if waiting else nothing[function]
        if not any(self.answers.values()):
            self.housekeeping.stop()
        if isinstance(answer, Exception):
            raise answer
        return [{function: answer}]

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""


def work(transport: Transport, *, day: float = 0.0, disputes: DisputeRule = "honor") -> list[Any]:
    """Until there are no answers left; what was logged."""

    async def until_stopped() -> None:
        database = Database(transport, timeout=1)
        transport.housekeeping = Housekeeping(database, disputes=disputes, minute=0.0, day=day)
        async with asyncio.timeout(10):
            await transport.housekeeping.run()

    with capture_logs() as logs:
        asyncio.run(until_stopped())
    return logs


def pruned(**counts: int) -> dict[str, int]:
    return {"messages": 0, "untracked_sales": 0, **counts}


def test_what_is_over_is_said_to_be_until_nothing_is_left() -> None:
    transport = Transport(expire_purchases=[BATCH, BATCH, 3], prune=[])

    work(transport, day=3600)

    assert transport.asked.count("expire_purchases") >= 3


@pytest.mark.parametrize(("rule", "is_on"), [("honor", True), ("ignore", False)])
def test_chargebacks_are_made_to_count_as_the_setting_says(
    *, rule: DisputeRule, is_on: bool
) -> None:
    transport = Transport(honor_disputes=[BATCH, 2, 0])

    logs = work(transport, day=3600, disputes=rule)

    assert {each["is_on"] for each in transport.said["honor_disputes"]} == {is_on}
    assert [each for each in logs if "rule" in each] == [
        {
            "event": "housekeeping.dispute_rule_applied",
            "log_level": "info",
            "rule": rule,
            "orders": orders,
        }
        for orders in (BATCH, 2)
    ]


def test_what_is_old_is_dropped_until_nothing_is_left() -> None:
    answers = [pruned(messages=BATCH), pruned(untracked_sales=BATCH), pruned(messages=1)]
    transport = Transport(expire_purchases=[0], prune=answers)

    logs = work(transport)

    assert transport.asked.count("prune") == 3
    assert [each["event"] for each in logs] == ["housekeeping.pruned"] * 3


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (DatabaseUnavailable("gone"), "housekeeping.database_failed"),
        (ValueError("ours"), "housekeeping.failed"),
    ],
)
def test_a_failure_is_logged_and_it_goes_on(error: Exception, event: str) -> None:
    transport = Transport(
        expire_purchases=[error, 0], honor_disputes=[error, 0], prune=[error, pruned()]
    )

    logs = work(transport)

    failures = [each for each in logs if each["event"] == event]
    assert {each["task"] for each in failures} == {"expire", "disputes", "prune"}
    assert min(transport.asked.count(name) for name in transport.answers) >= 2


def test_told_to_stop_it_does_not_wait_for_the_next_round() -> None:
    async def stop_at_once() -> None:
        housekeeping = Housekeeping(Database(Transport(), timeout=1))
        running = asyncio.create_task(housekeeping.run())
        await asyncio.sleep(0)
        housekeeping.stop()
        async with asyncio.timeout(5):
            await running

    asyncio.run(stop_at_once())
