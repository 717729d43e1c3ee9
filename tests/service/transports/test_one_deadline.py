"""All that a webhook needs from the database gets the time of one call, and Shopify waits 5 s."""

from __future__ import annotations

import asyncio
import time
from typing import Any, LiteralString

import pytest

from thetis.database import Database
from thetis.errors import DatabaseUnavailable
from thetis.transports import Row
from thetis.webhooks import WebhookRecorder

TIMEOUT = 0.4


class _Slow:
    """Answers each call late, but within the time of one call."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.called: list[str] = []

    async def open(self) -> None:
        pass

    async def call(self, function: LiteralString, _: dict[str, Any]) -> list[Row]:
        self.called.append(function)
        await asyncio.sleep(self._seconds)
        return [{"store_rejected_webhook": 1}]

    async def close(self) -> None:
        pass


def _take(
    body: bytes, transport: _Slow, *, count: int = 1, timeout: float = TIMEOUT
) -> tuple[list[object], float]:
    """What each of several webhooks at once comes to, and the seconds until the last."""

    async def take() -> tuple[list[object], float]:
        recorder = WebhookRecorder(Database(transport, timeout=timeout))
        started = time.monotonic()
        webhooks = (recorder.record("orders/paid", None, body) for _ in range(count))
        results = await asyncio.gather(*webhooks, return_exceptions=True)
        return list(results), time.monotonic() - started

    return asyncio.run(take())


def test_a_call_that_takes_its_time_is_waited_for() -> None:
    [outcome], _ = _take(b"unusable", _Slow(0.75 * TIMEOUT))

    assert getattr(outcome, "outcome", None) == "rejected"


def test_two_calls_for_one_webhook_share_the_deadline() -> None:
    """The first call is refused late; to keep the body takes a second one."""
    transport = _Refusing(0.75 * TIMEOUT)

    [outcome], seconds = _take(b'{"id":1,"financial_status":null,"line_items":[]}', transport)

    assert isinstance(outcome, DatabaseUnavailable) and str(outcome) == "no answer within 0.4 s"
    assert transport.called == ["record_orders", "store_rejected_webhook"]
    assert seconds < 1.4 * TIMEOUT


class _Refusing(_Slow):
    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        rows = await super().call(function, arguments)
        if function == "record_orders":
            return [
                {"ordinal": 1, "shopify_order_id": "1", "outcome": "rejected", "reason": "late"}
            ]
        return rows


def test_a_webhook_that_waits_for_the_calls_of_others_waits_no_longer_than_one_call() -> None:
    """More than the batcher takes at once: the last ones wait for a call before their own."""
    timeout = 2.0  # beside which the work of 900 webhooks is little, also on a busy machine

    outcomes, seconds = _take(
        b'{"id":1,"financial_status":null,"line_items":[]}',
        _Slow(10 * timeout),
        count=900,
        timeout=timeout,
    )

    assert {type(each) for each in outcomes} == {DatabaseUnavailable}
    assert seconds < 2 * timeout


def test_a_deadline_also_ends_what_is_no_call() -> None:
    async def wait() -> None:
        async with Database(_Slow(0), timeout=TIMEOUT).deadline():
            await asyncio.sleep(60)

    with pytest.raises(DatabaseUnavailable, match="no answer within"):
        asyncio.run(wait())
