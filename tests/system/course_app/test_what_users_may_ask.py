"""The calls of the course app, by Supabase's clients, for each kind of customer."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order, refund
from tests.system.course_app.apps import Answer, App
from tests.system.course_app.conftest import People, claim_purchases, has_access, purchases

NOT_SIGNED_IN = Answer(code="42501")
NO_SUCH_FUNCTION = "PGRST202"


@pytest.fixture(autouse=True)
def _orders(database: Database) -> None:
    database.record_orders(order(1, COURSE, SPLINT), order(2, PREMIUM, email="bob@example.com"))


def test_an_owner_has_access_to_what_they_bought_and_to_nothing_else(
    app: App, people: People
) -> None:
    ada = people.sign_up("ada@example.com")

    assert has_access(app, ada, COURSE) == Answer(data=True)
    assert has_access(app, ada, PREMIUM) == Answer(data=False)
    assert has_access(app, ada, "no_such_course") == Answer(data=False)


def test_access_ends_with_the_refund(app: App, people: People, database: Database) -> None:
    ada = people.sign_up("ada@example.com")
    assert has_access(app, ada, COURSE) == Answer(data=True)

    database.record_refunds(refund(9, 1, **{COURSE: 1}))

    assert has_access(app, ada, COURSE) == Answer(data=False)


def test_an_owner_sees_their_purchases_and_no_others(app: App, people: People) -> None:
    ada, bob = people.sign_up("ada@example.com"), people.sign_up("bob@example.com")

    assert {row["product_slug"] for row in purchases(app, ada).data} == {COURSE, SPLINT}
    [row] = purchases(app, bob).data
    assert (row["product_slug"], row["status"], row["user_id"]) == (PREMIUM, "active", bob.user_id)
    assert row["shopify_order_id"] == "2"


def test_a_stranger_has_nothing_and_sees_nothing(app: App, people: People) -> None:
    people.sign_up("ada@example.com")
    eve = people.sign_up("eve@example.com")

    assert has_access(app, eve, COURSE) == Answer(data=False)
    assert purchases(app, eve) == Answer(data=[])
    assert claim_purchases(app, eve) == Answer(data=0)


def test_nobody_asks_in_the_name_of_another(app: App, people: People) -> None:
    ada, eve = people.sign_up("ada@example.com"), people.sign_up("eve@example.com")

    for function in ("has_access", "claim_purchases"):
        arguments = {"slug": COURSE, "user_id": ada.user_id}
        asked = app.ask(eve, "rpc", name=function, args=arguments)
        assert asked.code == NO_SUCH_FUNCTION


def test_whoever_has_not_signed_in_is_told_so(app: App, people: People) -> None:
    visitor = people.visitor()

    assert has_access(app, visitor, COURSE) == NOT_SIGNED_IN
    assert claim_purchases(app, visitor) == NOT_SIGNED_IN
    assert purchases(app, visitor) == NOT_SIGNED_IN
    assert app.ask(visitor, "select", table="products") == NOT_SIGNED_IN


def test_claiming_repairs_what_linking_missed(app: App, people: People, database: Database) -> None:
    ada = people.sign_up("ada@example.com")
    database.execute("update public.purchases set user_id = null")

    assert has_access(app, ada, COURSE) == Answer(data=False)
    assert claim_purchases(app, ada) == Answer(data=2)
    assert claim_purchases(app, ada) == Answer(data=0)
    assert has_access(app, ada, COURSE) == Answer(data=True)


def test_an_address_that_is_not_confirmed_gets_nothing_until_it_is(
    app: App, people: People, database: Database
) -> None:
    ada = people.sign_up("ada@example.com", confirmed=False)
    assert ada.user_id

    assert claim_purchases(app, ada) == Answer(data=0)
    assert has_access(app, ada, COURSE) == Answer(data=False)
    assert purchases(app, ada) == Answer(data=[])

    database.accounts.confirm(ada.user_id)
    assert has_access(app, ada, COURSE) == Answer(data=True)


def test_a_user_reads_the_catalogue(app: App, people: People) -> None:
    products = app.ask(people.sign_up("eve@example.com"), "select", table="products")

    sold = {(row["slug"], row["category"]) for row in products.data}
    assert sold >= {(COURSE, "course"), (SPLINT, "device")}


def test_the_legacy_anon_key_serves_as_well(app: App, people: People) -> None:
    ada = people.sign_up("ada@example.com")
    legacy = people.api.anon_key

    assert has_access(app, ada.with_key(legacy), COURSE) == Answer(data=True)
    assert has_access(app, people.visitor().with_key(legacy), COURSE) == NOT_SIGNED_IN
