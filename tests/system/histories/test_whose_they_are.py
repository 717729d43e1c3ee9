"""People sign up before, between and after; change, lose and delete accounts; the shop corrects
addresses. At every moment each purchase belongs to whom it should.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.database import Database
from tests.system.histories.lives import Life, deliveries, lives
from tests.system.histories.ownership import People
from tests.system.histories.runs import begin_anew, deliver, examples
from tests.system.histories.truth import access


@examples(20, per_second=4)
@given(life=lives(with_corrections=True), data=st.data())
def test_a_purchase_is_always_its_owners(
    database: Database, life: Life, data: st.DataObject
) -> None:
    begin_anew(database)
    people = People(database, life.addresses)
    for _ in range(data.draw(st.integers(0, 4))):
        people.act(data)
    for webhook in data.draw(deliveries(life.webhooks)):
        if data.draw(st.booleans()):
            people.act(data)
            _check_owners(people)
        deliver(database, webhook)
        _check_owners(people)
    for _ in range(data.draw(st.integers(1, 6))):
        people.act(data)
        _check_owners(people)

    addresses = {order.id: order.email.strip().lower() for order in life.orders}
    slugs = {str(line.id): line.slug for order in life.orders for line in order.lines}
    truth = {line: status for order in life.orders for line, status in order.statuses().items()}
    for row in database.purchases():
        if row["shopify_line_item_id"] not in people.owners:
            assert row["shopify_customer_email"] == addresses[int(row["shopify_order_id"])]
    for user_id in people.accounts:
        mine = {line for line, owner in people.owners.items() if owner == user_id}
        active = {slugs[line] for line in mine if truth.get(int(line)) == "active"}
        assert database.accounts.claim_purchases(user_id) == 0
        assert access(database, user_id) == active


def _check_owners(people: People) -> None:
    people.settle()
    assert people.stored_owners() == people.owners
    assert people.stored_addresses() == people.linked_by
