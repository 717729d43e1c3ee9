"""From the body of an authentic webhook to an outcome: translate, record, keep what is unusable."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from thetis.batching import Batcher
from thetis.database import Database
from thetis.disputes import Disputes
from thetis.errors import DatabaseRefused, UnusablePayload
from thetis.heartbeat import Heartbeat
from thetis.model import Outcome, WebhookOutcome
from thetis.shopify import (
    TOPICS,
    translate_dispute,
    translate_order,
    translate_privacy_request,
    translate_refund,
)

_TOPIC = re.compile(r"[a-z_]{1,50}/[a-z_]{1,50}")
_WEBHOOK_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

log = structlog.get_logger()


class WebhookRecorder:
    """Records webhooks. Concurrent ones of a kind share a call to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heartbeat = Heartbeat(database)
        self._orders: Batcher[dict[str, Any], Outcome] = Batcher(database.record_orders)
        self._refunds: Batcher[dict[str, Any], Outcome] = Batcher(database.record_refunds)
        self._record_disputes = Disputes(database).record_disputes
        self._disputes: Batcher[dict[str, Any], Outcome] = Batcher(self._record_disputes)

    async def record(
        self, topic: str, webhook_id: str | None, body: bytes, received_at: str | None = None
    ) -> Outcome:
        """recorded, unchanged, ignored or rejected: true once this returns, for it is committed.

        `received_at`: when a webhook that is replayed came.

        Raises DatabaseUnavailable, within the database's deadline; nothing is lost if the webhook
        is then sent again.
        """
        # Headers are not signed: what does not look like Shopify's is neither logged nor kept.
        webhook_id = webhook_id if _WEBHOOK_ID.fullmatch(webhook_id or "") else None
        if topic not in TOPICS:
            shown = topic if _TOPIC.fullmatch(topic) else None
            log.info("webhook.topic_ignored", topic=shown, webhook_id=webhook_id)
            return Outcome(shopify_order_id=None, outcome=WebhookOutcome.IGNORED)
        async with self._database.deadline():
            outcome = await self._record(topic, body, received_at)
            if outcome.outcome is WebhookOutcome.REJECTED:
                await self._keep(topic, webhook_id, body, outcome)
        if received_at is None:
            self._heartbeat.heard(topic, webhook_id)
        log.info(
            "webhook.received",
            topic=topic,
            webhook_id=webhook_id,
            order_id=outcome.shopify_order_id,
            outcome=outcome.outcome,
            is_test=outcome.is_test,
        )
        return outcome

    async def close(self) -> None:
        await self._heartbeat.close()

    async def _record(self, topic: str, body: bytes, received_at: str | None) -> Outcome:
        try:
            if TOPICS[topic] == "privacy":
                return await self._record_privacy_request(topic, body)
            if TOPICS[topic] == "refund":
                refund = translate_refund(body)
                alone = self._database.record_refunds
                return await _submit(refund, self._refunds, alone, received_at)
            if TOPICS[topic] == "dispute":
                dispute = translate_dispute(body)
                return await _submit(dispute, self._disputes, self._record_disputes, received_at)
            order = translate_order(body)
            outcome = await _submit(order, self._orders, self._database.record_orders, received_at)
            return replace(outcome, is_test=order["test"])
        except UnusablePayload as fault:
            return _rejected(str(fault))
        except DatabaseRefused as fault:
            return _rejected(f"the database refused it: {fault.code}")

    async def _record_privacy_request(self, topic: str, body: bytes) -> Outcome:
        request = translate_privacy_request(topic, body)
        outcome = await self._database.record_privacy_request(request)
        if outcome is WebhookOutcome.RECORDED and topic != "customers/redact":
            log.error("privacy.request_waits", topic=topic)
        return Outcome(shopify_order_id=None, outcome=outcome)

    async def _keep(
        self, topic: str, webhook_id: str | None, body: bytes, outcome: Outcome
    ) -> None:
        reason = outcome.reason or "no reason given"
        kept_as = await self._database.store_rejected_webhook(
            topic=topic, webhook_id=webhook_id, body=body, reason=reason
        )
        log.error(
            "webhook.rejected",
            topic=topic,
            webhook_id=webhook_id,
            order_id=outcome.shopify_order_id,
            rejected_id=kept_as,
            reason=reason,
        )


async def _submit(
    item: dict[str, Any],
    shared: Batcher[dict[str, Any], Outcome],
    alone: Callable[[list[dict[str, Any]], str], Awaitable[list[Outcome]]],
    received_at: str | None,
) -> Outcome:
    """One that is replayed has a time of its own, and shares no call."""
    if received_at is None:
        return await shared.submit(item)
    [outcome] = await alone([item], received_at)
    return outcome


def _rejected(reason: str) -> Outcome:
    return Outcome(shopify_order_id=None, outcome=WebhookOutcome.REJECTED, reason=reason)
