"""Whatever happens to customers and however Shopify tells it, the end is the truth.

The truth comes from a model of a shop (shop.py) that knows nothing of Thetis.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.database import Database, Row
from tests.system.histories.lives import Life, deliveries, lives
from tests.system.histories.runs import begin_anew, deliver, examples
from tests.system.histories.truth import access, stored_statuses, true_access, true_statuses


@examples(30, per_second=8)
@given(life=lives(), data=st.data())
def test_purchases_are_what_really_happened(
    database: Database, life: Life, data: st.DataObject
) -> None:
    for webhook in data.draw(deliveries(life.webhooks)):
        deliver(database, webhook)

    assert stored_statuses(database, life) == true_statuses(life)


@examples(20, per_second=4)
@given(life=lives(with_corrections=True, hastily=True), data=st.data())
def test_two_orders_of_arrival_come_to_the_same(
    database: Database, life: Life, data: st.DataObject
) -> None:
    news = data.draw(deliveries(life.webhooks))
    ends = []
    for webhooks in (news, news[::-1]):
        begin_anew(database)
        for webhook in webhooks:
            deliver(database, webhook)
        ends.append([_what_was_heard(row) for row in database.purchases()])

    assert ends[0] == ends[1]


def _what_was_heard(purchase: Row) -> Row:
    return {
        name: value
        for name, value in purchase.items()
        if name not in {"id", "created_at", "updated_at"}
    }


@examples(30, per_second=8)
@given(life=lives(), data=st.data())
def test_replaying_everything_changes_nothing(
    database: Database, life: Life, data: st.DataObject
) -> None:
    begin_anew(database)
    news = data.draw(deliveries(life.webhooks))
    for webhook in news:
        deliver(database, webhook)
    before = database.purchases()

    outcomes = {deliver(database, webhook) for webhook in data.draw(st.permutations(news))}

    assert outcomes <= {"unchanged", "ignored"}
    assert database.purchases() == before


@examples(30, per_second=8)
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


def dispatch(database: Database, result: str = "sent") -> list[str]:
    """Everything due is tried; returns what was, as "kind order"."""
    claimed = database.claim()
    database.settle(
        *({"id": str(row["id"]), "attempt": row["attempt"], "result": result} for row in claimed)
    )
    return [f"{row['kind']} {row['shopify_order_id']}" for row in claimed]


HASTY_CANCELLATIONS = """
select from thetis.notifications as cancellation
inner join thetis.notifications as started using (shopify_order_id)
where
    cancellation.kind = 'post_purchase_cancel'
    and cancellation.status = 'pending'
    and started.kind = 'post_purchase'
    and cancellation.due_at < started.settled_at + interval '5 seconds'
    and started.status = 'sent'
"""
"""Knock may miss a cancellation in the first five seconds of a run."""


def let_time_pass(database: Database) -> None:
    database.execute(
        "update thetis.notifications set due_at = now() where status = 'pending' and due_at > now()"
    )


@examples(30, per_second=8)
@given(life=lives(), data=st.data())
def test_each_message_goes_out_once_and_only_with_a_reason(
    database: Database, life: Life, data: st.DataObject
) -> None:
    begin_anew(database)
    sent: list[str] = []
    tried: list[str] = []
    granted: set[tuple[str, str]] = set()
    for webhook in data.draw(deliveries(life.webhooks)):
        deliver(database, webhook)
        granted |= {
            (order_row["shopify_order_id"], order_row["product_slug"])
            for order_row in database.purchases()
            if order_row["status"] == "active"
        }
        if data.draw(st.booleans()):
            is_lucky = data.draw(st.booleans())
            told = dispatch(database, "sent" if is_lucky else "retry")
            tried += told
            sent += told if is_lucky else []
        assert not database.rows(HASTY_CANCELLATIONS)
    let_time_pass(database)
    sent += dispatch(database)

    assert len(sent) == len(set(sent))
    for order in life.orders:
        kinds = {each.split()[0] for each in sent if each.endswith(f" {order.id}")}
        mine = {slug for order_id, slug in granted if order_id == str(order.id)}
        kept = {order.slug(line) for line, end in order.statuses().items() if end == "active"}
        courses = {slug for slug in mine if slug.endswith("_course")}
        assert ("post_purchase" in kinds) <= bool(mine)
        assert ("course_access" in kinds) <= bool(courses)
        assert ("post_purchase" in kinds) >= bool(kept)
        assert ("course_access" in kinds) >= bool(kept & courses)
        is_tried = "post_purchase" in kinds or f"post_purchase {order.id}" in tried
        assert ("post_purchase_cancel" in kinds) == (is_tried and not kept)
