"""Orders that Shopify marks as tests are granted or ignored, and never counted among real ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.database import Database
from tests.support.service import Service, running
from tests.support.shopify import COURSE, order

REAL = 'thetis_webhooks_total{{outcome="{}",topic="orders/paid"}}'
TEST = 'thetis_test_webhooks_total{{outcome="{}",topic="orders/paid"}}'


@pytest.fixture(params=["grant", "ignore"])
def test_orders(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(database: Database, test_orders: str) -> Iterator[Service]:
    with running({"database_url": database.url}, test_orders=test_orders) as started:
        yield started


def test_a_test_order_is_granted_or_ignored_as_the_setting_says(
    service: Service, database: Database, test_orders: str
) -> None:
    expected = {"grant": "recorded", "ignore": "ignored"}[test_orders]

    assert service.outcome("orders/paid", order(1, COURSE, test=True)) == expected
    assert service.outcome("orders/paid", order(2, COURSE)) == "recorded"

    granted = {row["shopify_order_id"] for row in database.purchases()}
    assert granted == ({"1", "2"} if test_orders == "grant" else {"2"})
    counted = service.metrics()
    assert counted[TEST.format(expected)] == counted[REAL.format("recorded")] == 1
    assert counted[REAL.format("ignored")] == 0


def test_a_test_order_that_is_rejected_is_kept_and_counted_as_a_test(
    service: Service, database: Database, test_orders: str
) -> None:
    service.outcome("orders/paid", order(3, COURSE, test=True, email=None))

    counted = service.metrics()
    expected = {"grant": "rejected", "ignore": "ignored"}[test_orders]
    assert counted[TEST.format(expected)] == 1
    assert {n for name, n in counted.items() if name.startswith("thetis_webhooks_total")} == {0}
    assert len(database.rows("select * from thetis.rejected_webhooks")) == (
        1 if test_orders == "grant" else 0
    )
