"""A backfill that is killed again and again ends at exactly what is true."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime

from devtools.fake_shopify import FakeShop, running
from tests.support.database import Database
from tests.support.figures import Report
from tests.support.program import ROOT, environment, thetis
from tests.system.backfill.history import (
    announced,
    body,
    lived,
    settings,
    stored_purchases,
    true_purchases,
    truly_announced,
)
from tests.system.histories.shop import Order

COUNT, KILLS = 10_000, 3


def test_killed_at_random_and_resumed_it_comes_to_the_truth(
    database: Database, report_figures: Report
) -> None:
    until = datetime.now(UTC).replace(microsecond=0)
    orders = lived(COUNT, seed=16, days=700, until=until)
    shop = FakeShop(throttled=1)
    shop.put(*map(body, orders))
    chance = random.Random(16)
    with running(shop) as url:
        told = settings(database, url, shop.admin_token)
        began = time.monotonic()
        targets = sorted(chance.sample(range(5, COUNT // 30), KILLS))
        for target in targets:
            kill_at(database, target, told)
        resumed_at = time.monotonic()
        ended = thetis("backfill", **told)
        elapsed = time.monotonic() - began

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "again from" in ended.stdout
    assert stored_purchases(database) == true_purchases(orders)
    assert announced(database) == truly_announced(orders) != set()
    [sync] = database.rows("select * from thetis.order_syncs")
    assert sync["status"] == "finished"
    assert sync["recorded"] == len(ours(orders))
    assert COUNT <= sync["seen"] == sync["recorded"] + sync["unchanged"] + sync["ignored"]
    report_figures(
        f"{COUNT:,} orders, killed {KILLS} times",
        {
            "orders that were seen again after a kill": sync["seen"] - COUNT,
            "seconds, all together": round(elapsed, 1),
            "seconds of the last run": round(time.monotonic() - resumed_at, 1),
        },
    )


def ours(orders: list[Order]) -> list[Order]:
    return [order for order in orders if any(line.slug for line in order.lines)]


def kill_at(database: Database, page: int, told: dict[str, str]) -> None:
    """Run until so many pages are recorded; then end it as a power cut would."""
    with subprocess.Popen(
        [sys.executable, "-m", "thetis", "backfill"],
        cwd=ROOT,
        env=environment(**told),
        stdout=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while database.value("select coalesce(max(pages), 0) from thetis.order_syncs") < page:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    database.execute("update thetis.order_syncs set leased_until = now()")
