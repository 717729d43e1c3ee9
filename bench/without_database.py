"""The same service with only the database call left out: what is the rest of it able to do?"""

from __future__ import annotations

import dataclasses
from typing import Any, LiteralString

import click
from starlette.applications import Starlette

from thetis import logs, server, wiring
from thetis.app import create_app
from thetis.database import Database
from thetis.settings import ServiceSettings, load
from thetis.transports import Row
from thetis.webhooks import WebhookRecorder


class Nowhere:
    """A transport that answers at once, as if everything had been recorded."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        if function != "record_orders":
            return []
        return [
            {
                "ordinal": place,
                "shopify_order_id": order["id"],
                "outcome": "unchanged",
                "reason": None,
            }
            for place, order in enumerate(arguments["orders"], start=1)
        ]


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    chosen = load(ServiceSettings)
    logs.configure(chosen.log_level, chosen.log_format)

    def app() -> Starlette:
        database = Database(Nowhere(), timeout=chosen.database_timeout_seconds)
        recorder = WebhookRecorder(database)
        parts = wiring.parts(chosen)
        return create_app(dataclasses.replace(parts, recorder=recorder))

    server.run(app, server.listen("127.0.0.1", port))


if __name__ == "__main__":
    main()
