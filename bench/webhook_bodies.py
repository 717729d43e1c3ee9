"""Distinct, signed, realistic webhooks, ready to be written to a socket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from thetis.cli import shopify_payloads

SECRET = "a-benchmark-secret"  # noqa: S105 - lives as long as the benchmark
PRODUCTS = ("standard_course", "premium_course", "splint")
SHIPPED = "splint"

LAST_WEEK = timedelta(days=7)
"""An order that old enqueues nothing."""

ORDER_ID = 5_555_555_555_555
LINE_IDS = (6_666_666_666_661, 6_666_666_666_662, 6_666_666_666_663)
_EMAIL = "customer-5555555555555@example.com"
_NOT_IN_EVERY_ORDER = ("_set", "tax_lines", "_address")


def template(
    *, age: timedelta = timedelta(0), products: Sequence[str] = PRODUCTS
) -> dict[str, Any]:
    """An orders/paid body of 5 kB with three lines, of an order made `age` ago, whose ids are easy
    to replace.
    """
    now = datetime.now(UTC)
    order = shopify_payloads.order(
        "orders/paid",
        order_id=ORDER_ID,
        email=_EMAIL,
        products=[shopify_payloads.SAMPLE_PRODUCTS[slug] for slug in products],
        at=now,
        created_at=now - age,
    )
    for line, line_id in zip(order["line_items"], LINE_IDS, strict=False):
        line["id"] = line_id
    return dict(_lean(order))


def _lean(value: Any) -> Any:
    """Without what would make it 10 kB: an order of the sample shop says each sum twice."""
    if isinstance(value, list):
        return [_lean(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _lean(each) for name, each in value.items() if not name.endswith(_NOT_IN_EVERY_ORDER)
    }


def bodies(
    count: int, *, first: int, age: timedelta = timedelta(0), products: Sequence[str] = PRODUCTS
) -> Iterator[bytes]:
    """The bodies of the orders `first`, `first + 1`, ..., each with lines and a customer of its
    own.
    """
    text = shopify_payloads.encode(template(age=age, products=products))
    for number in range(first, first + count):
        body = text.replace(b"%d" % ORDER_ID, b"%d" % (5_000_000_000_000 + number))
        for place, line_id in enumerate(LINE_IDS, start=1):
            body = body.replace(b"%d" % line_id, b"%d%012d" % (place, number))
        yield body


def requests(count: int, *, first: int, age: timedelta = timedelta(0)) -> list[bytes]:
    """The same as whole HTTP requests."""
    return [request(body) for body in bodies(count, first=first, age=age)]


def size() -> int:
    """Bytes in each body."""
    return len(next(bodies(1, first=1)))


def request(body: bytes) -> bytes:
    headers = shopify_payloads.headers("orders/paid", body, SECRET)
    head = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    line = f"POST /webhooks/shopify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{line}{head}\r\n".encode() + body
