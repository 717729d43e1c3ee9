"""Shopify's Admin API, as far as we ask it: orders, our webhooks, and what doctor wants to know.

    admin = ShopifyAdmin(base_url=…, credentials=…, api_version=…, timeout=…)
    page = await admin.orders(since=…, until=None, after=None)

Raises ShopifyRefused, with Shopify's own words, or ShopifyUnavailable. Nothing here decides what an
order means: `orders` gives what a webhook would have given, for the same functions of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString

from thetis.errors import ShopifyRefused
from thetis.providers import shopify_orders as orders
from thetis.providers import shopify_queries as queries
from thetis.providers import shopify_subscriptions as subscriptions
from thetis.providers.shopify_graphql import GraphQL
from thetis.providers.shopify_orders import NewestOrder, OrderPage, Position, RejectedOrder
from thetis.providers.shopify_subscriptions import WebhookSubscription
from thetis.providers.shopify_tokens import AdminToken, ClientCredentials

__all__ = [
    "ALL_ORDERS_SCOPE",
    "DISPUTES_SCOPE",
    "REQUIRED_SCOPES",
    "AdminToken",
    "ClientCredentials",
    "NewestOrder",
    "OrderPage",
    "RejectedOrder",
    "Shop",
    "ShopifyAdmin",
    "WebhookSubscription",
]

REQUIRED_SCOPES = frozenset({"read_orders", "read_products", "read_customers"})
"""Without the second the product of an order line, without the third its customer's address is
refused."""

ALL_ORDERS_SCOPE = "read_all_orders"
"""Without it orders that were made more than 60 days ago are absent, without an error."""

DISPUTES_SCOPE = "read_shopify_payments_disputes"
"""For the webhooks of disputes; an order tells its own disputes without it."""

_PAGE_SIZE = 50
_LONGEST_LIST = 20_000
_NODES_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class Shop:
    """`served_version` is what answered; it is another than was asked once that has ended."""

    name: str
    domain: str
    currency: str
    asked_version: str
    served_version: str | None
    supported_versions: Sequence[str]


class ShopifyAdmin:
    """One shop. Safe to call concurrently within one event loop; must be made where one runs."""

    def __init__(
        self,
        *,
        base_url: str,
        credentials: AdminToken | ClientCredentials,
        api_version: str,
        timeout: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        longest_list: int = _LONGEST_LIST,
    ) -> None:
        self._graphql = GraphQL(
            base_url=base_url.rstrip("/"),
            credentials=credentials,
            api_version=api_version,
            timeout=timeout,
            sleep=sleep,
        )
        self._page_size = _PAGE_SIZE
        self._longest_list = longest_list

    async def close(self) -> None:
        await self._graphql.close()

    async def query(self, document: LiteralString, **variables: Any) -> dict[str, Any]:
        """The data of an answer without any error; waits when Shopify asks for it."""
        return await self._graphql.query(document, variables)

    async def orders(
        self, *, since: datetime, until: datetime | None, after: str | None
    ) -> OrderPage:
        """The next orders that changed in this time, the longest ago first; both ends are of it.

        `after` is the cursor of the page before, which may be kept for days. An order that changes
        meanwhile comes again, as may one that changed in the same second as another.
        """
        at = Position.read(since, after)
        found = await self._order_page(orders.window(at.since, until), at.after)
        for node in found["nodes"]:
            await self._complete(node)
        cursor = _next(found["pageInfo"])
        told = orders.page(found["nodes"], cursor)
        if cursor is None or told.newest_updated_at is None:
            return told
        then = at.then(told.newest_updated_at, cursor, len(found["nodes"]), self._longest_list)
        return replace(told, cursor=str(then))

    async def order(self, order_id: str) -> dict[str, Any] | None:
        """One element of record_orders' argument; None when there is none that we may see.

        Raises UnusablePayload when the database could not be told of it.
        """
        data = await self.query(queries.ORDER, id=orders.order_gid(order_id))
        if data["order"] is None:
            return None
        await self._complete(data["order"])
        return orders.translate(data["order"])

    async def order_count(self, since: datetime, until: datetime | None) -> int:
        """How many that is, for a progress bar: Shopify counts to 25,000 and says 25,001 then."""
        data = await self.query(queries.ORDER_COUNT, query=orders.window(since, until))
        return int(data["ordersCount"]["count"])

    async def newest_order(self) -> NewestOrder | None:
        nodes = (await self.query(queries.NEWEST_ORDER))["orders"]["nodes"]
        return orders.newest(nodes[0]) if nodes else None

    async def scopes(self) -> frozenset[str]:
        """What the token may do. An app can be installed without any scope."""
        installation = (await self.query(queries.SCOPES))["currentAppInstallation"]
        return frozenset(each["handle"] for each in installation["accessScopes"])

    async def shop(self) -> Shop:
        data = await self.query(queries.SHOP)
        told, versions = data["shop"], data["publicApiVersions"]
        return Shop(
            name=told["name"],
            domain=told["myshopifyDomain"],
            currency=told["currencyCode"],
            asked_version=self._graphql.api_version,
            served_version=self._graphql.served_version,
            supported_versions=tuple(each["handle"] for each in versions if each["supported"]),
        )

    async def products(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The titles of those that exist, by their ids."""
        titles: dict[str, str] = {}
        for start in range(0, len(ids), _NODES_AT_ONCE):
            gids = [f"gid://shopify/Product/{each}" for each in ids[start : start + _NODES_AT_ONCE]]
            found = (await self.query(queries.PRODUCTS, ids=gids))["nodes"]
            titles.update((orders.digits(each["id"]), each["title"]) for each in found if each)
        return titles

    async def webhooks(self) -> list[WebhookSubscription]:
        """Those that this app made through the API; Shopify does not show it any other."""
        found: list[WebhookSubscription] = []
        cursor: str | None = None
        while True:
            listed = (await self.query(subscriptions.LIST, after=cursor))["webhookSubscriptions"]
            found.extend(map(subscriptions.subscription, listed["nodes"]))
            cursor = _next(listed["pageInfo"])
            if cursor is None:
                return found

    async def create_webhook(self, *, topic: str, name: str, uri: str) -> WebhookSubscription:
        """`topic` is spelt as in a delivery: `orders/paid`."""
        told = await self._change(
            subscriptions.CREATE,
            topic=subscriptions.as_enum(topic),
            wanted=subscriptions.wanted(name, uri),
        )
        return subscriptions.subscription(told["webhookSubscription"])

    async def update_webhook(self, webhook_id: str, *, name: str, uri: str) -> WebhookSubscription:
        """Set the name and the address, and leave out no field and no delivery."""
        told = await self._change(
            subscriptions.UPDATE, id=webhook_id, wanted=subscriptions.mended(name, uri)
        )
        return subscriptions.subscription(told["webhookSubscription"])

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._change(subscriptions.DELETE, id=webhook_id)

    async def _change(self, mutation: LiteralString, **variables: Any) -> dict[str, Any]:
        done: dict[str, Any] = (await self.query(mutation, **variables))["done"]
        if done["userErrors"]:
            raise ShopifyRefused("; ".join(map(_user_error, done["userErrors"])), "USER_ERROR")
        return done

    async def _order_page(self, window: str, after: str | None) -> dict[str, Any]:
        # What a query costs is Shopify's to say, and changes. Smaller pages cost more requests, and
        # read the same.
        while True:
            try:
                data = await self.query(
                    queries.ORDERS, first=self._page_size, after=after, query=window
                )
            except ShopifyRefused as error:
                if error.code != "MAX_COST_EXCEEDED" or self._page_size == 1:
                    raise
                self._page_size //= 2
            else:
                return dict(data["orders"])

    async def _complete(self, node: dict[str, Any]) -> None:
        """Follow the nested lists of an order to their ends."""
        await self._follow(node["lineItems"], queries.MORE_LINE_ITEMS, node["id"], "order")
        for refund in node["refunds"]:
            more = queries.MORE_REFUND_LINE_ITEMS
            await self._follow(refund["refundLineItems"], more, refund["id"], "refund")

    async def _follow(
        self, listed: dict[str, Any], document: LiteralString, gid: str, kind: str
    ) -> None:
        cursor = _next(listed["pageInfo"])
        while cursor is not None:
            owner = (await self.query(document, id=gid, after=cursor))[kind]
            if owner is None:
                raise ShopifyRefused(f"shopify no longer has {gid}, which it had just now")
            listed_more = owner["lineItems" if kind == "order" else "refundLineItems"]
            listed["nodes"].extend(listed_more["nodes"])
            cursor = _next(listed_more["pageInfo"])


def _next(page_info: dict[str, Any]) -> str | None:
    return page_info["endCursor"] if page_info["hasNextPage"] else None


def _user_error(error: dict[str, Any]) -> str:
    where = ".".join(error["field"] or ())
    return f"shopify: {where}: {error['message']}" if where else f"shopify: {error['message']}"
