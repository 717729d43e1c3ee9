"""The webhooks that an app makes through the API, and what Shopify says against one."""

from __future__ import annotations

import re
from typing import Any

from devtools.fake_shopify.nodes import connection, gid
from devtools.fake_shopify.shop import FakeShop, Json

_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")

_SCOPES = {
    "ORDERS": "read_orders",
    "REFUNDS": "read_orders",
    "DISPUTES": "read_shopify_payments_disputes",
}
"""By the first word of a topic. https://shopify.dev/docs/api/webhooks"""


def listed(shop: FakeShop, arguments: Json) -> Json:
    nodes = [_node(shop, each) for each in shop.webhooks.values()]
    return connection(
        list(enumerate(nodes)),
        lambda each: each[0],
        lambda each: each[1],
        first=arguments.get("first"),
        after=arguments.get("after"),
    )


def create(shop: FakeShop, arguments: Json) -> Json:
    topic, wanted = arguments["topic"], arguments["webhookSubscription"]
    if errors := _faults(shop, topic, wanted, but=None):
        return _refused(errors)
    key = gid("WebhookSubscription", 1_000_000_000_000 + shop.next_number())
    shop.webhooks[key] = {"id": key, "topic": topic, **_settings(wanted)}
    return {"webhookSubscription": _node(shop, shop.webhooks[key]), "userErrors": []}


def update(shop: FakeShop, arguments: Json) -> Json:
    key, wanted = arguments["id"], arguments["webhookSubscription"]
    existing = shop.webhooks.get(key)
    if existing is None:
        return _refused([_error("Webhook subscription does not exist", "id")])
    if errors := _faults(shop, existing["topic"], {**existing, **wanted}, but=key):
        return _refused(errors)
    stuck = {"filter": existing["filter"]} if shop.is_filter_stuck else {}
    existing.update(_settings({**existing, **wanted, **stuck}))
    return {"webhookSubscription": _node(shop, existing), "userErrors": []}


def delete(shop: FakeShop, arguments: Json) -> Json:
    if shop.webhooks.pop(arguments["id"], None) is None:
        errors = [_error("Webhook subscription does not exist", "id")]
        return {"deletedWebhookSubscriptionId": None, "userErrors": errors}
    return {"deletedWebhookSubscriptionId": arguments["id"], "userErrors": []}


def _settings(wanted: Json) -> Json:
    return {
        "uri": wanted.get("uri"),
        "name": wanted.get("name"),
        "filter": wanted.get("filter") or None,
        "includeFields": wanted.get("includeFields") or [],
        "format": wanted.get("format") or "JSON",
    }


def _node(shop: FakeShop, held: Json) -> Json:
    handle = shop.webhook_version
    return {**held, "apiVersion": {"handle": handle, "displayName": handle, "supported": True}}


def _faults(shop: FakeShop, topic: str, wanted: Json, *, but: str | None) -> list[Json]:
    uri, name = wanted.get("uri") or "", wanted.get("name")
    faults = []
    if not uri.startswith("https://"):
        faults.append(_error("Address is not allowed: it must be https", "uri"))
    if name is not None and not _NAME.fullmatch(name):
        faults.append(_error("Name is invalid", "name"))
    scope = _SCOPES.get(topic.partition("_")[0])
    if scope is not None and scope not in shop.scopes:
        told = topic.lower().replace("_", "/", 1)
        faults.append(
            _error(f"You do not have permission to create or update webhooks with {told} topic")
        )
    others = [each for each in shop.webhooks.values() if each["id"] != but]
    if any((each["topic"], each["uri"]) == (topic, uri) for each in others):
        faults.append(_error("Address for this topic has already been taken", "uri"))
    return faults


def _refused(errors: list[Json]) -> Json:
    return {"webhookSubscription": None, "userErrors": errors}


def _error(message: str, field: str | None = None) -> dict[str, Any]:
    return {"message": message, "field": ["webhookSubscription", field] if field else None}
