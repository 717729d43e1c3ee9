"""What customers get of what is sent: Knock and Resend, plainly modelled, at their strictest.

A provider takes a message once, by its id. A cancellation ends every trigger of its run that came
before it, and every one that comes after it: Knock may mix up two that come close together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.support.database import Database, Row

Named = tuple[str, str, str]
"""A kind, an address and the id of a purchase, or for an email the slug of a course."""


@dataclass
class Trigger:
    """One run of the workflow."""

    order_id: str
    run: int
    email: str
    purchases: set[str]


@dataclass
class Customers:
    """`named`: by how many messages each purchase was named to an address. `emails`: of which
    order, to whom, and which courses each course email named.
    """

    database: Database
    named: Counter[Named] = field(default_factory=Counter)
    emails: list[tuple[str, str, set[str]]] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    cancelled: set[tuple[str, int, str]] = field(default_factory=set)
    ended: dict[str, set[str]] = field(default_factory=dict)
    _tried: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def let_time_pass(self) -> None:
        self.database.execute(
            "update thetis.notifications set"
            " due_at = least(due_at, now()), leased_until = least(leased_until, now())"
            " where status = 'pending' or leased_until is not null"
        )

    def get(self, data: st.DataObject | None = None) -> None:
        """Everything that is due is tried. With `data` some of it gets no answer, and may have
        arrived all the same.
        """
        for claimed in self.database.claim():
            has_answer = data is None or data.draw(st.booleans())
            self._note(claimed)
            if has_answer or (data is not None and data.draw(st.booleans())):
                self._take(claimed)
            self.database.settle(
                {
                    "id": str(claimed["id"]),
                    "attempt": claimed["attempt"],
                    "result": "sent" if has_answer else "retry",
                }
            )

    def get_everything(self) -> None:
        for _ in range(20):
            self.let_time_pass()
            self.get()
            if not self.database.value(
                "select count(*) from thetis.notifications where status = 'pending'"
            ):
                return
        raise AssertionError("there is no end of messages")

    def running(self) -> list[Trigger]:
        return [
            each
            for each in self.triggers
            if (each.order_id, each.run, each.email) not in self.cancelled
        ]

    def _note(self, claimed: Row) -> None:
        """Each message counts once, however often it is tried."""
        if claimed["id"] in self._tried:
            return
        self._tried.add(claimed["id"])
        payload = claimed["payload"]
        if claimed["kind"] == "post_purchase":
            self._count(claimed, [each["id"] for each in payload["purchases"]])
        if claimed["kind"] == "course_access":
            slugs = {course["slug"] for course in payload["courses"]}
            self.emails.append((claimed["shopify_order_id"], payload["email"], slugs))

    def _count(self, claimed: Row, purchases: list[str]) -> None:
        for each in purchases:
            self.named[claimed["kind"], claimed["payload"]["email"], each] += 1

    def _take(self, claimed: Row) -> None:
        payload: dict[str, Any] = claimed["payload"]
        order_id = claimed["shopify_order_id"]
        is_new = claimed["id"] not in self._taken
        self._taken.add(claimed["id"])
        if claimed["kind"] == "post_purchase" and is_new:
            purchases = {each["id"] for each in payload["purchases"]}
            self.triggers.append(Trigger(order_id, payload["run"], payload["email"], purchases))
        if claimed["kind"] == "post_purchase_cancel":
            self.cancelled.add((order_id, payload["run"], payload["email"]))
        if claimed["kind"] == "post_purchase_update":
            self.ended[order_id] = set(payload["ended"])
