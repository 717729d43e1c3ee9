"""Small lives of an order: a handful of events each, and what must be true at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.shopify import COURSE, PREMIUM, SPLINT, line, order, refund

Json = dict[str, Any]

SECONDS = tuple(f"2026-11-20T10:00:{second:02}-05:00" for second in range(10))


@dataclass(frozen=True)
class SignUp:
    """Somebody proves this address."""

    email: str


Event = Json | SignUp
"""An order, a refund, or a sign-up."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """`events` makes the life of the n-th order, whose buyer is email(n). `statuses` is the end."""

    events: Callable[[int], Sequence[Event]]
    statuses: dict[str, str]
    access: set[str] = field(default_factory=set)
    enqueued: set[str] = field(default_factory=set)


def email(n: int) -> str:
    return f"ada.{n}@example.com"


def told(n: int, *lines: str | Json, second: int = 0, **fields: Any) -> Json:
    """What Shopify says of the n-th order, so many seconds into its life."""
    return order(
        n,
        *lines,
        **{"email": email(n), "updated_at": SECONDS[second], "order_number": 1001, **fields},
    )


def gone(n: int, slug: str, **fields: Any) -> Json:
    """A line whose product was deleted."""
    return line(n, slug, product_id=None, **fields)


def nothing_left(n: int, slug: str, quantity: int = 1) -> Json:
    return line(n, slug, quantity=quantity, current_quantity=0)


def _paid_late(n: int) -> list[Event]:
    return [
        told(n, COURSE, SPLINT, financial_status="pending"),
        told(n, COURSE, SPLINT, financial_status="authorized"),
        told(n, COURSE, SPLINT),
        told(n, COURSE, SPLINT, tags="vip"),
        SignUp(email(n)),
    ]


def _refunded_in_parts(n: int) -> list[Event]:
    bought = line(n, COURSE, quantity=3)
    first, second = refund(10 * n + 1, n, **{COURSE: 1}), refund(10 * n + 2, n, **{COURSE: 2})
    return [
        told(n, bought, SPLINT),
        first,
        second,
        told(n, bought, SPLINT, financial_status="partially_refunded", refunds=[first]),
        SignUp(email(n)),
    ]


def _refunded_but_for_one(n: int) -> list[Event]:
    part = refund(10 * n + 1, n, **{COURSE: 1})
    twice = {**part, "refund_line_items": part["refund_line_items"] * 2}
    left = line(n, COURSE, quantity=3, current_quantity=1)
    return [
        told(n, line(n, COURSE, quantity=3)),
        twice,
        told(n, left, financial_status="partially_refunded", refunds=[twice]),
        refund(10 * n + 2, n),
        SignUp(email(n)),
    ]


def _wholly_refunded(n: int) -> list[Event]:
    both = refund(10 * n + 1, n, **{COURSE: 1, SPLINT: 1})
    return [
        told(n, COURSE, SPLINT, financial_status="pending"),
        told(n, COURSE, SPLINT),
        both,
        told(n, COURSE, SPLINT, financial_status="refunded", refunds=[both]),
        SignUp(email(n)),
    ]


def _cancelled_then_refunded(n: int) -> list[Event]:
    cancelled: Json = {"cancelled_at": SECONDS[3]}
    one = refund(10 * n + 1, n, **{COURSE: 1})
    return [
        told(n, COURSE, SPLINT),
        told(n, COURSE, SPLINT, **cancelled),
        one,
        told(
            n,
            nothing_left(n, COURSE),
            SPLINT,
            financial_status="partially_refunded",
            refunds=[one],
            **cancelled,
        ),
        SignUp(email(n)),
    ]


def _never_paid(n: int) -> list[Event]:
    return [
        told(n, COURSE, financial_status="pending"),
        told(n, COURSE, financial_status="expired"),
        told(n, COURSE, financial_status="voided", cancelled_at=SECONDS[2]),
        SignUp(email(n)),
    ]


def _voided_then_paid(n: int) -> list[Event]:
    return [
        told(n, COURSE, financial_status="authorized", second=0),
        told(n, COURSE, financial_status="voided", second=1),
        told(n, COURSE, second=2),
        told(n, COURSE, second=3),
        SignUp(email(n)),
    ]


def _product_deleted(n: int) -> list[Event]:
    return [
        told(n, COURSE, SPLINT, financial_status="pending"),
        told(n, COURSE, SPLINT),
        told(n, gone(n, COURSE), gone(n, SPLINT)),
        told(n, gone(n, COURSE, current_quantity=0), gone(n, SPLINT)),
        SignUp(email(n)),
    ]


def _lines_added_and_removed(n: int) -> list[Event]:
    back = refund(10 * n + 1, n, **{COURSE: 1})
    return [
        told(n, COURSE),
        told(n, COURSE, PREMIUM, financial_status="partially_paid"),
        told(n, COURSE, PREMIUM),
        back,
        told(n, nothing_left(n, COURSE), PREMIUM, refunds=[back]),
    ]


def _quantity_raised(n: int) -> list[Event]:
    back = refund(10 * n + 1, n, **{COURSE: 1})
    raised = line(n, COURSE, quantity=2)
    return [
        told(n, COURSE, financial_status="pending"),
        told(n, COURSE),
        told(n, raised),
        back,
        told(n, line(n, COURSE, quantity=2, current_quantity=1), refunds=[back]),
    ]


def _address_corrected(n: int) -> list[Event]:
    return [
        told(n, COURSE, email=f"typo.{n}@example.com", second=0),
        told(n, COURSE, email="", contact_email=f"tipo.{n}@example.com", second=1),
        told(n, COURSE, email=f" ADA.{n}@example.com ", second=2),
        told(n, COURSE, email=None, second=3),
        SignUp(email(n)),
    ]


def _corrected_within_a_second(n: int) -> list[Event]:
    """Two addresses of the same second: the one that is later in the alphabet wins, always."""
    return [
        told(n, COURSE, email=f"aaa.{n}@example.com", second=1),
        told(n, COURSE, second=1),
        told(n, COURSE, email=f"zzz.{n}@example.com", second=0),
        told(n, COURSE, email=None, second=1, financial_status="pending"),
        SignUp(email(n)),
    ]


def _address_missing_at_first(n: int) -> list[Event]:
    return [
        told(n, COURSE, email=None, financial_status="pending"),
        told(n, COURSE, email="", second=1),
        told(n, COURSE, second=1),
        SignUp(email(n)),
    ]


TRIGGER, COURSE_ACCESS = "post_purchase", "course_access"

LIVES = {
    "paid late": Life(
        events=_paid_late,
        statuses={COURSE: "active", SPLINT: "active"},
        access={COURSE, SPLINT},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
    "refunded in parts": Life(
        events=_refunded_in_parts,
        statuses={COURSE: "refunded", SPLINT: "active"},
        access={SPLINT},
        enqueued={TRIGGER},
    ),
    "refunded but for one": Life(
        events=_refunded_but_for_one,
        statuses={COURSE: "active"},
        access={COURSE},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
    "wholly refunded": Life(
        events=_wholly_refunded, statuses={COURSE: "refunded", SPLINT: "refunded"}
    ),
    "cancelled, then refunded": Life(
        events=_cancelled_then_refunded, statuses={COURSE: "refunded", SPLINT: "cancelled"}
    ),
    "never paid": Life(events=_never_paid, statuses={}),
    "voided, then paid": Life(
        events=_voided_then_paid,
        statuses={COURSE: "active"},
        access={COURSE},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
    "product deleted": Life(
        events=_product_deleted,
        statuses={COURSE: "refunded", SPLINT: "active"},
        access={SPLINT},
        enqueued={TRIGGER},
    ),
    "lines added and removed": Life(
        events=_lines_added_and_removed,
        statuses={COURSE: "refunded", PREMIUM: "active"},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
    "quantity raised": Life(
        events=_quantity_raised, statuses={COURSE: "active"}, enqueued={TRIGGER, COURSE_ACCESS}
    ),
    "address corrected": Life(
        events=_address_corrected,
        statuses={COURSE: "active"},
        access={COURSE},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
    "corrected within a second": Life(
        events=_corrected_within_a_second,
        statuses={COURSE: "active"},
        access={COURSE},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
    "address missing at first": Life(
        events=_address_missing_at_first,
        statuses={COURSE: "active"},
        access={COURSE},
        enqueued={TRIGGER, COURSE_ACCESS},
    ),
}
