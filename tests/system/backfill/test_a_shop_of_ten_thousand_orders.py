"""A backfill is killed again and again, while orders go on changing. It ends, with the reconcile
that follows, at exactly what is true.
"""

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
    NEW,
    announced,
    body,
    lived,
    settings,
    stored_purchases,
    true_purchases,
    truly_announced,
)
from tests.system.histories.shop import Json, Order

COUNT, KILLS, CHANGES = 10_000, 3, 50


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
        for part in range(KILLS):
            kill_at(database, int(COUNT * (part + chance.uniform(0.1, 0.9)) / KILLS), told)
            shop.put(*change_some(orders, chance))
        resumed_at = time.monotonic()
        ended = thetis("backfill", **told)
        elapsed = time.monotonic() - began
        reconciled = thetis("reconcile", **told)

    assert (reconciled.returncode, reconciled.stderr) == (0, "")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "again from" in ended.stdout
    assert stored_purchases(database) == true_purchases(orders)
    assert announced(database) == truly_announced(orders) != set()
    [sync] = database.rows("select * from thetis.order_syncs where purpose = 'backfill'")
    assert sync["status"] == "finished"
    assert sync["seen"] == sync["recorded"] + sync["unchanged"] + sync["ignored"]
    known = {row["shopify_order_id"] for row in database.rows("select * from thetis.orders")}
    assert known == {str(order.id) for order in orders}
    report_figures(
        f"{COUNT:,} orders, killed {KILLS} times",
        {
            "orders that changed meanwhile": CHANGES * KILLS,
            "seconds, all together": round(elapsed, 1),
            "seconds of the last run": round(time.monotonic() - resumed_at, 1),
        },
    )


def change_some(orders: list[Order], chance: random.Random) -> list[Json]:
    """Just now, and to what is long announced or never will be."""
    now = datetime.now(UTC).replace(microsecond=0)
    changed = chance.sample([order for order in orders if order.made_at < now - 2 * NEW], CHANGES)
    for order in changed:
        line = chance.choice(order.lines)
        chance.choice((order.cancel, lambda line=line, order=order: order.give_back(line, 1)))()
    return [{**body(order), "updated_at": now.isoformat()} for order in changed]


def kill_at(database: Database, seen: int, told: dict[str, str]) -> None:
    """Run until so many orders are recorded; then end it, whatever it does at that moment."""
    with subprocess.Popen(
        [sys.executable, "-m", "thetis", "backfill"],
        cwd=ROOT,
        env=environment(**told),
        stdout=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while database.value("select coalesce(max(seen), 0) from thetis.order_syncs") < seen:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    database.execute("update thetis.order_syncs set leased_until = now()")
