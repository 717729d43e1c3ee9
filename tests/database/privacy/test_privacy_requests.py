"""What Shopify's compliance webhooks ask for."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.database.operators.support import act, audited
from tests.database.outbox.support import later, send_due
from tests.database.privacy.support import (
    ADA,
    GRACE,
    export,
    forget,
    places,
    plant,
    plant_enrollments,
    reject,
)
from tests.support.database import Database, Row
from tests.support.shopify import COURSE, PREMIUM, order

REDACT, DATA, SHOP = "customers/redact", "customers/data_request", "shop/redact"


def ask(database: Database, topic: str, **fields: Any) -> str:
    request = {"topic": topic, "shop": "a-shop.example.com", **fields}
    [row] = database.call("record_privacy_request", request)
    return str(row["record_privacy_request"])


def listed(database: Database, *arguments: bool) -> list[Row]:
    return database.call("list_privacy_requests", *arguments)


def test_a_customer_is_forgotten_at_once_and_again_without_harm(own_database: Database) -> None:
    plant(own_database)
    plant_enrollments(own_database)

    for expected in ("recorded", "unchanged"):
        assert ask(own_database, REDACT, email=ADA.upper(), shopify_order_ids=["1"]) == expected
        later(own_database, 60)
        send_due(own_database)
        assert places(own_database) == []
    assert listed(own_database) == []
    [row] = [each for each in listed(own_database, True) if each["topic"] == REDACT]
    assert (row["email"], row["shopify_order_ids"]) == (None, ["1"])
    assert [each["action"] for each in audited(own_database) if each["operator"] == "shopify"] == [
        "forget"
    ]


def test_a_request_that_comes_twice_takes_nothing_that_was_bought_meanwhile(
    database: Database,
) -> None:
    fields = {"email": ADA, "shopify_order_ids": ["1"]}
    database.record_orders(order(1, COURSE, email=ADA))
    ask(database, REDACT, **fields)
    database.record_orders(order(2, COURSE, email=ADA))

    assert ask(database, REDACT, **fields) == "unchanged"

    ada = database.accounts.sign_up(ADA)
    assert database.accounts.has_access(ada, COURSE)


def test_the_same_words_days_later_are_a_new_request(database: Database) -> None:
    ask(database, REDACT, email=ADA)
    database.record_orders(order(2, COURSE, email=ADA))
    database.execute(
        "update thetis.privacy_requests set received_at = received_at - interval '3 days'"
    )

    assert ask(database, REDACT, email=ADA) == "recorded"

    assert [row["status"] for row in database.purchases(2)] == ["cancelled"]


def test_a_customer_without_an_address_is_forgotten_by_their_orders(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA), order(2, PREMIUM, email=GRACE))
    act(database, "transfer_order", order_name="2", address=ADA, reason=f"for {GRACE}")
    reject(database, b'{"id": 1, "email": "ADA.lovelace@example.com"}')
    reject(database, b'{"id": 9, "line_items": [{"id": 1}]}')

    assert ask(database, REDACT, email=None, shopify_order_ids=["1", "3"]) == "recorded"

    # what she was given is not of the orders that she made
    assert set(places(database)) <= {
        "public.purchases.shopify_customer_email",
        "thetis.orders.transferred_to",
        "thetis.orders.holder_email",
        "thetis.notifications.email",
        "thetis.notifications.payload",
        "thetis.audit_log.after",
    }
    for each in database.purchases(1):
        assert (each["shopify_customer_email"], each["status"]) == ("", "cancelled")
    assert database.value("select count(*) from thetis.rejected_webhooks") == 1
    database.record_orders(
        order(1, COURSE, email=ADA, updated_at="2999-01-01T00:00:00Z"),
        order(3, COURSE, email=ADA, updated_at="2999-01-01T00:00:00Z"),
    )
    assert database.value("select count(*) from thetis.orders where email = %s", ADA) == 0
    assert [row["status"] for row in database.purchases(1)] == ["cancelled"]


def test_knock_forgets_an_address_that_nothing_else_is_held_of(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA), order(2, COURSE, email=GRACE))
    database.record_orders(order(3, COURSE, email=GRACE))

    ask(database, REDACT, shopify_order_ids=["1", "2"])

    told = database.rows("select email from thetis.notifications where kind = 'forget_recipient'")
    assert told == [{"email": ADA}]


@pytest.mark.parametrize("topic", [DATA, SHOP])
def test_what_a_person_has_to_answer_waits_for_that(database: Database, topic: str) -> None:
    fields = {"email": ADA, "shopify_order_ids": ["1"], "request_id": "5"}
    assert [ask(database, topic, **fields) for _ in range(2)] == ["recorded", "unchanged"]
    [row] = listed(database)
    assert (row["topic"], row["email"], row["answered_at"]) == (topic, ADA, None)

    for _ in range(2):
        database.call("mark_privacy_request_answered", row["id"], "sue")

    assert listed(database) == []
    assert places(database) == []
    assert database.rows("select operator, action, shopify_order_id from thetis.audit_log") == [
        {"operator": "sue", "action": "answer", "shopify_order_id": "1"}
    ]
    assert ask(database, topic, **fields) == "unchanged"
    assert ask(database, topic, **{**fields, "request_id": "6"}) == "recorded"


def test_a_request_that_is_not_there_is_not_answered_and_nobody_may_say_so_unnamed(
    database: Database,
) -> None:
    with pytest.raises(psycopg.Error, match="there is no request 77"):
        database.call("mark_privacy_request_answered", 77, "sue")
    with pytest.raises(psycopg.Error, match="operator: say who you are"):
        database.call("mark_privacy_request_answered", 77)

    assert database.rows("table thetis.audit_log") == []


def test_a_request_is_exported_and_forgotten_like_everything_else(database: Database) -> None:
    ask(database, DATA, email=ADA)
    assert export(database)["privacy_requests"][0]["topic"] == DATA

    assert forget(database)["counts"]["privacy_requests"] == 1

    assert listed(database) == []
    assert set(places(database)) == {"thetis.notifications.email", "thetis.notifications.payload"}


@pytest.mark.parametrize("fields", [{}, {"email": None, "shopify_order_ids": None}])
def test_a_request_about_nothing_of_ours_does_nothing(
    database: Database, fields: dict[str, None]
) -> None:
    assert ask(database, REDACT, **fields) == "recorded"
    assert audited(database) == []


@pytest.mark.parametrize(
    "request_", [{"topic": "orders/paid"}, {}, {"topic": REDACT, "email": "x"}]
)
def test_what_cannot_be_is_refused(database: Database, request_: dict[str, str]) -> None:
    with pytest.raises(psycopg.Error) as error:
        database.call("record_privacy_request", request_)

    assert error.value.sqlstate == "TH004"
