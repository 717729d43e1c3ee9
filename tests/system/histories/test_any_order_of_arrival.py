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
