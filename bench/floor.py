"""What record_orders costs beside the least that can be committed: one row, into a plain table."""

from __future__ import annotations

import json
from datetime import timedelta
from statistics import median

import psycopg

from bench import database, pgbench, webhook_bodies
from bench.report import Report
from devtools.platform import Platform

AT_ONCE = 8
"""Orders in the call that busy times make of concurrent webhooks."""

NEW, OLD = timedelta(0), webhook_bodies.LAST_WEEK

_ITEMS: list[dict[str, object]] = [
    {
        "id": 6_666_666_666_661 + 7_919 * number,
        "title": f"Course no. {number:02}",
        "sku": f"COURSE-{number * 7_919:06}",
        "price": f"{100 + number}.00",
        "quantity": 1,
        "properties": [],
        "fulfillment_status": None,
    }
    for number in range(20)
]
_BODY = json.dumps({"items": _ITEMS, "note": "x" * 199}, separators=(",", ":"))
assert len(_BODY) == 3_000, "it says nothing of ours, and so never changes with our code"

FLOOR = f"insert into public.floor (body) values ('{_BODY}');"  # noqa: S608 - a constant


def measure(at: Platform, report: Report, *, rounds: int = 3, seconds: int = 2) -> None:
    report.say("the floor")
    with psycopg.connect(at.admin_url, autocommit=True) as admin:
        admin.execute("create table public.floor (body jsonb not null)")
        database.settle(admin)
    scripts = {
        "floor": FLOOR,
        "one": pgbench.record_orders(orders=1, age=OLD),
        "eight": pgbench.record_orders(orders=AT_ONCE, age=OLD),
        "one, notifying": pgbench.record_orders(orders=1, age=NEW),
        "eight, notifying": pgbench.record_orders(orders=AT_ONCE, age=NEW),
    }
    found = [
        {name: pgbench.cost(at, each, seconds=seconds) for name, each in scripts.items()}
        for _ in range(rounds)
    ]
    database.settle_notifications(at)
    _tell(report, found)


def _tell(report: Report, rounds: list[dict[str, pgbench.Cost]]) -> None:
    for name, orders, what, at_most in (
        ("one", 1, "record_orders, one order of three lines", 4.0),
        ("eight", AT_ONCE, f"record_orders, {AT_ONCE} orders a call, for each order", 1.5),
        ("one, notifying", 1, "the same with notifications, one order", 0.0),
        ("eight, notifying", AT_ONCE, f"the same with notifications, {AT_ONCE} a call", 0.0),
    ):
        report.ratio(
            f"{what}, to the floor",
            median(each[name].latency / orders / each["floor"].latency for each in rounds),
            at_most=at_most,
        )
    report.table(
        "A call by one client, in microseconds",
        ("Round", *(f"{name}: {of}" for name in rounds[0] for of in ("latency", "processor"))),
        [
            (
                number,
                *(
                    f"{seconds * 1e6:,.0f}"
                    for cost in each.values()
                    for seconds in (cost.latency, cost.processor)
                ),
            )
            for number, each in enumerate(rounds, start=1)
        ],
    )
