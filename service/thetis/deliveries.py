"""Resend's webhooks: whether an email arrived. Verify, translate, record, keep what is unusable.

Facts this file stands on:
- Signed as Standard Webhooks are, with headers that begin with `svix-`; the time in them may be
  five minutes off. https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests
- Sent at least once, in any order. `data` has `email_id` and the email's `tags`, as an object or as
  a list of names and values. https://resend.com/docs/dashboard/webhooks/event-types
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

import structlog
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from thetis.batching import Batcher
from thetis.database import Database
from thetis.errors import DatabaseRefused, UnusablePayload
from thetis.model import WebhookOutcome
from thetis.providers import redact
from thetis.providers.resend import TAG

STATES: Mapping[str, str] = {
    "email.sent": "sent",
    "email.delivery_delayed": "delayed",
    "email.delivered": "delivered",
    "email.failed": "failed",
    "email.suppressed": "suppressed",
    "email.bounced": "bounced",
    "email.complained": "complained",
}
"""What an event of this type says of an email."""

OTHER = "other"
"""What stands for every other type, and for one that is not known."""

TOPIC = "resend/events"
"""The name under which a webhook of Resend's is kept that could not be used."""

log = structlog.get_logger()


def _as_object(tags: object) -> object:
    """Tags in another form are no fault of the event: the email's id says which it is."""
    if isinstance(tags, list):
        named = [each for each in tags if isinstance(each, dict)]
        return {str(each.get("name")): each.get("value") for each in named}
    return tags if isinstance(tags, dict) else None


class _Detail(BaseModel):
    message: str | None = None
    reason: str | None = None
    type: str | None = None
    subType: str | None = None  # noqa: N815 - Resend's name


class _Data(BaseModel):
    email_id: str
    tags: Annotated[dict[str, Any] | None, BeforeValidator(_as_object)] = None
    bounce: _Detail | None = None
    failed: _Detail | None = None
    suppressed: _Detail | None = None


class _Event(BaseModel):
    type: str
    created_at: AwareDatetime
    data: _Data


class _Kind(BaseModel):
    type: str


Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class Received:
    """One webhook: its type, as far as it was read, and what became of it."""

    outcome: WebhookOutcome
    type: str = OTHER


def is_authentic(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether one of these secrets has signed this body, within the last five minutes."""
    given = {f"webhook-{name}": headers.get(f"svix-{name}", "") for name in _SIGNED}
    return any(_has_signed(secret, body, given) for secret in secrets)


_SIGNED = ("id", "timestamp", "signature")


def _has_signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # the second for what is not even a signature
        return False
    return True


def event_type(body: bytes) -> str:
    """One of STATES, or OTHER for an event about something else."""
    named = _read(_Kind, body).type
    return named if named in STATES else OTHER


def translate_event(body: bytes) -> dict[str, Any]:
    """An event about an email, as one element of record_deliveries' argument."""
    event = _read(_Event, body)
    return {
        "notification_id": _uuid((event.data.tags or {}).get(TAG)),
        "provider_message_id": event.data.email_id,
        "state": STATES[event.type],
        "reason": _reason(event.data),
        "occurred_at": event.created_at.isoformat(),
    }


def _read(shape: type[Shape], body: bytes) -> Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise UnusablePayload(f"{where or 'body'}: {fault['msg']}") from None


def _uuid(value: object) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _reason(data: _Data) -> str | None:
    detail = data.bounce or data.failed or data.suppressed
    if detail is None:
        return None
    words = ": ".join(
        each for each in (detail.type, detail.subType, detail.message, detail.reason) if each
    )
    return redact(words.replace("\0", " ")) or None


class DeliveryRecorder:
    """Records what Resend tells. Concurrent webhooks share a call to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events: Batcher[dict[str, Any], WebhookOutcome] = Batcher(database.record_deliveries)

    async def record(self, body: bytes, webhook_id: str | None = None) -> Received:
        """recorded, unchanged, ignored or rejected: true once this returns, for it is committed.

        Raises DatabaseUnavailable, within the database's deadline.
        """
        kind = OTHER
        async with self._database.deadline():
            try:
                if (kind := event_type(body)) == OTHER:
                    return Received(WebhookOutcome.IGNORED)
                event = translate_event(body)
                outcome = await self._events.submit(event)
            except UnusablePayload as fault:
                return await self._keep(kind, webhook_id, body, str(fault))
            except DatabaseRefused as fault:
                reason = f"the database refused it: {fault.code}"
                return await self._keep(kind, webhook_id, body, reason)
        log.info(
            "delivery.received",
            state=event["state"],
            notification_id=event["notification_id"],
            outcome=outcome,
        )
        return Received(outcome, kind)

    async def _keep(self, kind: str, webhook_id: str | None, body: bytes, reason: str) -> Received:
        kept_as = await self._database.store_rejected_webhook(
            topic=TOPIC, webhook_id=webhook_id, body=body, reason=reason
        )
        log.error("delivery.rejected", webhook_id=webhook_id, rejected_id=kept_as, reason=reason)
        return Received(WebhookOutcome.REJECTED, kind)
