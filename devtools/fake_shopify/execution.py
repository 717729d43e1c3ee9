"""A query executed against Shopify's schema of one version, with the scopes that the token has."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_client_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
)

from devtools.checkout import ROOT
from devtools.fake_shopify import nodes, subscriptions
from devtools.fake_shopify.cost import cost_of
from devtools.fake_shopify.shop import FakeShop, Json

SCHEMAS = ROOT / "node_modules/@shopify/dev-mcp/dist/data"
"""Shopify's own, one file for each version. https://www.npmjs.com/package/@shopify/dev-mcp"""


Access = tuple[frozenset[str], str]
"""The scopes of which any is enough, and Shopify's words for them."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """One version of the API."""

    schema: GraphQLSchema
    access: Mapping[tuple[str, str | None], Access]
    """By type and field; of a type as a whole by None."""

    known: dict[tuple[str, str], Access | None] = field(default_factory=dict)
    """What `needed` has found. Thousands of fields are asked for it, of few kinds."""

    def needed(self, info: GraphQLResolveInfo[Any]) -> Access | None:
        key = (info.parent_type.name, info.field_name)
        if key not in self.known:
            returned = get_named_type(info.return_type).name.removesuffix("Connection")
            self.known[key] = self.access.get(key) or self.access.get((returned, None))
        return self.known[key]


@cache
def api(version: str) -> Api:
    path = schema_file(version)
    held = json.loads(gzip.decompress(path.read_bytes()))
    # Deprecated fields of an interface that does not deprecate them are Shopify's business.
    schema = build_client_schema(held["data"], assume_valid=True)
    return Api(schema=schema, access=_access(held["offline_scopes"]["items"]))


def schema_file(version: str) -> Path:
    return SCHEMAS / f"admin_{version}.json.gz"


def _access(items: list[Json]) -> Mapping[tuple[str, str | None], Access]:
    return {
        (each["typeName"], each.get("fieldName")): (
            frozenset(each["offlineScopes"]),
            each["requiredAccess"],
        )
        for each in items
        if each["offlineScopes"]
    }


@cache
def _read(version: str, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [error]
    return document, validate(api(version).schema, document)


def execute(shop: FakeShop, version: str, text: str, variables: Json) -> Json:
    """The body of the answer."""
    document, faults = _read(version, text)
    if document is None or faults:
        return {"errors": [each.formatted for each in faults]}
    schema = api(version).schema
    asked = cost_of(schema, document, variables)
    if asked > shop.max_cost:
        return _told("Query cost is too high", "MAX_COST_EXCEEDED", cost=asked, limit=shop.max_cost)
    if shop.throttled > 0:
        shop.throttled -= 1
        return {**_told("Throttled", "THROTTLED"), **_cost(asked, available=asked - 50)}
    result = execute_sync(
        schema,
        document,
        root_value=_root(shop, api(version)),
        variable_values=variables,
        context_value=(shop, api(version)),
        field_resolver=_resolve,
    )
    return {**result.formatted, **_cost(asked, available=2000 - asked)}


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    shop, served = info.context
    _let_in(shop, info.field_name, served.needed(info))
    if info.field_name not in source:
        raise GraphQLError(f"the stand-in has no {info.parent_type.name}.{info.field_name}")
    value = source[info.field_name]
    return value(**arguments) if callable(value) else value


def _let_in(shop: FakeShop, field_name: str, needed: Access | None) -> None:
    if needed is not None and not needed[0] & shop.scopes:
        raise GraphQLError(
            f"Access denied for {field_name} field. Required access: {needed[1]}",
            extensions={"code": "ACCESS_DENIED", "requiredAccess": needed[1]},
        )


def _nodes(shop: FakeShop, served: Api, ids: list[str]) -> list[Json | None]:
    # The schema only says that it is some Node; what is asked for are products.
    _let_in(shop, "nodes", served.access.get(("Product", None)))
    return [nodes.product(shop, each) for each in ids]


def _root(shop: FakeShop, served: Api) -> dict[str, Callable[..., Any]]:
    return {
        "shop": lambda: {
            "name": shop.name,
            "myshopifyDomain": shop.domain,
            "currencyCode": shop.currency,
        },
        "publicApiVersions": lambda: [
            {"handle": each, "displayName": each, "supported": True} for each in shop.versions
        ],
        "currentAppInstallation": lambda: {
            "accessScopes": [{"handle": each, "description": each} for each in sorted(shop.scopes)]
        },
        "orders": lambda **arguments: nodes.list_orders(shop, arguments),
        "ordersCount": lambda **arguments: nodes.count_orders(shop, arguments),
        "order": lambda id: nodes.find_order(shop, id),  # noqa: A006 - the schema's word
        "refund": lambda id: nodes.find_refund(shop, id),  # noqa: A006
        "nodes": lambda ids: _nodes(shop, served, ids),
        "webhookSubscriptions": lambda **arguments: subscriptions.listed(shop, arguments),
        "webhookSubscriptionCreate": lambda **arguments: subscriptions.create(shop, arguments),
        "webhookSubscriptionUpdate": lambda **arguments: subscriptions.update(shop, arguments),
        "webhookSubscriptionDelete": lambda **arguments: subscriptions.delete(shop, arguments),
    }


def _told(message: str, code: str, **more: Any) -> Json:
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}


def _cost(asked: int, available: int) -> Json:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    cost = {"requestedQueryCost": asked, "actualQueryCost": asked, "throttleStatus": status}
    return {"extensions": {"cost": cost}}
