from __future__ import annotations

import asyncio

from tests.support.database import Database
from tests.support.shopify import COURSE, order
from thetis.batching import Batcher
from thetis.database import Database as Client
from thetis.errors import DatabaseRefused
from thetis.transports import PostgresTransport


def test_of_fifty_orders_that_share_a_call_only_the_one_that_postgres_refuses_fails(
    database: Database,
) -> None:
    """The service never lets such an order through; this is what stands behind it."""
    orders = [order(number, COURSE) for number in range(1, 51)]
    orders[20] = order(21, COURSE, financial_status="paid\x00")

    async def all_at_once() -> list[object]:
        client = Client(PostgresTransport(database.url, timeout=4), timeout=4)
        await client.open()
        batcher = Batcher(client.record_orders)
        try:
            return await asyncio.gather(
                *(batcher.submit(each) for each in orders), return_exceptions=True
            )
        finally:
            await client.close()

    outcomes = asyncio.run(all_at_once())

    refused = outcomes.pop(20)
    assert isinstance(refused, DatabaseRefused) and refused.code == "22P05"
    assert {getattr(each, "outcome", each) for each in outcomes} == {"recorded"}
    assert len(database.purchases()) == 49
