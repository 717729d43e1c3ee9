"""Whole customer lives, drawn by Hypothesis: what people buy, change and give back, and when they
sign up; and ways in which Shopify may deliver the news of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypothesis import strategies as st

from service.local import samples
from tests.histories.shop import Line, Order, Webhook

_people = itertools.count()

LINES = st.builds(
    Line,
    slug=st.sampled_from([*samples.SAMPLE_PRODUCTS, None]),
    quantity=st.integers(1, 3),
    is_custom=st.just(False),
) | st.builds(Line, slug=st.none(), quantity=st.just(1), is_custom=st.just(True))


@dataclass
class Life:
    """The orders of a few people, and the webhooks about them in the order of what happened."""

    addresses: list[str]
    orders: list[Order] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)


@st.composite
def lives(draw: st.DrawFn, *, with_corrections: bool = False, hastily: bool = False) -> Life:
    """`with_corrections`: the shop may also write another address into an order."""
    life = Life([f"person{next(_people)}@example.com" for _ in range(draw(st.integers(1, 2)))])
    for _ in range(draw(st.integers(1, 3))):
        order = Order(
            email=_spelled(draw, draw(st.sampled_from(life.addresses))),
            lines=draw(st.lists(LINES, min_size=1, max_size=4)),
        )
        life.orders.append(order)
        life.webhooks += order.create()
        if draw(st.booleans()):
            life.webhooks += order.pay()
    for _ in range(draw(st.integers(0, 8))):
        order = draw(st.sampled_from(life.orders))
        life.webhooks += _something_happens(draw, order)
        if with_corrections and draw(st.integers(0, 3)) == 0:
            address = _spelled(draw, draw(st.sampled_from(life.addresses)))
            life.webhooks += order.correct_email(address, hastily=hastily)
    return life


def _spelled(draw: st.DrawFn, address: str) -> str:
    return draw(st.sampled_from([address, address.upper(), f" {address.title()} "]))


def _something_happens(draw: st.DrawFn, order: Order) -> list[Webhook]:
    line = draw(st.sampled_from(order.lines))
    happenings: list[Callable[[], list[Webhook]]] = [
        order.pay,
        order.pay,
        order.cancel,
        partial(order.give_back, line, draw(st.integers(1, 3))),
        partial(order.give_back, line, line.quantity),
        partial(order.pay_back, draw(st.integers(1, 4))),
        partial(order.add, draw(LINES)),
        partial(order.remove, line),
        partial(order.delete_product, line),
    ]
    return draw(st.sampled_from(happenings))()


@st.composite
def deliveries(draw: st.DrawFn, webhooks: list[Webhook]) -> list[Webhook]:
    """Some get lost, or all but the first word about each line and the last about each order; the
    rest comes in any order, or the newest first, and some of it twice.
    """
    kept: list[Webhook] = []
    last: dict[int, Webhook] = {}
    lines: set[int] = set()
    for webhook in webhooks:
        if not webhook.is_refund:
            last[webhook.payload["id"]] = webhook
            mentioned = {line["id"] for line in webhook.payload["line_items"]}
            kept += [webhook] if mentioned - lines else []
            lines |= mentioned
    kept += last.values()
    if draw(st.booleans()):
        kept += [webhook for webhook in webhooks if draw(st.booleans())]
    if draw(st.booleans()):
        return sorted(kept, key=webhooks.index, reverse=True)
    return draw(st.permutations(kept))
