"""The shop's things in the words of the API.

Written from the schema, and apart from our own translation, which goes the other way.
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from graphql import GraphQLError

from devtools.fake_shopify.shop import FakeShop, Json, created_at, updated_at

Item = TypeVar("Item")

_TERM = re.compile(r"(\w+):(>=|<=|>|<)?'?([^'\s]+)'?\s*")


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def _number(of: str) -> str:
    return of.rsplit("/", 1)[-1]


def time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def connection(
    items: Sequence[Item],
    key: Callable[[Item], Any],
    node: Callable[[Item], Json],
    *,
    first: int | None,
    after: str | None,
    longest: int = 25_000,
) -> Json:
    """A page of a list. A cursor says which item it is of, not at which place that is now."""
    if first is None or not 0 < first <= 250:
        raise GraphQLError("you must provide `first`, from 1 to 250")
    start = 0 if after is None else bisect_right(items, _read(after), key=key)
    if start + first > longest:
        raise GraphQLError(f"Cannot paginate past {longest} objects")
    chosen = items[start : start + first]
    cursors = [_cursor(key(each)) for each in chosen]
    return {
        "nodes": [node(each) for each in chosen],
        "pageInfo": {
            "hasNextPage": start + first < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _cursor(key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, default=time).encode()).decode()


def _read(cursor: str) -> Any:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise GraphQLError("Invalid cursor for current pagination sort.") from None
    return (datetime.fromisoformat(key[0]), key[1]) if isinstance(key, list) else key


def list_orders(shop: FakeShop, arguments: Json) -> Json:
    found = shop.orders(arguments.get("sortKey", "PROCESSED_AT"), *_times(arguments.get("query")))
    if arguments.get("reverse"):
        # Nobody asks for a second page of it.
        found = found[::-1][: arguments["first"]]
    return connection(
        found,
        lambda each: each,
        lambda each: order(shop, shop.order(str(each[1])) or {}),
        first=arguments.get("first"),
        after=arguments.get("after"),
        longest=shop.longest_list,
    )


def count_orders(shop: FakeShop, arguments: Json) -> Json:
    limit = arguments.get("limit")
    count = len(shop.orders("UPDATED_AT", *_times(arguments.get("query"))))
    most = shop.longest_list + 1 if limit is None else limit
    return {"count": min(count, most), "precision": "EXACT" if count < most else "AT_LEAST"}


def _times(query: str | None) -> tuple[datetime | None, datetime | None]:
    """The ends of the window that a search names: only times of change, both ends included."""
    ends: dict[str, datetime] = {}
    rest = (query or "").strip()
    while rest:
        term = _TERM.match(rest)
        if term is None or term[1] != "updated_at" or term[2] not in {">=", "<="}:
            raise GraphQLError(f"the stand-in cannot search for {rest}")
        ends[term[2]] = datetime.fromisoformat(term[3])
        rest = rest[term.end() :]
    return ends.get(">="), ends.get("<=")


def order(shop: FakeShop, body: Json) -> Json:
    status = body.get("financial_status")
    cancelled = body.get("cancelled_at")
    outstanding = body.get("total_outstanding") or "0.00"
    number = int(body.get("order_number") or body["id"])
    return {
        "__typename": "Order",
        "id": gid("Order", body["id"]),
        "legacyResourceId": str(body["id"]),
        "name": f"#{number}",
        "number": number,
        "email": lambda: _address(shop, body.get("email")),
        "customer": customer(shop, body.get("customer")),
        "displayFinancialStatus": status and status.upper(),
        "totalOutstandingSet": {
            "shopMoney": {"amount": str(outstanding), "currencyCode": shop.currency}
        },
        "test": bool(body.get("test")),
        "cancelledAt": cancelled and time(datetime.fromisoformat(cancelled)),
        "createdAt": time(created_at(body)),
        "processedAt": time(datetime.fromisoformat(body.get("processed_at") or body["created_at"])),
        "updatedAt": time(updated_at(body)),
        "lineItems": lambda **paging: _list(
            sorted(body.get("line_items", ()), key=lambda item: int(item["id"])),
            lambda item: _line_item(shop, item),
            paging,
        ),
        "refunds": lambda first=None: [refund(each) for each in body.get("refunds", ())][:first],
        "disputes": shop.disputes.get(str(body["id"]), []),
    }


def _list(items: Sequence[Json], node: Callable[[Json], Json], paging: Json) -> Json:
    numbered = list(enumerate(items))
    return connection(
        numbered,
        lambda each: each[0],
        lambda each: node(each[1]),
        first=paging.get("first"),
        after=paging.get("after"),
    )


def _address(shop: FakeShop, address: str | None) -> str | None:
    if shop.is_email_withheld:
        raise GraphQLError(
            "This app is not approved to access the Order object's email field. See"
            " https://shopify.dev/docs/apps/launch/protected-customer-data for more details.",
            extensions={"code": "ACCESS_DENIED"},
        )
    return address or None


def customer(shop: FakeShop, told: Json | None) -> Json | None:
    if told is None:
        return None
    address = told.get("email")
    return {
        "id": gid("Customer", told.get("id", 1)),
        "defaultEmailAddress": address and {"emailAddress": address},
    }


def _line_item(shop: FakeShop, item: Json) -> Json:
    current = item.get("current_quantity")
    product_id = item.get("product_id")
    is_there = product_id is not None and str(product_id) not in shop.deleted_products
    return {
        "id": gid("LineItem", item["id"]),
        "quantity": item["quantity"],
        "currentQuantity": item["quantity"] if current is None else current,
        "product": {"id": gid("Product", product_id)} if is_there else None,
    }


def refund(told: Json) -> Json:
    return {
        "__typename": "Refund",
        "id": gid("Refund", told["id"]),
        "legacyResourceId": str(told["id"]),
        "refundLineItems": lambda **paging: _list(
            told.get("refund_line_items", ()), _refund_line_item, paging
        ),
    }


def _refund_line_item(item: Json) -> Json:
    return {
        "quantity": item["quantity"],
        "lineItem": {"id": gid("LineItem", item["line_item_id"])},
    }


def find_refund(shop: FakeShop, refund_gid: str) -> Json | None:
    for _, order_id in shop.orders("UPDATED_AT", None, None):
        body = shop.order(str(order_id)) or {}
        for each in body.get("refunds", ()):
            if gid("Refund", each["id"]) == refund_gid:
                return refund(each)
    return None


def find_order(shop: FakeShop, order_gid: str) -> Json | None:
    body = shop.order(_number(order_gid))
    return None if body is None else order(shop, body)


def product(shop: FakeShop, product_gid: str) -> Json | None:
    number = _number(product_gid)
    if number not in shop.products or number in shop.deleted_products:
        return None
    return {"__typename": "Product", "id": product_gid, "title": shop.products[number]}
