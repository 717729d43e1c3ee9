"""Whatever can hold a person is searched after they were forgotten, and after everything that was
ever told of them is told again.
"""

from __future__ import annotations

import pytest

from tests.database.operators.support import act
from tests.database.outbox.support import later, send_due
from tests.database.privacy.support import (
    ADA,
    BODIES,
    GRACE,
    NAME,
    ORDERS,
    export,
    forget,
    places,
    plant,
    plant_enrollments,
    reject,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, days_ago, dispute, order, refund

HOLDS_HER = {
    "public.purchases.shopify_customer_email",
    "thetis.audit_log.after",
    "thetis.audit_log.before",
    "thetis.audit_log.email",
    "thetis.audit_log.reason",
    "thetis.claim_codes.email",
    "thetis.copied_enrollments.enrollment",
    "thetis.copied_enrollments.note",
    "thetis.email_deliveries.reason",
    "thetis.notifications.email",
    "thetis.notifications.last_error",
    "thetis.notifications.payload",
    "thetis.notifications.resend_reason",
    "thetis.orders.email",
    "thetis.orders.holder_email",
    "thetis.orders.transferred_to",
    "thetis.overrides.transferred_to",
    "thetis.privacy_requests.email",
    "thetis.proven_addresses.email",
    "thetis.rejected_webhooks.body",
}
"""Every column that can."""

FUTURE = "2999-01-01T00:00:00Z"


@pytest.fixture(params=[True, False], ids=["with an account", "a guest"])
def planted(request: pytest.FixtureRequest, own_database: Database) -> Database:
    if request.param:
        own_database.accounts.sign_up(ADA)
    plant(own_database)
    plant_enrollments(own_database)
    assert set(places(own_database)) == HOLDS_HER
    return own_database


def test_an_export_holds_every_place(planted: Database) -> None:
    told = export(planted)

    held = {part for part, content in told.items() if NAME in str(content).lower()}
    assert held - {"account"} == {
        "address",
        "purchases",
        "overrides",
        "orders",
        "notifications",
        "audit_log",
        "rejected_webhooks",
        "privacy_requests",
        "proven_addresses",
        "claim_codes",
        "copied_enrollments",
    }
    assert len(told["grants"]) == 1
    assert len(told["rejected_webhooks"]) == len(BODIES)
    assert {each["shopify_order_id"] for each in told["orders"]} == set("1234567")
    for column in ("payload", "resend_reason", "last_error", "delivery"):
        assert NAME in str([each[column] for each in told["notifications"]]).lower()
    # who bought with her, or bought what became hers, is not told of by her orders
    parts = ("orders", "purchases", "notifications", "audit_log")
    assert "grace" not in str([told[part] for part in parts])


def test_what_operators_wrote_is_exported_without_anybody_else(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=ADA))
    reason = f"{ADA}:\n{GRACE}, <{GRACE.upper()}>, x{ADA} and not\\{ADA.title()}."
    act(database, "transfer_order", order_name="1", address=GRACE, reason=reason)

    [told] = export(database)["audit_log"]

    assert told["reason"] == f"{ADA}:\n[address], <[address]>, [address] and not\\{ADA.title()}."
    assert told["before"][0]["address"] == ADA
    assert told["after"][0]["address"] == "[address]"


def test_nothing_is_left_but_what_knock_is_told_and_that_is_gone_once_it_is_told(
    planted: Database,
) -> None:
    answer = forget(planted, reason=f"a letter of {ADA.title()}")

    assert answer["outcome"] == "done"
    assert all(total > 0 for total in answer["counts"].values()), answer["counts"]
    assert places(planted) == ["thetis.notifications.email", "thetis.notifications.payload"]
    later(planted, 60)
    sent = [each for each in send_due(planted) if NAME in str(each["payload"])]
    assert [each["kind"] for each in sent] == ["forget_recipient"]
    assert places(planted) == []


def test_nothing_comes_back_when_everything_is_told_again(planted: Database) -> None:
    forget(planted)
    later(planted, 60)
    send_due(planted)

    for _ in range(2):
        planted.record_orders(*ORDERS)
        planted.record_orders(*({**each, "updated_at": FUTURE} for each in ORDERS))
        planted.record_orders(*({**each, "updated_at": None} for each in ORDERS))
        planted.record_orders(
            order(1, COURSE, SPLINT, PREMIUM, contact_email=ADA, updated_at=FUTURE),
            order(20, COURSE, email=ADA.upper(), made_at=days_ago(3)),
            order(21, PREMIUM, email=None, contact_email=ADA, made_at=days_ago(900)),
            order(22, SPLINT, email=ADA, created_at=None, processed_at=None),
        )
        planted.record_orders(order(20, COURSE, email=ADA, made_at=days_ago(3), updated_at=FUTURE))
        planted.record_refunds(refund(91, 1, splint=1), refund(92, 21, premium_course=1))
        planted.record_disputes(dispute(93, 1), dispute(94, 20), dispute(94, 20, "won"))
        later(planted, 60)
        assert NAME not in str(send_due(planted)).lower()
        assert places(planted) == []

    assert planted.value("select erased_at from thetis.orders where shopify_order_id = '20'")


def test_forgotten_again_nothing_changes(planted: Database) -> None:
    forget(planted)
    later(planted, 60)
    send_due(planted)
    rows = planted.value("select count(*) from thetis.audit_log")

    again = forget(planted)

    assert again["outcome"] == "unchanged"
    assert set(again["counts"].values()) == {0}
    assert planted.value("select count(*) from thetis.audit_log") == rows
    later(planted, 60)
    assert send_due(planted) == []


def test_a_body_that_postgres_cannot_read_as_json_hinders_nobody(database: Database) -> None:
    reject(database, b"[" * 50_000 + b'"ada.lovelace@example.com"' + b"]" * 50_000)
    reject(database, b"[" * 50_000 + b"]" * 50_000)
    assert len(export(database)["rejected_webhooks"]) == 1

    assert forget(database)["counts"]["rejected_webhooks"] == 1
