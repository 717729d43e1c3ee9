"""Which webhooks we want of Shopify, and what is to be done so that there are just these.

A subscription is ours by its name, or because it tells one of our topics to our address. Whatever
else the app has made is left alone. Doctor judges by the same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from thetis.providers.shopify_admin import DISPUTES_SCOPE, ShopifyAdmin, WebhookSubscription

PATH = "/webhooks/shopify"

ORDER_TOPICS = (
    "orders/create",
    "orders/paid",
    "orders/updated",
    "orders/cancelled",
    "refunds/create",
)
DISPUTE_TOPICS = ("disputes/create", "disputes/update")
"""Shopify tells them to an app with DISPUTES_SCOPE alone."""

COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
"""Subscribed in the app's configuration, and not by the API."""

Action = Literal["keep", "create", "mend", "delete"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """`faults` say what is wrong with `found`, in words for a person."""

    action: Action
    topic: str
    name: str
    found: WebhookSubscription | None = None
    faults: Sequence[str] = ()


def address(public_url: str) -> str:
    return public_url + PATH


def name_of(topic: str) -> str:
    return f"thetis-{topic.replace('/', '-')}"


OUR_NAMES = frozenset(map(name_of, (*ORDER_TOPICS, *DISPUTE_TOPICS)))


def wanted_topics(scopes: Collection[str]) -> tuple[str, ...]:
    return (*ORDER_TOPICS, *DISPUTE_TOPICS) if DISPUTES_SCOPE in scopes else ORDER_TOPICS


def plan(
    existing: Sequence[WebhookSubscription], scopes: Collection[str], uri: str
) -> Iterator[Step]:
    """One step for each topic that we want, and one for each subscription that must go."""
    topics = wanted_topics(scopes)
    kept = {each.id: each for topic in topics if (each := _best(existing, topic, uri)) is not None}
    for each in existing:
        if each.id not in kept and is_ours(each, uri):
            faults = [f"another one tells {each.topic}" if each.topic in topics else "not wanted"]
            yield _step("delete", each.topic, each, faults)
    by_topic = {each.topic: each for each in kept.values()}
    for topic in topics:
        found = by_topic.get(topic)
        faults = [] if found is None else list(faults_of(found, uri))
        action: Action = "create" if found is None else "mend" if faults else "keep"
        yield _step(action, topic, found, faults)


def is_ours(each: WebhookSubscription, uri: str | None) -> bool:
    is_told_to_us = each.uri == uri and each.topic in (*ORDER_TOPICS, *DISPUTE_TOPICS)
    return each.name in OUR_NAMES or is_told_to_us


def faults_of(each: WebhookSubscription, uri: str | None) -> Iterator[str]:
    """What is wrong with one of ours. Without `uri` its address is not judged."""
    if uri is not None and each.uri != uri:
        yield "other address"
    if each.name != name_of(each.topic):
        yield "other name"
    if each.include_fields:
        yield "leaves fields out (include_fields)"
    if each.filter:
        yield "leaves deliveries out (filter)"
    if each.format != "JSON":
        yield f"format {each.format}"


async def do(step: Step, admin: ShopifyAdmin, uri: str) -> None:
    """Make it so. Raises ShopifyError."""
    if step.action == "delete" and step.found is not None:
        await admin.delete_webhook(step.found.id)
    elif step.action == "create":
        await admin.create_webhook(topic=step.topic, name=step.name, uri=uri)
    elif step.action == "mend" and step.found is not None:
        mended = await admin.update_webhook(step.found.id, name=step.name, uri=uri)
        if any(faults_of(mended, uri)):
            # What an update does not reach, a new one does not have.
            await admin.delete_webhook(step.found.id)
            await admin.create_webhook(topic=step.topic, name=step.name, uri=uri)


def _best(
    existing: Sequence[WebhookSubscription], topic: str, uri: str
) -> WebhookSubscription | None:
    """The one at our address before one with our name: Shopify takes an address once a topic."""
    ours = [each for each in existing if each.topic == topic and is_ours(each, uri)]
    return min(ours, key=lambda each: (each.uri != uri, each.name != name_of(topic)), default=None)


def _step(
    action: Action, topic: str, found: WebhookSubscription | None, faults: Sequence[str]
) -> Step:
    return Step(action=action, topic=topic, name=name_of(topic), found=found, faults=tuple(faults))
