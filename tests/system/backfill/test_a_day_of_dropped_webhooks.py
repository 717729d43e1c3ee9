"""What the webhooks of a day did not tell, the worker's reconcile does."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from devtools.fake_shopify import FakeShop
from devtools.fake_shopify import running as running_shop
from tests.support.database import Database
from tests.support.service import Service, eventually, running
from tests.system.backfill.history import (
    announced,
    body,
    lived,
    stored_purchases,
    true_purchases,
    truly_announced,
)
from tests.system.histories.shop import Order

RECONCILE: dict[str, Any] = {
    "shopify_shop": "example-shop.myshopify.com",
    "shopify_admin_token": "shpat_example",
    "reconcile_minutes": 0.005,
}


def reconciled_yesterday(database: Database) -> None:
    """Up to a day ago nothing was missing."""
    database.execute(
        "insert into thetis.order_syncs (purpose, since, through, reached, status, holder,"
        " leased_until, follows_another, ended_at) select 'reconcile', day, day, day, 'finished',"
        " 'yesterday', day, false, day from (select now() - interval '23 hours' as day) as past"
    )


def reconciled(service: Service, database: Database, times: int = 1) -> None:
    query = "select count(*) from thetis.order_syncs where status = 'finished'"
    before = database.value(query)
    eventually(lambda: database.value(query) >= before + times)
    assert service.get("/readyz").status_code == 200


def test_a_reconcile_repairs_a_day_of_dropped_webhooks(database: Database) -> None:
    chance = random.Random(7)
    until = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=11)
    orders = lived(300, seed=7, days=0.9, until=until)
    bodies = {order.id: body(order) for order in orders}
    arrived = [order for order in orders if chance.random() < 0.5]
    reconciled_yesterday(database)
    shop = FakeShop(admin_token="shpat_example")
    shop.put(*bodies.values())

    database.record_orders(*(bodies[order.id] for order in arrived))
    assert stored_purchases(database) != true_purchases(orders)
    with (
        running_shop(shop) as url,
        running({"database_url": database.url}, **RECONCILE, shopify_base_url=url) as service,
    ):
        reconciled(service, database)
        metrics = service.metrics()

    assert stored_purchases(database) == true_purchases(orders)
    assert announced(database) == truly_announced(orders) != set()
    dropped = [order for order in orders if order not in arrived]
    assert metrics["thetis_webhooks_missed"] == len(of_ours(dropped))
    assert metrics["thetis_reconcile_lag_seconds"] < 60
    assert metrics["thetis_reconcile_last_success_timestamp_seconds"] > until.timestamp()
    assert metrics['thetis_reconciled_orders_total{outcome="recorded"}'] == len(of_ours(dropped))


def of_ours(orders: list[Order]) -> list[Order]:
    return [order for order in orders if any(line.slug for line in order.lines)]


def test_a_shop_that_does_not_answer_is_asked_again_and_the_service_goes_on(
    database: Database,
) -> None:
    orders = lived(20, seed=8, days=0.5, until=datetime.now(UTC).replace(microsecond=0))
    shop = FakeShop(admin_token="shpat_another")
    shop.put(*map(body, orders))
    with (
        running_shop(shop) as url,
        running({"database_url": database.url}, **RECONCILE, shopify_base_url=url) as service,
    ):
        eventually(lambda: len(shop.received) >= 2)
        assert database.purchases() == []
        shop.admin_token = "shpat_example"
        reconciled(service, database)

    assert stored_purchases(database) == true_purchases(orders)


def test_nothing_is_asked_without_a_shop_or_every_0_minutes(database: Database) -> None:
    shop = FakeShop()
    with running_shop(shop) as url:
        off: dict[str, Any]
        for off in ({"reconcile_minutes": 0.005}, {**RECONCILE, "reconcile_minutes": 0}):
            given = {**off, "shopify_base_url": url}
            with running({"database_url": database.url}, **given) as service:
                assert service.get("/readyz").status_code == 200
                assert "nan" in str(service.metrics()["thetis_reconcile_lag_seconds"])

    assert shop.received == []


def test_told_to_stop_it_ends_and_another_one_goes_on(database: Database) -> None:
    orders = lived(400, seed=9, days=2, until=datetime.now(UTC).replace(microsecond=0))
    shop = FakeShop(admin_token="shpat_example")
    shop.put(*map(body, orders))
    pages = "select coalesce(max(pages), 0) from thetis.order_syncs"
    with running_shop(shop) as url:
        given = {**RECONCILE, "shopify_base_url": url}
        with running({"database_url": database.url}, **given):
            eventually(lambda: database.value(pages) >= 2)
        [stopped] = database.rows(
            "select *, leased_until <= now() as is_free from thetis.order_syncs"
        )
        assert (stopped["status"], stopped["is_free"]) == ("running", True)

        with running({"database_url": database.url}, **given) as service:
            reconciled(service, database)

    assert stored_purchases(database) == true_purchases(orders)
    assert announced(database) == truly_announced(orders)
