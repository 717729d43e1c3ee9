"""Whole customer lives, drawn by Hypothesis: what people buy, change and give back, and when they
sign up; and ways in which Shopify may deliver the news of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from hypothesis import strategies as st

from tests.system.histories.disputes import ENDS, STEPS
from tests.system.histories.shop import Line, Order, Webhook
from thetis.cli import shopify_payloads

_people = itertools.count()

OURS = st.builds(
    Line, slug=st.sampled_from([*shopify_payloads.SAMPLE_PRODUCTS]), quantity=st.integers(1, 3)
)
FOREIGN = st.builds(Line, slug=st.none(), quantity=st.integers(1, 3), is_custom=st.booleans())
AGAIN = st.builds(
    Line, slug=st.sampled_from(["standard_course", "splint"]), quantity=st.integers(1, 2)
)
LINES = st.integers(0, 3).flatmap(lambda number: OURS if number else FOREIGN)


@dataclass
class Life:
    """The orders of a few people, and the webhooks about them in the order of what happened."""

    addresses: list[str]
    orders: list[Order] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)


@st.composite
def lives(
    draw: st.DrawFn,
    *,
    with_corrections: bool = False,
    hastily: bool = False,
    with_ages: bool = False,
) -> Life:
    """`with_corrections`: the shop may also write another address into an order; `hastily`, two
    within a second. `with_ages`: the orders were made some days ago, no two at the same moment,
    and all of the same two products.

    Half of them are about one line of one order: a few things that befall the same line find
    faults that many things rarely do.
    """
    orders, lines = draw(st.sampled_from([(1, 1), (3, 6)]))
    people = 2 if with_corrections else draw(st.integers(1, 2))
    life = Life([f"person{next(_people)}@example.com" for _ in range(people)])
    for _ in range(draw(st.integers(1, orders))):
        order = Order(
            email=_spelled(draw, draw(st.sampled_from(life.addresses))),
            lines=draw(st.lists(AGAIN if with_ages else LINES, min_size=1, max_size=lines)),
        )
        if with_ages:
            days = draw(st.integers(0, 5)) * 15
            order.made_at -= timedelta(days=days, hours=1 + len(life.orders))
        life.orders.append(order)
        life.webhooks += order.create() + _begins(draw, order)
    for _ in range(draw(st.integers(1, 8))):
        order = draw(st.sampled_from(life.orders))
        life.webhooks += _something_happens(draw, order, may_delete=not with_corrections)
        if with_corrections:
            for _ in range(draw(st.integers(0, 2))):
                address = _spelled(draw, draw(st.sampled_from(life.addresses)))
                life.webhooks += order.correct_email(address, hastily=hastily)
    if hastily:
        for order in life.orders:
            for address in draw(st.permutations(life.addresses)):
                life.webhooks += order.correct_email(address, hastily=True)
    return life


def _begins(draw: st.DrawFn, order: Order) -> list[Webhook]:
    """What happens to most orders at once."""
    webhooks = []
    if draw(st.integers(0, 3)) == 0:
        webhooks += order.void()
    if draw(st.integers(0, 3)) == 0:
        webhooks += order.pay_deposit()
    if draw(st.booleans()):
        webhooks += order.pay()
    return webhooks


def _spelled(draw: st.DrawFn, address: str) -> str:
    return draw(st.sampled_from([address, address.upper(), f" {address.title()} "]))


def _something_happens(draw: st.DrawFn, order: Order, *, may_delete: bool) -> list[Webhook]:
    """No product is deleted in lives with corrections: see docs/INVARIANTS.md, the last section."""
    line = draw(st.sampled_from(order.lines))
    happenings: list[Callable[[], list[Webhook]]] = [
        order.pay,
        order.pay,
        order.pay_deposit,
        order.cancel,
        order.void,
        partial(order.give_back, line, draw(st.integers(1, 3))),
        partial(order.give_back, line, line.quantity),
        partial(_give_back_one_by_one, order, line),
        partial(order.pay_back, draw(st.integers(1, 4))),
        partial(order.add, draw(LINES)),
        partial(order.remove, line),
        partial(order.open_dispute, draw(st.sampled_from(["chargeback", "inquiry"]))),
        partial(order.dispute_goes_on, draw(st.sampled_from([*STEPS, *ENDS, "chargeback"]))),
        order.tell_all,
    ]
    happenings += [partial(order.delete_product, line)] if may_delete else []
    return draw(st.sampled_from(happenings))()


def _give_back_one_by_one(order: Order, line: Line) -> list[Webhook]:
    return [webhook for _ in range(line.quantity) for webhook in order.give_back(line, 1)]


@st.composite
def deliveries(draw: st.DrawFn, webhooks: list[Webhook]) -> list[Webhook]:
    """Some get lost, or all but the first word about each line and the last about each order; the
    rest comes in any order, or as it happened, or the newest first, and some of it twice.
    """
    kept = draw(st.sampled_from([_last_words, _last_words_of_each_topic]))(webhooks)
    if draw(st.booleans()):
        kept += [webhook for webhook in webhooks if draw(st.booleans())]
    if draw(st.booleans()):
        return draw(st.permutations(kept))
    return sorted(kept, key=webhooks.index, reverse=draw(st.booleans()))


def _last_words(webhooks: list[Webhook]) -> list[Webhook]:
    """What the order says last about itself tells all, but what its lines were, and what of it was
    paid before a line was added or before all was paid back.
    """
    first: list[Webhook] = []
    last: dict[tuple[int, object, int], Webhook] = {}
    lines: set[int] = set()
    turns: dict[int, list[object]] = {}
    for webhook in webhooks:
        if webhook.is_order:
            order_id = webhook.payload["id"]
            states = turns.setdefault(order_id, [])
            if not states or states[-1] != webhook.payment:
                states.append(webhook.payment)
            kept = (webhook.payment, len(states)) if webhook.payment else (None, 0)
            last[order_id, *kept] = webhook
            mentioned = {line["id"] for line in webhook.payload["line_items"]}
            first += [webhook] if mentioned - lines else []
            lines |= mentioned
    newest = {webhook.payload["id"]: webhook for webhook in webhooks if webhook.is_order}
    disputes = {webhook.payload["id"]: webhook for webhook in webhooks if webhook.is_dispute}
    return first + list(last.values()) + list(newest.values()) + list(disputes.values())


def _last_words_of_each_topic(webhooks: list[Webhook]) -> list[Webhook]:
    """Every refunds/create, and of the orders what they do not tell."""
    refunds = [webhook for webhook in webhooks if webhook.is_refund]
    return _last_words([each for each in webhooks if not each.is_echo]) + refunds
