"""Shopify in a hurry: customers who never rest, and webhooks sent again until answered 200.

What Shopify does within four hours (eight retries) happens here within seconds, and never ends.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

import httpx

from tests.support.service import NO_TLS, SECRET
from tests.system.histories.shop import Line, Order, Webhook
from thetis.cli import shopify_payloads

SENDERS = 8
EVENTS_PER_SECOND = 15
PATIENCE = httpx.Timeout(5.0, connect=1.0)
"""Shopify's own."""

_SLUGS = [*shopify_payloads.SAMPLE_PRODUCTS, None]


@dataclass
class Delivery:
    """A webhook on its way. Its retries carry the same bytes and the same id."""

    webhook: Webhook
    body: bytes
    headers: dict[str, str]
    attempts: int = 0
    is_answered: bool = False

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        body = shopify_payloads.encode(webhook.whole_payload())
        return cls(webhook, body, shopify_payloads.headers(webhook.topic, body, SECRET))


class Customers:
    """Whatever customers do, one thing at a time; the same for the same seed."""

    def __init__(self, chance: random.Random) -> None:
        self.orders: list[Order] = []
        self._chance = chance

    def do_something(self) -> list[Webhook]:
        if len(self.orders) < 5 or self._chance.random() < 0.4:
            return self._buy()
        order = self._chance.choice(self.orders[-40:])
        line = self._chance.choice(order.lines)
        happenings: list[Callable[[], list[Webhook]]] = [
            partial(order.give_back, line, self._chance.randint(1, line.quantity)),
            partial(order.pay_back, 1),
            partial(order.add, self._line()),
            partial(order.remove, line),
            partial(order.delete_product, line),
            order.cancel,
            order.pay,
        ]
        return self._chance.choice(happenings)()

    def _buy(self) -> list[Webhook]:
        number = len(self.orders)
        order = Order(
            email=f"customer{self._chance.randint(number // 2, number)}@example.com",
            lines=[self._line() for _ in range(self._chance.randint(1, 3))],
        )
        self.orders.append(order)
        return order.create() + (order.pay() if self._chance.random() < 0.9 else [])

    def _line(self) -> Line:
        return Line(slug=self._chance.choice(_SLUGS), quantity=self._chance.randint(1, 3))


@dataclass
class Stream:
    """Sends what customers do to this URL, from entry on. Everything is counted."""

    url: str
    seed: int
    deliveries: list[Delivery] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    """Of each request; "none" where there was no answer."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self.customers = Customers(self._chance)
        self._due: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._resting = threading.Event()
        self._ended = False
        self._threads = [threading.Thread(target=self._live, daemon=True)]
        self._threads += [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resting.set()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=20)

    def let_customers_rest(self) -> None:
        """Nothing new happens; what is on its way is still sent again and again."""
        self._resting.set()
        self._threads[0].join(timeout=20)

    def answered(self) -> list[Delivery]:
        """Every one that was answered 200 by now."""
        with self._changed:
            return [each for each in self.deliveries if each.is_answered]

    def is_settled(self) -> bool:
        with self._changed:
            return not self._due and all(each.is_answered for each in self.deliveries)

    @property
    def failures(self) -> int:
        return self.statuses.total() - self.statuses["200"]

    def _live(self) -> None:
        while not self._resting.wait(1 / EVENTS_PER_SECOND):
            for webhook in self.customers.do_something():
                delivery = Delivery.of(webhook)
                with self._changed:
                    self.deliveries.append(delivery)
                    self._put(delivery, after=self._chance.random() / 4)

    def _put(self, delivery: Delivery, *, after: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + after, next(self._numbers), delivery))
        self._changed.notify()

    def _send(self) -> None:
        with httpx.Client(timeout=PATIENCE, verify=NO_TLS) as client:
            while delivery := self._next():
                status = self._post(client, delivery)
                with self._changed:
                    self._note(delivery, status)

    def _next(self) -> Delivery | None:
        with self._changed:
            while not self._ended:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _post(self, client: httpx.Client, delivery: Delivery) -> str:
        try:
            return str(
                client.post(self.url, content=delivery.body, headers=delivery.headers).status_code
            )
        except httpx.TransportError:
            return "none"

    def _note(self, delivery: Delivery, status: str) -> None:
        self.statuses[status] += 1
        delivery.attempts += 1
        if status != "200":
            self._put(delivery, after=min(0.05 * 2**delivery.attempts, 1.0))
        elif not delivery.is_answered:
            delivery.is_answered = True
            if self._chance.random() < 0.1:
                self._put(delivery, after=self._chance.random())
