"""Whatever happens and however it is told: each customer hears of each thing bought, once, at the
right address, and of nothing that went back.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tests.support.database import Database, Row
from tests.system.histories.customers import Customers
from tests.system.histories.lives import Life, deliveries, lives
from tests.system.histories.runs import begin_anew, deliver, examples

HASTY_CANCELLATIONS = """
select from thetis.notifications as cancellation
inner join thetis.notifications as started using (shopify_order_id, run, email)
where
    cancellation.kind = 'post_purchase_cancel'
    and cancellation.status = 'pending'
    and cancellation.attempts = 0
    and started.kind = 'post_purchase'
    and cancellation.due_at < started.settled_at + interval '5 seconds'
    and started.status = 'sent'
"""
"""Knock may miss a cancellation in the first five seconds of a run."""


def live(database: Database) -> list[Row]:
    """What is active, and whose address it has."""
    return database.rows(
        "select id::text, product_slug as slug, shopify_order_id as order_id,"
        " shopify_customer_email as email from public.purchases where status = 'active'"
    )


def _courses(purchases: Iterable[Row]) -> set[tuple[str, str, str]]:
    return {
        (row["order_id"], row["email"], row["slug"])
        for row in purchases
        if row["slug"].endswith("_course")
    }


@examples(40, per_second=6)
@given(life=lives(), data=st.data())
def test_what_was_kept_is_announced_once_and_what_went_back_is_stopped(
    database: Database, life: Life, data: st.DataObject
) -> None:
    customers = _live(database, life, data)
    kept = live(database)

    running = customers.running()
    disputed = {str(order.id) for order in life.orders if order.disputes}
    for row in kept:
        assert customers.named["post_purchase", row["email"], row["id"]] == 1
        # what a chargeback stopped does not begin again when it is won
        assert row["order_id"] in disputed or [
            each for each in running if row["id"] in each.purchases
        ]
    for each in running:
        ended = customers.ended.get(each.order_id, set())
        assert each.purchases & {row["id"] for row in kept}
        assert each.purchases - {row["id"] for row in kept} <= ended
    assert not {row["id"] for row in kept} & set().union(*customers.ended.values())


@examples(40, per_second=6)
@given(life=lives(with_corrections=True), data=st.data())
def test_messages_follow_the_address_and_tell_each_address_once(
    database: Database, life: Life, data: st.DataObject
) -> None:
    customers = _live(database, life, data)

    addresses = {row["id"]: row["email"] for row in live(database)}
    for purchase_id, email in addresses.items():
        assert customers.named["post_purchase", email, purchase_id] == 1
    for each in customers.running():
        assert each.email in {addresses.get(purchase) for purchase in each.purchases}


def _live(database: Database, life: Life, data: st.DataObject) -> Customers:
    """A life, with messages tried in between; and what holds at the end of every one."""
    begin_anew(database)
    customers = Customers(database)
    people = iter(life.addresses)
    was_live: set[tuple[str, str]] = set()
    for webhook in data.draw(deliveries(life.webhooks)):
        if data.draw(st.integers(0, 9)) == 0 and (address := next(people, None)):
            database.accounts.sign_up(address)
        deliver(database, webhook)
        was_live |= {(row["email"], row["id"]) for row in live(database)}
        assert not database.rows(HASTY_CANCELLATIONS)
        if data.draw(st.booleans()):
            if data.draw(st.booleans()):
                customers.let_time_pass()
            customers.get(data)
    customers.get_everything()

    assert set(customers.named.values()) <= {1}
    assert {(email, purchase) for _, email, purchase in customers.named} <= was_live
    told = [
        (order_id, email, slug) for order_id, email, slugs in customers.emails for slug in slugs
    ]
    assert _courses(live(database)) <= set(told)
    lines_of_a_course = _lines_of_courses(database)
    for each in set(told):
        assert told.count(each) <= lines_of_a_course[each[0], each[2]]
    return customers


def _lines_of_courses(database: Database) -> dict[tuple[str, str], int]:
    """An order may hold two lines of one course, bought one after the other."""
    return {
        (row["shopify_order_id"], row["product_slug"]): row["lines"]
        for row in database.rows(
            "select shopify_order_id, product_slug, count(*) as lines from public.purchases"
            " group by 1, 2"
        )
    }
