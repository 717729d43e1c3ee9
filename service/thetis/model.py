"""The types that the parts of the service hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self

SCHEMA_VERSION = 1
"""The version of the migrations that this release was written for."""

TestOrders = Literal["grant", "ignore"]
"""What becomes of orders that Shopify marks as tests."""

DisputeRule = Literal["honor", "ignore"]
"""Whether chargebacks end access."""

Result = Literal["sent", "retry", "paused", "dead"]
"""What became of one attempt to send. Paused: the provider refuses everything for now."""


class WebhookOutcome(StrEnum):
    """What became of a webhook, with the HTTP status that Shopify gets.

    Shopify sends a webhook again unless the status is 200.
    """

    status: int

    def __new__(cls, word: str, status: int = 200) -> Self:
        outcome = str.__new__(cls, word)
        outcome._value_ = word
        outcome.status = status
        return outcome

    RECORDED = ("recorded", 200)  # it changed something, and that is committed
    UNCHANGED = ("unchanged", 200)  # it told nothing new
    IGNORED = ("ignored", 200)  # it is about nothing of ours
    REJECTED = ("rejected", 200)  # it cannot be used, and is kept for a replay
    INCOMPLETE = ("incomplete", 400)  # the sender hung up before the end of the body
    UNAUTHORIZED = ("unauthorized", 401)  # Shopify did not sign it
    TOO_SLOW = ("too_slow", 408)  # the body took too long
    TOO_LARGE = ("too_large", 413)  # the body is larger than MAX_BODY_BYTES
    UNAVAILABLE = ("unavailable", 503)  # the database does not answer
    FAILED = ("failed", 503)  # a fault of ours


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one order, refund or dispute: recorded, unchanged, ignored or rejected."""

    shopify_order_id: str | None
    outcome: WebhookOutcome
    reason: str | None = None
    is_test: bool = False
    """Whether Shopify marks the order as a test."""


@dataclass(frozen=True, kw_only=True)
class ReconcileStatus:
    """Ages are in seconds, `ended_at` is a Unix time; `missed` counts the last day."""

    lag_seconds: float
    ended_at: float
    missed: int


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A row of the outbox that is ours to send until its lease ends. `attempt` names the lease."""

    id: str
    kind: str
    attempt: int
    shopify_order_id: str | None
    payload: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of one attempt to send.

    `is_refused` on a retry says that the provider certainly did not take the notification; without
    it, nobody knows.
    """

    id: str
    attempt: int
    result: Result
    error: str | None = None
    retry_after_seconds: float | None = None
    is_refused: bool = False
    provider_message_id: str | None = None
    """The provider's own name for what it took."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How the outbox stands for one provider. Ages are in seconds."""

    provider: str
    pending: int
    dead: int
    oldest_due_seconds: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What metrics tell of the database.

    `address_conflicts`: orders of which somebody owns a purchase by another address than the
    order's, because the shop corrected it.
    """

    backlog: list[Backlog]
    address_conflicts: int
    privacy_requests: int
    """Those that wait for a person's answer."""
    undelivered: dict[str, int]
    """Emails of the last week that did not arrive, by what became of them."""
    reconciling: ReconcileStatus | None


@dataclass(frozen=True, kw_only=True)
class ListedNotification:
    """A row of the outbox, for people. Times are in UTC; `email` is empty where there is none."""

    id: str
    kind: str
    status: str
    shopify_order_id: str | None
    order_number: str | None
    email: str
    attempts: int
    enqueued_at: str
    due_at: str
    settled_at: str | None
    last_error: str | None
    delivery: str | None
    """Of an email, what became of it after the provider took it; `delivery_reason` says why."""
    delivery_reason: str | None


@dataclass(frozen=True, kw_only=True)
class Retried:
    """Whether one is tried again: retried, or refused."""

    id: str
    outcome: str
    refusal: str | None


@dataclass(frozen=True, kw_only=True)
class Resent:
    """A message that is sent anew: enqueued under an id, or refused."""

    id: str | None
    outcome: str
    email: str | None
    shopify_order_id: str
    refusal: str | None


@dataclass(frozen=True, kw_only=True)
class Act:
    """What an operator's act changed, or with `dry_run` would change: done, or unchanged.

    `before` and `after` are purchases: {id, product, order_number, address, user_id, status,
    expires_at}. `messages` are {kind, address, change}, enqueued or withdrawn.
    """

    action: str
    outcome: str
    dry_run: bool
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    messages: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product of the catalogue. `access_period` is a Postgres interval; None is for ever."""

    slug: str
    name: str
    category: str
    access_period: str | None
    shopify_product_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class UnmappedProduct:
    """A Shopify product that was sold and is not in the catalogue. Times are in UTC."""

    shopify_product_id: str
    order_count: int
    first_sold_at: str
    last_sold_at: str


@dataclass(frozen=True, kw_only=True)
class RejectedWebhook:
    """A webhook that could not be used. Times are in UTC. A list holds no bodies."""

    id: int
    topic: str
    webhook_id: str | None
    reason: str
    received_at: str
    replayed_at: str | None
    body: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class PrivacyRequest:
    """What Shopify's compliance webhooks ask for. Times are in UTC; `email` while it is open."""

    id: int
    topic: str
    shop: str | None
    email: str | None
    shopify_order_ids: list[str]
    received_at: str
    answered_at: str | None


@dataclass(frozen=True, kw_only=True)
class SchemaStatus:
    """The version of the database's migrations, and the functions that we call and may not."""

    version: int
    missing: list[str]
