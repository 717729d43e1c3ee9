"""What a customer's bank disputes, plainly modelled: each dispute only goes on, and has one end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STEPS = ("needs_response", "under_review")
ENDS = ("lost", "accepted", "prevented", "won")
FOR_THE_CUSTOMER = ("lost", "accepted")


@dataclass
class Dispute:
    """`began_as` is what the Admin API calls it to its end, `kind` what it is by now."""

    id: int
    order_id: int
    began_as: str
    kind: str = ""
    status: str = "needs_response"

    def __post_init__(self) -> None:
        self.kind = self.began_as

    @property
    def is_over(self) -> bool:
        return self.status in ENDS

    @property
    def ends_access(self) -> bool:
        return self.kind == "chargeback" and (not self.is_over or self.status in FOR_THE_CUSTOMER)

    def becomes_a_chargeback(self) -> None:
        self.kind, self.status = "chargeback", "needs_response"

    def as_webhook(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "order_id": self.order_id,
            "type": self.kind,
            "status": self.status,
        }

    def as_summary(self) -> dict[str, Any]:
        """As the order tells it in the Admin API."""
        return {"id": str(self.id), "initiated_as": self.began_as, "status": self.status}
