"""`thetis simulate` sends what the service takes for Shopify's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.database import Database
from tests.support.program import thetis
from tests.support.service import SECRET, Service, running


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with running({"database_url": database.url}) as started:
        yield started


def simulate(
    service: Service, topic: str, *arguments: str, secret: str = SECRET
) -> tuple[int, str]:
    ended = thetis("simulate", topic, "--url", service.url, "--secret", secret, *arguments)
    return ended.returncode, ended.stdout


def test_every_topic_is_recorded_and_tells_of_one_order(
    service: Service, database: Database
) -> None:
    of_it = ("--order-id", "77", "--product", "splint", "--product", "premium_course")

    said = {
        topic: simulate(service, topic, *of_it)
        for topic in ("orders/create", "orders/paid", "orders/updated", "orders/cancelled")
    }
    said["refunds/create"] = simulate(service, "refunds/create", *of_it)

    assert {status for status, _ in said.values()} == {0}
    assert 'orders/paid of order 77: 200 {"outcome":"recorded"}' in said["orders/paid"][1]
    assert {
        (row["product_slug"], row["status"], row["shopify_order_id"])
        for row in database.rows("table public.purchases")
    } == {("splint", "refunded", "77"), ("premium_course", "refunded", "77")}


def test_a_dispute_is_about_an_order_and_each_call_about_the_same_dispute(
    service: Service, database: Database
) -> None:
    simulate(service, "orders/paid", "--order-id", "77")
    statuses = []
    for topic, *options in (
        ("disputes/create", "--inquiry"),
        ("disputes/create",),
        ("disputes/update", "--dispute-status", "lost"),
        ("disputes/update",),
    ):
        assert simulate(service, topic, "--order-id", "77", *options)[0] == 0
        statuses += [row["status"] for row in database.purchases(77)]

    assert statuses == ["active", "cancelled", "cancelled", "active"]
    assert database.value("select count(*) from thetis.disputes") == 1


@pytest.mark.parametrize(
    ("topic", "done"), [("refunds/create", "refunded"), ("disputes/update", "disputed")]
)
def test_what_is_about_an_order_needs_to_know_which(topic: str, done: str) -> None:
    ended = thetis("simulate", topic, "--url", "http://127.0.0.1:1", "--secret", SECRET)

    assert ended.returncode == 2
    assert f"{topic} needs --order-id: which order is {done}?" in ended.stderr


def test_without_options_it_is_a_new_course_order_each_time(
    service: Service, database: Database
) -> None:
    for _ in range(2):
        assert simulate(service, "orders/paid", "--email", "Ada@Example.com")[0] == 0

    rows = database.rows("table public.purchases")
    assert len({row["shopify_order_id"] for row in rows}) == 2
    assert {(row["product_slug"], row["shopify_customer_email"]) for row in rows} == {
        ("standard_course", "ada@example.com")
    }


def test_a_wrong_secret_is_refused_and_told(service: Service) -> None:
    status, said = simulate(service, "orders/paid", secret="another")

    assert status == 1
    assert ": 401 " in said
