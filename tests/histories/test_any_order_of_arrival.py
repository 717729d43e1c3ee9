"""Whatever happens to customers and however Shopify tells it, the end is the truth.

The truth comes from a model of a shop (shop.py) that knows nothing of Thetis.
"""

from __future__ import annotations

import hypothesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.histories.lives import Life, deliveries, lives
from tests.histories.shop import Webhook
from tests.histories.truth import access, stored_statuses, true_access, true_statuses
from tests.support.database import Database

settings = hypothesis.settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def deliver(database: Database, webhook: Webhook) -> str:
    if webhook.is_refund:
        return database.record_refunds(webhook.payload)[0]
    return database.record_orders(webhook.payload)[0]


@settings
@given(life=lives(), data=st.data())
def test_purchases_are_what_really_happened(
    database: Database, life: Life, data: st.DataObject
) -> None:
    for webhook in data.draw(deliveries(life.webhooks)):
        deliver(database, webhook)

    assert stored_statuses(database, life) == true_statuses(life)


@settings
@given(life=lives(), data=st.data())
def test_replaying_everything_changes_nothing(
    database: Database, life: Life, data: st.DataObject
) -> None:
    news = data.draw(deliveries(life.webhooks))
    for webhook in news:
        deliver(database, webhook)
    before = database.purchases()

    outcomes = {deliver(database, webhook) for webhook in data.draw(st.permutations(news))}

    assert outcomes <= {"unchanged", "ignored"}
    assert database.purchases() == before


@settings
@given(life=lives(), data=st.data())
def test_access_is_the_truth_whenever_people_sign_up(
    database: Database, life: Life, data: st.DataObject
) -> None:
    people: dict[str, str] = {}
    for webhook in data.draw(deliveries(life.webhooks)):
        address = data.draw(st.sampled_from([*life.addresses, None]))
        if address and address not in people:
            people[address] = database.accounts.sign_up(address)
        deliver(database, webhook)
    for address in life.addresses:
        if address not in people:
            people[address] = database.accounts.sign_up(address)

    for address, user_id in people.items():
        assert access(database, user_id) == true_access(life, address)


def dispatch(database: Database) -> list[str]:
    """Everything due is sent; returns what was, as "kind order"."""
    claimed = database.claim()
    database.settle(
        *({"id": str(row["id"]), "attempt": row["attempt"], "result": "sent"} for row in claimed)
    )
    return [f"{row['kind']} {row['shopify_order_id']}" for row in claimed]


def let_time_pass(database: Database) -> None:
    database.execute(
        "update private.notifications set due_at = now()"
        " where status = 'pending' and due_at > now()"
    )


@settings
@given(life=lives(), data=st.data())
def test_each_message_goes_out_once_and_only_with_a_reason(
    database: Database, life: Life, data: st.DataObject
) -> None:
    sent: list[str] = []
    granted: set[tuple[str, str]] = set()
    for webhook in data.draw(deliveries(life.webhooks)):
        deliver(database, webhook)
        granted |= {
            (order_row["shopify_order_id"], order_row["product_slug"])
            for order_row in database.purchases()
            if order_row["status"] == "active"
        }
        if data.draw(st.booleans()):
            sent += dispatch(database)
    let_time_pass(database)
    sent += dispatch(database)

    assert len(sent) == len(set(sent))
    for order in life.orders:
        kinds = {each.split()[0] for each in sent if each.endswith(f" {order.id}")}
        mine = {slug for order_id, slug in granted if order_id == str(order.id)}
        is_kept = "active" in order.statuses().values()
        courses = {slug for slug in mine if slug.endswith("_course")}
        assert ("knock.trigger" in kinds) <= bool(mine)
        assert ("resend.course_access" in kinds) <= bool(courses)
        if is_kept:
            assert "knock.trigger" in kinds
        assert ("knock.cancel" in kinds) == ("knock.trigger" in kinds and not is_kept)
