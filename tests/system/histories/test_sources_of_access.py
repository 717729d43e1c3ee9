"""Orders and what operators decide, in any order of arrival: at the end everybody has access to
what they bought, were given and kept, as long as it lasts, and nobody to anything else.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.database import Database
from tests.system.histories.customers import Customers
from tests.system.histories.lives import Life, deliveries, lives
from tests.system.histories.runs import begin_anew, deliver, examples
from tests.system.histories.sources import ENDING, PERIOD, Sources
from tests.system.histories.test_messages import live
from tests.system.histories.truth import access


@pytest.fixture
def database(database: Database) -> Database:
    for slug in ENDING:
        database.execute(
            "update public.products set access_period = %s where slug = %s", PERIOD, slug
        )
    return database


@examples(24, per_second=2)
@given(life=lives(with_corrections=True, with_ages=True), data=st.data())
def test_access_is_what_was_bought_given_and_kept(
    database: Database, life: Life, data: st.DataObject
) -> None:
    begin_anew(database)
    sources = Sources(database, life)
    sources.begin(data)
    news = data.draw(deliveries(life.webhooks))
    for webhook in news:
        if data.draw(st.booleans()):
            sources.happens(data)
        deliver(database, webhook)
        sources.look()
    for _ in range(data.draw(st.integers(0, 9))):
        sources.happens(data)
    database.call("expire_purchases", 1000)

    _check(sources)
    outcomes = {deliver(database, webhook) for webhook in data.draw(st.permutations(news))}
    assert outcomes <= {"unchanged", "ignored"}
    _check(sources)


def _check(sources: Sources) -> None:
    truth = sources.truth()
    assert sources.certain(sources.stored()) == sources.certain(truth)
    for user_id in sources.accounts:
        assert access(sources.database, user_id) == sources.access(truth, user_id)


@examples(14, per_second=2)
@given(life=lives(with_corrections=True), data=st.data())
def test_nobody_is_sent_a_course_email_for_what_is_not_theirs(
    database: Database, life: Life, data: st.DataObject
) -> None:
    begin_anew(database)
    sources, customers = Sources(database, life), Customers(database)
    sources.begin(data)
    for webhook in data.draw(deliveries(life.webhooks)):
        deliver(database, webhook)
        sources.look()
        for _ in range(data.draw(st.integers(0, 2))):
            sources.happens(data)
        if data.draw(st.booleans()):
            customers.let_time_pass()
        _get_what_is_true(database, customers)
    customers.let_time_pass()
    _get_what_is_true(database, customers)


def _get_what_is_true(database: Database, customers: Customers) -> None:
    before = len(customers.emails)
    theirs = {(row["order_id"], row["email"], row["slug"]) for row in live(database)}
    customers.get()

    for order_id, email, slugs in customers.emails[before:]:
        assert {(order_id, email, slug) for slug in slugs} <= theirs
