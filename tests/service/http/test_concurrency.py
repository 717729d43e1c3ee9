"""Many webhooks at once share calls to the database, and each still gets its own answer."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.service import Service, eventually, running
from tests.support.shopify import COURSE, SPLINT, order, refund


def test_fifty_at_once_are_each_answered_for_themselves(
    service: Service, database: Database
) -> None:
    """Twenty orders, one of them also eleven times more, eighteen unusable, and one of nobody."""
    sent = (
        [("orders/paid", order(5_000 + number, COURSE, SPLINT)) for number in range(20)]
        + [("orders/updated", order(5_000, COURSE, SPLINT))] * 11
        + [("orders/paid", f"unusable {number}".encode()) for number in range(18)]
        + [("orders/paid", order(5_999, COURSE, email=None))]
    )
    with ThreadPoolExecutor(len(sent)) as pool:
        outcomes = list(pool.map(lambda each: service.outcome(*each), sent))

    assert outcomes[:1] + outcomes[20:31] in _one_of_twelve_recorded()
    assert set(outcomes[1:20]) == {"recorded"}
    assert set(outcomes[31:]) == {"rejected"}
    rows = database.purchases()
    assert Counter(row["shopify_order_id"] for row in rows) == {
        str(5_000 + number): 2 for number in range(20)
    }
    assert database.value("select count(*) from thetis.rejected_webhooks") == 19
    assert database.value("select count(*) from thetis.notifications") == 40
    eventually(lambda: not database.value(_UNSENT))
    assert len(service.fake_providers.effects) == 40


_UNSENT = "select count(*) from thetis.notifications where status <> 'sent'"


def _one_of_twelve_recorded() -> list[list[str]]:
    """Events of one order that share a call are all recorded; those of a later call unchanged."""
    return [["recorded"] * some + ["unchanged"] * (12 - some) for some in range(1, 13)]


def test_an_order_and_its_refund_at_once_end_refunded(service: Service, database: Database) -> None:
    sent = [("orders/paid", order(7_000 + number, COURSE)) for number in range(15)]
    sent += [
        ("refunds/create", refund(8_000 + number, 7_000 + number, standard_course=1))
        for number in range(15)
    ]
    with ThreadPoolExecutor(len(sent)) as pool:
        outcomes = list(pool.map(lambda each: service.outcome(*each), sent))

    assert set(outcomes) == {"recorded"}
    rows = [row for row in database.purchases() if row["shopify_order_id"].startswith("70")]
    assert len(rows) == 15
    assert {row["status"] for row in rows} == {"refunded"}


def test_two_services_on_one_database_share_the_work(cluster: Cluster) -> None:
    with cluster.database() as database:
        ways = {"database_url": database.url}
        sent = [order(9_000 + number, COURSE) for number in range(10)]
        with running(ways) as one, running(ways) as other, ThreadPoolExecutor(20) as pool:
            both = [(each, payload) for payload in sent for each in (one, other)]
            answers = list(pool.map(lambda each: each[0].outcome("orders/paid", each[1]), both))
            eventually(lambda: not database.value(_UNSENT))

    assert [set(answers[place : place + 2]) for place in range(0, 20, 2)] == [
        {"recorded", "unchanged"}
    ] * 10
    triggers = [body for each in (one, other) for body in each.effects("/trigger")]
    assert sorted(int(body["cancellation_key"]) for body in triggers) == list(range(9_000, 9_010))
    assert len(one.effects("/emails")) + len(other.effects("/emails")) == 10
