"""What the shop holds, and how it was told to misbehave."""

from __future__ import annotations

import itertools
import secrets
import threading
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from thetis.cli.shopify_payloads import SAMPLE_PRODUCTS, SHOP

Json = dict[str, Any]

LIVING_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
"""What Shopify serves in November 2026; an older one is served as the first of these."""

EVERY_SCOPE = (
    "read_orders",
    "read_all_orders",
    "read_products",
    "read_customers",
    "read_shopify_payments_disputes",
)

_RECENT = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer of the API in place of what it would say; `body` is JSON, or text as it is.

    It comes `delay` seconds later.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Received:
    """One question to the API. `operation` is the name in the query."""

    version: str
    token: str | None
    operation: str
    variables: Json


@dataclass(kw_only=True)
class FakeShop:
    """Everything may be changed while it is served."""

    domain: str = SHOP
    name: str = "The example shop"
    currency: str = "USD"
    client_id: str = "0123456789abcdef0123456789abcdef"
    client_secret: str = field(default_factory=lambda: f"shpss_{secrets.token_hex(16)}")
    admin_token: str = field(default_factory=lambda: f"shpat_{secrets.token_hex(16)}")
    token_seconds: int = 86399
    scopes: set[str] = field(default_factory=lambda: set(EVERY_SCOPE))
    versions: Sequence[str] = LIVING_VERSIONS
    webhook_version: str = "2026-10"
    """The app's setting; Shopify gives it to each of the app's webhooks."""
    is_email_withheld: bool = False
    """The app may not read addresses: null, and an error beside it."""
    max_cost: int = 1000
    longest_list: int = 25_000
    throttled: int = 0
    """So many further questions are answered THROTTLED."""
    answers: deque[Said] = field(default_factory=deque)
    """What the next questions are answered instead."""
    products: dict[str, str] = field(
        default_factory=lambda: {
            str(each.shopify_id): each.title for each in SAMPLE_PRODUCTS.values()
        }
    )
    deleted_products: set[str] = field(default_factory=set)
    webhooks: dict[str, Json] = field(default_factory=dict)
    """The app's subscriptions by their gid, in the words of the API."""
    is_filter_stuck: bool = False
    """An update of a webhook does not take its filter away."""
    disputes: dict[str, list[Json]] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    received: list[Received] = field(default_factory=list)
    tokens_given: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._orders: dict[str, Json] = {}
        self._sorted: list[tuple[datetime, int]] | None = None
        self._tokens: set[str] = set()
        self._numbers = itertools.count(1)

    # What a merchant and customers do.

    def put(self, *bodies: Json) -> None:
        """Orders, new or changed, as the bodies of webhooks."""
        with self.lock:
            self._orders.update((str(body["id"]), body) for body in bodies)
            self._sorted = None

    def remove(self, order_id: int | str) -> None:
        with self.lock:
            del self._orders[str(order_id)]
            self._sorted = None

    def dispute(self, order_id: int | str, dispute_id: int, initiated_as: str, status: str) -> None:
        """Open one, or change its status; in the words of the API: CHARGEBACK, NEEDS_RESPONSE."""
        gid = f"gid://shopify/OrderDisputeSummary/{dispute_id}"
        with self.lock:
            others = [each for each in self.disputes.get(str(order_id), ()) if each["id"] != gid]
            told = {"id": gid, "initiatedAs": initiated_as, "status": status}
            self.disputes[str(order_id)] = [*others, told]

    def expire_tokens(self) -> None:
        with self.lock:
            self._tokens.clear()

    # What the API asks.

    def next_number(self) -> int:
        return next(self._numbers)

    def give_token(self) -> str:
        token = f"shpat_{secrets.token_hex(16)}"
        self._tokens.add(token)
        self.tokens_given += 1
        return token

    def is_let_in(self, token: str | None) -> bool:
        return token is not None and (token == self.admin_token or token in self._tokens)

    def served_version(self, asked: str) -> str | None:
        """None for one that never was."""
        if asked in self.versions:
            return asked
        return self.versions[0] if "2019-04" <= asked < self.versions[0] else None

    def order(self, order_id: str) -> Json | None:
        body = self._orders.get(order_id)
        return body if body is not None and self._is_shown(body) else None

    def orders(
        self, sort_key: str, first: datetime | None, last: datetime | None
    ) -> list[tuple[datetime, int]]:
        """What was changed (or made) in this time: when, and its id, in that order."""
        if sort_key == "CREATED_AT":
            found = sorted((created_at(body), int(body["id"])) for body in self._orders.values())
        else:
            if self._sorted is None:
                self._sorted = sorted(
                    (updated_at(body), int(body["id"])) for body in self._orders.values()
                )
            found = self._sorted
        begin = 0 if first is None else bisect_left(found, (first, 0))
        end = len(found) if last is None else bisect_right(found, (last, 2**64))
        chosen = found[begin:end]
        if "read_all_orders" in self.scopes:
            return chosen
        return [each for each in chosen if self._is_shown(self._orders[str(each[1])])]

    def _is_shown(self, body: Json) -> bool:
        is_recent = created_at(body) >= self.now() - _RECENT
        return is_recent or "read_all_orders" in self.scopes


def updated_at(body: Json) -> datetime:
    return _second(body.get("updated_at") or body["created_at"])


def created_at(body: Json) -> datetime:
    return _second(body.get("created_at") or body["updated_at"])


def _second(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
