"""Whoever calls the API decides what comes after the function, and so whether it is undone."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.support.claims import note, other_than, redeem, request_code, written_code
from tests.support.database import Database
from tests.support.supabase_api import SupabaseApi

OLD = "ada.old@example.com"

Guess = Callable[[str], str]

UNDOING = [
    ({"select": "outcome::int"}, {}),
    ({"outcome": "eq.proven"}, {"Accept": "application/vnd.pgrst.object+json"}),
]
"""What makes the API fail after the function has answered."""


@pytest.fixture
def database(own_database: Database) -> Database:
    return own_database


@pytest.fixture
def ada(database: Database) -> str:
    ada = database.accounts.sign_up("ada@example.com")
    request_code(database, ada, OLD)
    return ada


@pytest.fixture(params=UNDOING, ids=["a cast", "a filter"])
def guess(request: pytest.FixtureRequest, ada: str, supabase_api: SupabaseApi) -> Guess:
    """Tries a code, and has the API undo that if it was wrong; returns what the API says."""
    question, headers = request.param

    def post(code: str) -> str:
        return httpx.post(
            f"{supabase_api.url}/rest/v1/rpc/redeem_claim_code",
            params=question,
            json={"code": code},
            headers={
                "apikey": supabase_api.publishable_key,
                "Authorization": f"Bearer {supabase_api.user_token(ada)}",
                **headers,
            },
        ).text

    return post


def test_no_guess_is_answered_that_the_caller_has_undone(
    database: Database, ada: str, guess: Guess
) -> None:
    code = written_code(database, OLD)

    answers = [guess(other_than(code)) for _ in range(6)] + [guess(code) for _ in range(6)]

    assert not [answer for answer in answers if "proven" in answer]
    assert database.value("select count(*) from thetis.proven_addresses") == 0
    assert redeem(database, ada, code)["outcome"] == "proven"


def test_of_six_guesses_that_are_counted_the_last_is_not_answered_however_it_is_asked(
    database: Database, ada: str, guess: Guess
) -> None:
    code = written_code(database, OLD)
    wrong = other_than(code)
    for _ in range(5):
        assert note(database, ada, wrong)["outcome"] == "noted"
        guess(wrong)
        wrong = other_than(wrong)

    note(database, ada, code)
    assert "proven" not in guess(code)
    assert database.value("select count(*) from thetis.proven_addresses") == 0


def test_what_a_guess_came_to_stays_when_the_caller_has_it_undone(
    database: Database, ada: str, guess: Guess
) -> None:
    code = written_code(database, OLD)
    note(database, ada, code)

    guess(code)
    guess(code)
    proven = database.value("select count(*) from thetis.proven_addresses") == 1
    assert proven or redeem(database, ada, code)["outcome"] == "proven"
    assert database.value("select max(attempts) from thetis.claim_codes") == 1


def test_a_guess_is_not_answered_in_the_transaction_that_notes_it(
    database: Database, ada: str
) -> None:
    code = written_code(database, OLD)
    with database.accounts.as_user(ada) as user:
        for _ in range(2):
            [row] = user.execute("select * from public.redeem_claim_code(%s)", [code]).fetchall()
            assert row["outcome"] == "noted"
