"""A shop, plainly modelled: what customers do, what Shopify then says, and what is true at the end.

The model knows nothing of Thetis. It keeps each order as Shopify does, and says for each event the
webhooks that Shopify would send. The truth is read off the orders themselves.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.system.histories.disputes import Dispute
from thetis.cli import shopify_disputes, shopify_payloads

Json = dict[str, Any]

FOREIGN_PRODUCT = 632910392
"""A product of the shop that Thetis knows nothing of."""

_ids = itertools.count(7_000_000_000_000)


@dataclass
class Line:
    """`slug` is None for a product that is not ours, `is_custom` for one that is no product.

    `is_refunded`: all that the order had been paid was paid back while this line was paid.
    """

    slug: str | None
    quantity: int
    is_custom: bool = False
    is_deleted: bool = False
    is_paid: bool = False
    is_refunded: bool = False
    given_back: int = 0
    id: int = field(default_factory=lambda: next(_ids))

    @property
    def left(self) -> int:
        return self.quantity - self.given_back

    def snapshot(self) -> Json:
        product = (
            shopify_payloads.SAMPLE_PRODUCTS[self.slug].shopify_id if self.slug else FOREIGN_PRODUCT
        )
        is_nameless = self.is_custom or self.is_deleted
        return {
            "id": self.id,
            "product_id": None if is_nameless else product,
            "quantity": self.quantity,
            "current_quantity": self.left,
        }


@dataclass
class Order:
    """Every unit costs one. Each method is something that happens, and returns the webhooks."""

    email: str
    lines: list[Line]
    paid: int = 0
    paid_back: int = 0
    is_voided: bool = False
    is_cancelled: bool = False
    refunds: list[Json] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    id: int = field(default_factory=lambda: next(_ids))
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    _changes: int = 0

    def create(self) -> list[Webhook]:
        return [Webhook("orders/create", self._snapshot())]

    def pay(self) -> list[Webhook]:
        """Whatever is outstanding."""
        if self.is_cancelled or not self._outstanding():
            return []
        self._changes += 2 if self.paid_back else 0  # nobody pays again within the second
        self.paid += self._outstanding()
        return [Webhook("orders/paid", self._snapshot()), *self._updated()]

    def pay_deposit(self) -> list[Webhook]:
        """A part of what is outstanding: that gives nothing yet."""
        if self.is_cancelled or self._outstanding() < 2:
            return []
        self.paid += 1
        return self._updated()

    def void(self) -> list[Webhook]:
        """The authorised payment is let go. The order lives on and may be paid in another way."""
        if self.paid or self.is_cancelled:
            return []
        self.is_voided = True
        return self._updated()

    def give_back(self, line: Line, quantity: int) -> list[Webhook]:
        """So many of a line are refunded, with their price."""
        quantity = min(quantity, line.left)
        if not line.is_paid or not quantity:
            return []
        line.given_back += quantity
        self.paid_back += min(quantity, self._still_paid())
        return self._refunded([{"line_item_id": line.id, "quantity": quantity}])

    def pay_back(self, amount: int) -> list[Webhook]:
        """A refund of an amount alone, for goodwill."""
        amount = min(amount, self._still_paid())
        if not amount:
            return []
        self.paid_back += amount
        return self._refunded([])

    def cancel(self) -> list[Webhook]:
        if self.is_cancelled:
            return []
        self.is_cancelled = True
        return [Webhook("orders/cancelled", self._snapshot()), *self._updated()]

    def add(self, line: Line) -> list[Webhook]:
        """The order is edited; a line is added, which is to be paid for."""
        if self.is_cancelled:
            return []
        self.lines.append(line)
        return self._updated()

    def remove(self, line: Line) -> list[Webhook]:
        """The order is edited; a line is removed, and paid back if it was paid."""
        if self.is_cancelled:
            return []
        if line.is_paid:
            return self.give_back(line, line.left)
        line.given_back = line.quantity
        return self._updated()

    def delete_product(self, line: Line) -> list[Webhook]:
        """Shopify forgets what the line was; an unrelated change sends the order again."""
        line.is_deleted = True
        return self._updated()

    def correct_email(self, email: str, *, hastily: bool = False) -> list[Webhook]:
        """Hastily: perhaps within the second of another change, so that nobody can tell from the
        webhooks what came last.
        """
        self.email = email
        self._changes += 0 if hastily else 2
        return self._updated()

    def open_dispute(self, began_as: str) -> list[Webhook]:
        if not self.paid:
            return []
        self.disputes.append(Dispute(next(_ids), self.id, began_as))
        return [Webhook("disputes/create", self.disputes[-1].as_webhook())]

    def dispute_goes_on(self, status: str) -> list[Webhook]:
        """The latest that is open; an inquiry may become a chargeback instead."""
        is_open = [each for each in self.disputes if not each.is_over]
        if not is_open:
            return []
        if status == "chargeback":
            is_open[-1].becomes_a_chargeback()
        else:
            is_open[-1].status = status
        return [Webhook("disputes/update", is_open[-1].as_webhook())]

    def tell_all(self) -> list[Webhook]:
        """The order as the Admin API tells it, to whoever looks for what they missed."""
        summaries = [each.as_summary() for each in self.disputes]
        return [Webhook("orders/updated", {**self._snapshot(), "disputes": summaries})]

    def statuses(self) -> dict[int, str]:
        """The truth: the status of each purchase there should be, by line item."""
        return {line.id: self._status(line) for line in self.lines if line.slug and line.is_paid}

    def slug(self, line_id: int) -> str | None:
        return next(line.slug for line in self.lines if line.id == line_id)

    def _status(self, line: Line) -> str:
        if line.is_refunded or not line.left:
            return "refunded"
        is_charged_back = any(each.ends_access for each in self.disputes)
        return "cancelled" if self.is_cancelled or is_charged_back else "active"

    def _still_paid(self) -> int:
        return self.paid - self.paid_back

    def _outstanding(self) -> int:
        """What of a deposit was not paid back counts towards it."""
        paid_lines = sum(line.quantity for line in self.lines if line.is_paid)
        deposit = max(self.paid - paid_lines, 0)
        unpaid_lines = sum(line.left for line in self.lines if not line.is_paid)
        return max(unpaid_lines - min(deposit, self._still_paid()), 0)

    def _financial_status(self) -> str:
        if not self.paid:
            return "voided" if self.is_voided else "pending"
        if self.paid_back:
            return "partially_refunded" if self._still_paid() else "refunded"
        return "partially_paid" if self._outstanding() else "paid"

    def _settle(self) -> None:
        """Once nothing is outstanding, all lines are paid; once all is paid back, they are over."""
        is_settled = bool(self.paid and not self._outstanding())
        for line in self.lines:
            line.is_paid = line.is_paid or is_settled
        if self._financial_status() == "refunded":
            for line in self.lines:
                line.is_refunded = line.is_refunded or line.is_paid

    def _refunded(self, lines: list[Json]) -> list[Webhook]:
        refund = {"id": next(_ids), "order_id": self.id, "refund_line_items": lines}
        self.refunds.append(refund)
        only_the_order_tells = not lines or (
            self._financial_status() == "refunded" and any(line.left for line in self.lines)
        )
        return [
            Webhook("refunds/create", refund),
            *self._updated(is_echo=not only_the_order_tells),
        ]

    def _updated(self, *, is_echo: bool = False) -> list[Webhook]:
        return [Webhook("orders/updated", self._snapshot(), is_echo=is_echo)]

    def _snapshot(self) -> Json:
        # Whole seconds, and several changes may fall into one.
        self._settle()
        self._changes += 1
        changed_at = self.made_at + timedelta(seconds=self._changes // 2)
        return {
            "id": self.id,
            "order_number": self.id % 10_000,
            "email": self.email,
            "financial_status": self._financial_status(),
            "total_outstanding": f"{self._outstanding()}.00",
            "cancelled_at": changed_at.isoformat() if self.is_cancelled else None,
            "created_at": self.made_at.isoformat(),
            "processed_at": self.made_at.isoformat(),
            "updated_at": changed_at.isoformat(),
            "line_items": [line.snapshot() for line in self.lines],
            "refunds": list(self.refunds),
        }


@dataclass(frozen=True)
class Webhook:
    """One delivery of Shopify's. An echo tells no more than the refunds/create before it."""

    topic: str
    payload: Json
    is_echo: bool = False

    @property
    def payment(self) -> tuple[str, bool] | None:
        """What it tells of money: all lines are paid, or all was paid back; None for anything else.

        With whether nothing is outstanding.
        """
        status = self.payload["financial_status"]
        is_settled = self.payload["total_outstanding"] == "0.00"
        tells = status == "refunded" or (status in {"paid", "partially_refunded"} and is_settled)
        return (status, is_settled) if tells else None

    @property
    def is_refund(self) -> bool:
        return self.topic == "refunds/create"

    @property
    def is_dispute(self) -> bool:
        return self.topic.startswith("disputes/")

    @property
    def is_order(self) -> bool:
        return not self.is_refund and not self.is_dispute

    def whole_payload(self) -> Json:
        """All that Shopify would send, with the model's facts in it."""
        product, now = shopify_payloads.SAMPLE_PRODUCTS["splint"], datetime.now(UTC)
        if self.is_refund:
            order_id = self.payload["order_id"]
            usual = shopify_payloads.refund(order_id=order_id, products=[product], at=now)
        elif self.is_dispute:
            usual = shopify_disputes.dispute(order_id=1, status="lost", at=now)
        else:
            usual = shopify_payloads.order(
                self.topic, order_id=1, email="x@example.com", products=[product], at=now
            )
        return {**usual, **self.payload}
