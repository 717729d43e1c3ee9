"""`--live`: one webhook, signed as Shopify signs, through the public address into the database.

It is about an order that nobody has: marked as a test, without a line and without a person. So it
grants nothing, sends nothing and is in no figure; what stays of it is an order without a line, and
when it came. By its webhook id, which nobody else knows, it is found again in the database that we
are connected to: if another one got it, this says so.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime

import httpx

from thetis.app import WEBHOOKS
from thetis.cli import shopify_payloads
from thetis.doctor.asking import ask, content, said
from thetis.doctor.checks import Check, Finding, failed, passed
from thetis.doctor.database import DatabasePart
from thetis.doctor.known import Known
from thetis.heartbeat import TEST_PREFIX, TEST_TOPIC

LOOKS = 20

PAUSE_SECONDS = 0.25

TOPIC = "orders/updated"


class LivePart:
    def __init__(self, known: Known, http: httpx.AsyncClient, database: DatabasePart) -> None:
        self._known = known
        self._http = http
        self._database = database

    def checks(self) -> tuple[Check, ...]:
        return (
            Check(
                id="live.webhook", part="Live", name="test webhook", run=self.webhook,
                settings=("public_url",), after=("addresses.secrets", "database.installation"),
                remedy="are the settings of the service those that are set here? See its log",
            ),
        )  # fmt: skip

    async def webhook(self) -> Finding:
        webhook_id = TEST_PREFIX + secrets.token_hex(16)
        body = shopify_payloads.encode(_order())
        secret = self._known.webhook_secrets()[0]
        headers = {
            **shopify_payloads.headers(TOPIC, body, secret),
            "X-Shopify-Webhook-Id": webhook_id,
        }
        url = self._known.text("public_url") + WEBHOOKS
        answer = await ask(self._http, "POST", url, content=body, headers=headers)
        if answer.status_code != 200:
            return failed(f"the service answers {said(answer)}")
        if (outcome := content(answer).get("outcome")) != "ignored":
            return failed(f"the service calls an order that nobody has {outcome}")
        for _ in range(LOOKS):
            if await self._is_there(webhook_id):
                return passed("went through the public address into this database")
            await asyncio.sleep(PAUSE_SECONDS)
        return failed(
            "the service took it, but it is not in this database",
            "the service is connected to another one: compare DATABASE_URL and SUPABASE_URL",
        )

    async def _is_there(self, webhook_id: str) -> bool:
        noted = (await self._database.ask()).webhooks.get(TEST_TOPIC)
        return noted is not None and noted.webhook_id == webhook_id

    async def close(self) -> None:
        """Nothing is kept open."""


def _order() -> shopify_payloads.Json:
    order = shopify_payloads.order(
        TOPIC,
        order_id=shopify_payloads.new_order_id(),
        email="",
        products=(),
        at=datetime.now(UTC),
        is_test=True,
    )
    return {**order, "contact_email": None, "customer": None, "email": ""}
