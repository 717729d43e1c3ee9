"""The webhooks that our app made at Shopify, through the API.

Only those: what `shopify.app.toml` or the page Settings > Notifications made is not shown to it.
https://shopify.dev/docs/apps/build/webhooks/subscribe
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_FIELDS = """
fragment SubscriptionFields on WebhookSubscription {
  id topic uri name filter includeFields format apiVersion { handle }
}
"""

LIST = (
    """
query ThetisWebhooks($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { ...SubscriptionFields }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _FIELDS
)

CREATE = (
    """
mutation ThetisWebhookCreate($topic: WebhookSubscriptionTopic!, $wanted: WebhookSubscriptionInput!)
{
  done: webhookSubscriptionCreate(topic: $topic, webhookSubscription: $wanted) {
    webhookSubscription { ...SubscriptionFields }
    userErrors { field message }
  }
}
"""
    + _FIELDS
)

UPDATE = (
    """
mutation ThetisWebhookUpdate($id: ID!, $wanted: WebhookSubscriptionInput!) {
  done: webhookSubscriptionUpdate(id: $id, webhookSubscription: $wanted) {
    webhookSubscription { ...SubscriptionFields }
    userErrors { field message }
  }
}
"""
    + _FIELDS
)

DELETE = """
mutation ThetisWebhookDelete($id: ID!) {
  done: webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}
"""


@dataclass(frozen=True, kw_only=True)
class WebhookSubscription:
    """`topic` as the header of a delivery spells it: `orders/paid`.

    `api_version` is the app's own; it is set with the app, not with a subscription.
    """

    id: str
    topic: str
    uri: str
    name: str | None
    filter: str | None
    include_fields: Sequence[str]
    format: str
    api_version: str


def subscription(node: dict[str, Any]) -> WebhookSubscription:
    return WebhookSubscription(
        id=node["id"],
        topic=_as_header(node["topic"]),
        uri=node["uri"],
        name=node["name"],
        filter=node["filter"],
        include_fields=tuple(node["includeFields"]),
        format=node["format"],
        api_version=node["apiVersion"]["handle"],
    )


def as_enum(topic: str) -> str:
    """`orders/paid` as the API spells it: ORDERS_PAID."""
    return topic.replace("/", "_").upper()


def _as_header(topic: str) -> str:
    # Of what another topic may hold we only need that it is none of ours.
    resource, _, event = topic.lower().rpartition("_")
    return f"{resource}/{event}"


def wanted(name: str, uri: str) -> dict[str, Any]:
    """A new subscription: what it does not say leaves no field and no delivery out."""
    return {"name": name, "uri": uri, "format": "JSON"}


def mended(name: str, uri: str) -> dict[str, Any]:
    """One that is there: what leaves something out is taken away."""
    return wanted(name, uri) | {"includeFields": [], "filter": None}
