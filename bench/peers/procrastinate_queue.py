"""Posts to Knock as jobs of procrastinate: `add N` queues so many, `work` does them."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any

import procrastinate
from knockapi import AsyncKnock

CONCURRENCY = 10

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=os.environ["DATABASE_URL"], max_size=CONCURRENCY
    )
)


def task(client: AsyncKnock | None = None) -> Any:
    """The job, done with Knock's own client, as our worker does it."""

    async def post(number: int, recipient: Any, data: dict[str, Any]) -> None:
        assert client is not None
        run = await client.workflows.trigger(
            "post-purchase",
            recipients=[recipient],
            data=data,
            cancellation_key=str(number),
            idempotency_key=f"job-{number}",
        )
        assert run.workflow_run_id

    return app.task(name="post")(post)


async def add(count: int) -> None:
    async with app.open_async():
        if not await app.check_connection_async():  # its tables are not there yet
            await app.schema_manager.apply_schema_async()
        await task().batch_defer_async(*map(_arguments, range(1, count + 1)))


def _arguments(number: int) -> dict[str, Any]:
    email = f"customer-{number}@example.com"
    return {
        "number": number,
        "recipient": {"id": email, "email": email},
        "data": {
            "order_number": str(number),
            "products_ordered": ["splint"],
            "categories_ordered": ["device"],
        },
    }


async def work() -> None:
    url = os.environ["KNOCK_BASE_URL"]
    async with AsyncKnock(api_key="a-key", base_url=url, max_retries=0) as client:
        task(client)
        async with app.open_async():
            await app.run_worker_async(concurrency=CONCURRENCY)


if __name__ == "__main__":
    logging.basicConfig()
    logging.getLogger("procrastinate").setLevel(logging.INFO)
    asyncio.run(add(int(sys.argv[2])) if sys.argv[1] == "add" else work())
