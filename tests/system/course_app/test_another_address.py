"""A customer proves another address, by Supabase's clients, as on a claim and an account page."""

from __future__ import annotations

import pytest

from tests.support.claims import codes_were_asked_for, other_than, written_code
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, order
from tests.system.course_app.apps import Answer, App, User
from tests.system.course_app.conftest import People, has_access, purchases

OLD = "ada.old@example.com"
NOTED = {"outcome": "noted", "address": None, "linked": 0, "owned_elsewhere": 0}
REFUSED = {"outcome": "refused", "address": None, "linked": 0, "owned_elsewhere": 0}
CALLS = {
    "request_claim_code": {"email": OLD},
    "redeem_claim_code": {"code": "123456"},
    "list_proven_addresses": {},
    "remove_proven_address": {"address": OLD},
}


@pytest.fixture
def ada(people: People, database: Database) -> User:
    database.record_orders(order(1, COURSE, email=OLD))
    return people.sign_up("ada@example.com")


def call(app: App, user: User, name: str, **args: object) -> Answer:
    return app.ask(user, "rpc", name=name, args=args)


def redeem(app: App, user: User, code: str) -> Answer:
    """Once to have it noted, once for the answer."""
    assert call(app, user, "redeem_claim_code", code=code) == Answer(data=[NOTED])
    return call(app, user, "redeem_claim_code", code=code)


def test_a_customer_proves_the_address_they_bought_with_and_has_the_course(
    app: App, ada: User, database: Database
) -> None:
    assert has_access(app, ada, COURSE) == Answer(data=False)

    [asked] = call(app, ada, "request_claim_code", email=OLD).data
    assert (asked["address"], asked["valid_until"] > asked["next_code_at"]) == (OLD, True)
    [proven] = redeem(app, ada, written_code(database, OLD)).data

    assert proven == {"outcome": "proven", "address": OLD, "linked": 1, "owned_elsewhere": 0}
    assert has_access(app, ada, COURSE) == Answer(data=True)
    assert [row["shopify_customer_email"] for row in purchases(app, ada).data] == [OLD]
    database.record_orders(order(2, PREMIUM, email=OLD))
    assert has_access(app, ada, PREMIUM) == Answer(data=True)


def test_the_account_page_shows_what_was_proven_and_takes_it_back(
    app: App, ada: User, people: People, database: Database
) -> None:
    eve = people.sign_up("eve@example.com")
    call(app, ada, "request_claim_code", email=OLD)
    redeem(app, ada, written_code(database, OLD))

    [listed] = call(app, ada, "list_proven_addresses").data
    assert (listed["address"], listed["purchases"]) == (OLD, 1)
    assert call(app, eve, "list_proven_addresses") == Answer(data=[])
    assert call(app, eve, "remove_proven_address", address=OLD) == Answer(data=0)
    assert has_access(app, ada, COURSE) == Answer(data=True)

    assert call(app, ada, "remove_proven_address", address=OLD) == Answer(data=1)
    assert call(app, ada, "list_proven_addresses") == Answer(data=[])
    assert has_access(app, ada, COURSE) == Answer(data=False)


def test_a_wrong_guess_is_counted_although_each_call_is_its_own(
    app: App, ada: User, database: Database
) -> None:
    call(app, ada, "request_claim_code", email=OLD)
    code = written_code(database, OLD)

    for _ in range(5):
        assert redeem(app, ada, other_than(code)) == Answer(data=[REFUSED])
    assert call(app, ada, "redeem_claim_code", code=code) == Answer(data=[REFUSED])
    assert has_access(app, ada, COURSE) == Answer(data=False)


def test_the_code_of_somebody_else_is_worth_nothing(
    app: App, ada: User, people: People, database: Database
) -> None:
    eve = people.sign_up("eve@example.com")
    call(app, ada, "request_claim_code", email=OLD)

    answer = call(app, eve, "redeem_claim_code", code=written_code(database, OLD))

    assert answer == Answer(data=[REFUSED])
    assert purchases(app, eve) == Answer(data=[])


def test_too_many_codes_have_a_code_of_their_own_and_say_for_how_long(
    app: App, ada: User, database: Database
) -> None:
    call(app, ada, "request_claim_code", email=OLD)

    answer = call(app, ada, "request_claim_code", email="other@example.com")

    assert answer.code == "TH008"
    assert answer.message == "too many codes: ask again in 1 minutes"
    codes_were_asked_for(database, hours_ago=1)
    assert call(app, ada, "request_claim_code", email="other@example.com").code is None


def test_what_cannot_be_proven_is_told_apart(app: App, ada: User, people: People) -> None:
    unconfirmed = people.sign_up("eve@example.com", confirmed=False)

    assert call(app, ada, "request_claim_code", email="ada").code == "TH004"
    assert call(app, ada, "request_claim_code", email="ada@example.com").code == "TH005"
    assert call(app, unconfirmed, "request_claim_code", email=OLD).code == "TH005"


def test_whoever_has_not_signed_in_may_call_none_of_it(app: App, people: People) -> None:
    for name, arguments in CALLS.items():
        assert call(app, people.visitor(), name, **arguments).code == "42501", name


def test_nobody_reads_codes_or_proven_addresses(app: App, ada: User) -> None:
    for table in ("claim_codes", "proven_addresses", "notifications", "audit_log"):
        assert app.ask(ada, "select", table=table, schema="thetis").code == "PGRST106"
        assert app.ask(ada, "select", table=table).code in {"PGRST205", "42P01"}, table
