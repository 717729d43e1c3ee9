"""What an authentic webhook is answered: 200, with what became of it, once that is committed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.support.database import Database, Row
from tests.support.service import Service, eventually
from tests.support.shopify import COURSE, PREMIUM, order, refund
from thetis.cli import shopify_disputes, shopify_payloads
from thetis.shopify import TOPICS

ORDER_TOPICS = sorted(topic for topic, kind in TOPICS.items() if kind == "order")


def _kept(database: Database, body: bytes) -> list[Row]:
    return database.rows("select * from thetis.rejected_webhooks where body = %s", body)


@pytest.mark.parametrize("topic", ORDER_TOPICS)
def test_what_is_new_is_recorded_and_what_is_known_unchanged(
    service: Service, database: Database, order_id: int, topic: str
) -> None:
    payload = order(order_id, COURSE)

    assert service.outcome(topic, payload) == "recorded"
    assert len(database.purchases(order_id)) == 1
    assert service.outcome(topic, payload) == "unchanged"


def test_a_whole_payload_of_shopify_is_understood(
    service: Service, database: Database, order_id: int
) -> None:
    payload = shopify_payloads.order(
        "orders/paid",
        order_id=order_id,
        email="ines@example.com",
        products=[shopify_payloads.SAMPLE_PRODUCTS[PREMIUM]],
        at=datetime.now(UTC),
    )

    assert service.outcome("orders/paid", payload) == "recorded"
    [row] = database.purchases(order_id)
    assert (row["product_slug"], row["shopify_customer_email"]) == (PREMIUM, "ines@example.com")


def test_a_refund_is_recorded(service: Service, database: Database, order_id: int) -> None:
    service.outcome("orders/paid", order(order_id, COURSE))
    payload = refund(order_id + 1, order_id, standard_course=1)

    assert service.outcome("refunds/create", payload) == "recorded"
    assert service.outcome("refunds/create", payload) == "unchanged"
    assert [row["status"] for row in database.purchases(order_id)] == ["refunded"]


@pytest.mark.parametrize("topic", ["disputes/create", "disputes/update"])
def test_a_dispute_is_recorded(
    service: Service, database: Database, order_id: int, topic: str
) -> None:
    service.outcome("orders/paid", order(order_id, COURSE))
    lost, won = (
        shopify_disputes.dispute(order_id=order_id, status=status, at=datetime.now(UTC))
        for status in ("lost", "won")
    )

    assert service.outcome(topic, lost) == "recorded"
    assert service.outcome(topic, lost) == "unchanged"
    assert [row["status"] for row in database.purchases(order_id)] == ["cancelled"]
    assert service.outcome(topic, won) == "recorded"
    assert [row["status"] for row in database.purchases(order_id)] == ["active"]


def test_a_dispute_that_shopify_did_not_sign_is_refused(
    service: Service, database: Database, order_id: int
) -> None:
    service.outcome("orders/paid", order(order_id, COURSE))
    body = shopify_disputes.dispute(order_id=order_id, status="lost", at=datetime.now(UTC))

    refused = service.send("disputes/create", shopify_payloads.encode(body), secret="a guess")

    assert refused.status_code == 401
    assert [row["status"] for row in database.purchases(order_id)] == ["active"]


def test_a_dispute_of_no_order_is_ignored(service: Service) -> None:
    body = shopify_disputes.dispute(order_id=1, status="lost", at=datetime.now(UTC))

    assert service.outcome("disputes/create", {**body, "order_id": None}) == "ignored"


def test_a_dispute_in_a_state_that_nobody_knows_is_kept(
    service: Service, database: Database, order_id: int
) -> None:
    body = shopify_disputes.dispute(order_id=order_id, status="sold", at=datetime.now(UTC))

    assert service.outcome("disputes/update", body) == "rejected"
    [kept] = _kept(database, shopify_payloads.encode(body))
    assert kept["reason"] == "status: not one that is known"


def test_no_answer_comes_before_the_commit(
    service: Service, database: Database, order_id: int
) -> None:
    with ThreadPoolExecutor() as pool:
        with database.connect() as other, other.transaction():
            other.execute("lock table public.purchases in access exclusive mode")
            answer = pool.submit(service.outcome, "orders/paid", order(order_id, COURSE))
            eventually(lambda: database.value(_WAITING))
            assert not answer.done()
        assert answer.result() == "recorded"
    assert len(database.purchases(order_id)) == 1


_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


def test_an_order_of_other_products_is_ignored(service: Service, order_id: int) -> None:
    foreign = order(order_id, COURSE)
    foreign["line_items"][0]["product_id"] = 632910392

    assert service.outcome("orders/paid", foreign) == "ignored"


@pytest.mark.parametrize(
    "topic", ["products/update", "orders/edited", "customers/update", "Orders/Paid", ""]
)
def test_a_topic_that_is_not_ours_is_ignored_whatever_its_body(
    service: Service, database: Database, order_id: int, topic: str
) -> None:
    assert service.outcome(topic, order(order_id, COURSE)) == "ignored"
    assert service.outcome(topic, b"\x00 no JSON") == "ignored"
    assert database.purchases(order_id) == []
    assert _kept(database, b"\x00 no JSON") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"an order"',
        b"{",
        b"{}",
        b'{"id": 1, "financial_status": null, "line_items": []}garbage',
        b'{"id": "\xff"}',
        b'{"id": 5, "financial_status": null, "line_items": [], "note": "\x00"}',
        b"\x00\x01\x02\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"id": 1e400, "financial_status": null, "line_items": []}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("topic", ["orders/paid", "refunds/create"])
def test_a_body_that_cannot_be_used_is_rejected_and_kept_byte_for_byte(
    service: Service, database: Database, topic: str, body: bytes
) -> None:
    assert service.outcome(topic, body) == "rejected"

    [row] = [row for row in _kept(database, body) if row["topic"] == topic]
    assert row["webhook_id"] is not None
    assert row["reason"].strip()


@pytest.mark.parametrize("missing", ["financial_status", "line_items"])
def test_an_order_without_a_field_that_decides_is_rejected_and_kept(
    service: Service, database: Database, order_id: int, missing: str
) -> None:
    payload = order(order_id, COURSE)
    del payload[missing]
    body = shopify_payloads.encode(payload)

    assert service.outcome("orders/paid", body) == "rejected"
    [row] = _kept(database, body)
    assert row["reason"] == f"{missing}: Field required"


def test_a_refund_without_its_lines_is_rejected_and_kept_alone_or_in_its_order(
    service: Service, database: Database, order_id: int
) -> None:
    lineless = refund(order_id + 1, order_id, standard_course=1)
    del lineless["refund_line_items"]
    alone = shopify_payloads.encode(lineless)
    inside = shopify_payloads.encode(order(order_id, COURSE, refunds=[lineless]))

    assert service.outcome("refunds/create", alone) == "rejected"
    assert service.outcome("orders/updated", inside) == "rejected"
    reasons = [row["reason"] for body in (alone, inside) for row in _kept(database, body)]
    assert reasons == [
        "refund_line_items: Field required",
        "refunds.0.refund_line_items: Field required",
    ]


def test_the_same_rejected_body_is_kept_once(service: Service, database: Database) -> None:
    for _ in range(3):
        assert service.outcome("orders/paid", b"the same") == "rejected"

    assert len(_kept(database, b"the same")) == 1


def test_an_order_paid_by_nobody_is_rejected_and_kept(
    service: Service, database: Database, order_id: int
) -> None:
    body = shopify_payloads.encode(order(order_id, COURSE, email=None))

    assert service.outcome("orders/paid", body) == "rejected"
    [row] = _kept(database, body)
    assert row["reason"] == "no email address"
    assert database.purchases(order_id) == []


def test_a_rejected_order_is_recorded_once_it_can_be_used(
    service: Service, database: Database, order_id: int
) -> None:
    service.outcome("orders/paid", order(order_id, COURSE, email=None))

    assert service.outcome("orders/updated", order(order_id, COURSE)) == "recorded"
    assert len(database.purchases(order_id)) == 1
    assert set(database.notifications(order_id)) == {"post_purchase", "course_access"}


def test_a_rejected_body_of_eight_mebibytes_is_kept_whole(
    service: Service, database: Database
) -> None:
    body = bytes(range(256)) * 2**15

    assert service.outcome("orders/paid", body) == "rejected"
    assert len(_kept(database, body)) == 1
