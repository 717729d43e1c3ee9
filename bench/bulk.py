"""Historic orders in arrays, as a backfill hands them over."""

from __future__ import annotations

import re
import time
from itertools import islice
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from bench import webhook_bodies
from bench.report import Report
from devtools.platform import Platform
from thetis.shopify import translate_order

ARRAY = 500


def measure(at: Platform, report: Report, *, orders: int = 100_000) -> None:
    report.say(f"bulk: {orders:,} orders")
    bodies = webhook_bodies.bodies(orders, first=600_000_000, age=webhook_bodies.LAST_WEEK)
    waiting = map(translate_order, bodies)
    seconds, sizes = 0.0, []
    with psycopg.connect(at.database_url, autocommit=True) as connection:
        while array := list(islice(waiting, ARRAY)):
            argument, started = Jsonb(array), time.perf_counter()
            connection.execute("select * from public.record_orders(%s)", (argument,)).fetchall()
            seconds += time.perf_counter() - started
            sizes.append(_own_megabytes(connection.info.backend_pid))
    early, late = sizes[len(sizes) // 10], sizes[-1]
    report.ratio(
        "Memory of Postgres's process after the bulk to a tenth of it", late / early, at_most=1.2
    )
    report.table(
        f"{orders:,} historic orders in arrays of {ARRAY}",
        ("orders/s", "MB after a tenth", "MB at the end"),
        [(f"{orders / seconds:,.0f}", f"{early:.0f}", f"{late:.0f}")],
    )


def _own_megabytes(pid: int) -> float:
    """Without the memory that all of Postgres's processes share."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
