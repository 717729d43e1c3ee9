"""A code is good once, for fifteen minutes, and for five guesses."""

from __future__ import annotations

import pytest

from tests.database.operators.support import ADA
from tests.support.claims import (
    REFUSED,
    codes_were_asked_for,
    other_than,
    proven,
    redeem,
    request_code,
    written_code,
)
from tests.support.database import Database
from tests.support.shopify import COURSE, order

OLD, OTHER = "ada.old@example.com", "ada.work@example.com"


@pytest.fixture
def ada(database: Database) -> str:
    database.record_orders(order(1, COURSE, email=OLD), order(2, COURSE, email=OTHER))
    return database.accounts.sign_up(ADA)


def asked(database: Database, user_id: str, email: str = OLD) -> str:
    request_code(database, user_id, email)
    return written_code(database, email)


def test_it_is_six_digits_and_may_be_typed_with_spaces(database: Database, ada: str) -> None:
    code = asked(database, ada)

    assert len(code) == 6
    assert code.isdigit()
    assert redeem(database, ada, f" {code[:3]} {code[3:]}\n")["outcome"] == "proven"


def test_codes_differ_and_begin_with_zeros_too(database: Database) -> None:
    codes = [
        row["code"]
        for row in database.rows("select thetis.random_code() as code from generate_series(1, 500)")
    ]

    assert len(set(codes)) > 490
    assert {code[0] for code in codes} == set("0123456789")
    assert {len(code) for code in codes} == {6}


def test_it_says_how_long_it_is_good_and_when_to_ask_again(database: Database, ada: str) -> None:
    answer = request_code(database, ada, f" {OLD.title()}")

    assert answer["address"] == OLD
    now = database.value("select max(requested_at) from thetis.claim_codes")
    assert (answer["valid_until"] - now).total_seconds() == 900
    assert (answer["next_code_at"] - now).total_seconds() == 60


def test_it_is_good_once(database: Database, ada: str) -> None:
    code = asked(database, ada)
    redeem(database, ada, code)

    assert redeem(database, ada, code) == REFUSED


def test_it_is_good_until_its_last_second(database: Database, ada: str) -> None:
    code = asked(database, ada)
    codes_were_asked_for(database, hours_ago=14.9 / 60)

    assert redeem(database, ada, code)["outcome"] == "proven"


def test_it_is_over_after_fifteen_minutes(database: Database, ada: str) -> None:
    code = asked(database, ada)
    codes_were_asked_for(database, hours_ago=0.25)

    assert redeem(database, ada, code) == REFUSED
    assert proven(database, ada) == {}


def test_after_four_wrong_guesses_it_is_still_good(database: Database, ada: str) -> None:
    code = asked(database, ada)
    for _ in range(4):
        assert redeem(database, ada, other_than(code)) == REFUSED

    assert redeem(database, ada, code)["outcome"] == "proven"


@pytest.mark.parametrize("wrong", [None, "", "12345", "abc", "1" * 5000])
def test_after_five_wrong_guesses_of_any_kind_it_is_of_no_use(
    database: Database, ada: str, wrong: str | None
) -> None:
    code = asked(database, ada)
    for _ in range(5):
        assert redeem(database, ada, wrong) == REFUSED

    assert redeem(database, ada, code) == REFUSED
    assert database.value("select attempts from thetis.claim_codes") == 5
    assert database.value("select code_hash is null from thetis.claim_codes")


def test_without_a_code_every_guess_is_refused_in_the_same_words(
    database: Database, ada: str
) -> None:
    assert redeem(database, ada, "123456") == REFUSED


def test_a_newer_one_ends_the_older_and_withdraws_its_message(database: Database, ada: str) -> None:
    older = asked(database, ada)
    codes_were_asked_for(database, hours_ago=0.02)
    newer = asked(database, ada, OTHER)

    if older != newer:
        assert redeem(database, ada, older) == REFUSED
    assert redeem(database, ada, newer)["address"] == OTHER
    states = {
        row["email"]: row["status"]
        for row in database.rows(
            "select email, status from thetis.notifications where kind = 'claim_code'"
        )
    }
    assert states == {OLD: "skipped", OTHER: "skipped"}


def test_what_is_kept_of_it_is_a_hash(database: Database, ada: str) -> None:
    code = asked(database, ada)

    [row] = database.rows("select * from thetis.claim_codes")
    assert code not in str(row)
    assert len(bytes(row["code_hash"])) == 32
    redeem(database, ada, code)
    assert database.value("select code_hash is null from thetis.claim_codes")
