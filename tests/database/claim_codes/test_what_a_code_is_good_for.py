"""A code is good once, for fifteen minutes, and for five guesses."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE
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


def refusal(database: Database, user_id: str, email: str | None) -> tuple[str | None, str, str]:
    with pytest.raises(psycopg.Error) as caught:
        request_code(database, user_id, email)  # type: ignore[arg-type]
    told = caught.value.diag
    return told.sqlstate, str(told.message_primary), str(told.message_detail)


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


def test_a_user_may_ask_once_a_minute(database: Database, ada: str) -> None:
    request_code(database, ada, OLD)

    code, message, seconds = refusal(database, ada, OTHER)
    assert (code, message) == ("TH008", "too many codes: ask again in 1 minutes")
    assert 0 < int(seconds) <= 60
    codes_were_asked_for(database, hours_ago=1 / 60)
    request_code(database, ada, OTHER)


def test_a_user_may_ask_five_times_an_hour(database: Database, ada: str) -> None:
    for number in range(5):
        request_code(database, ada, f"ada{number}@example.com")
        codes_were_asked_for(database, hours_ago=0.1)

    code, _, seconds = refusal(database, ada, OLD)
    assert code == "TH008"
    assert 1790 < int(seconds) <= 1800
    codes_were_asked_for(database, hours_ago=0.5)
    request_code(database, ada, OLD)


def test_an_address_may_be_asked_for_three_times_an_hour_by_all_together(
    database: Database,
) -> None:
    for number in range(3):
        user = database.accounts.sign_up(f"user{number}@example.com")
        request_code(database, user, OLD)
        codes_were_asked_for(database, hours_ago=0.1)
    eve = database.accounts.sign_up(EVE)

    assert refusal(database, eve, OLD.upper())[0] == "TH008"
    request_code(database, eve, OTHER)


def test_an_address_may_be_asked_for_six_times_a_day(database: Database, ada: str) -> None:
    for _ in range(6):
        request_code(database, ada, OLD)
        codes_were_asked_for(database, hours_ago=2)

    code, message, seconds = refusal(database, ada, OLD)
    assert (code, message) == ("TH008", "too many codes: ask again in 720 minutes")
    assert 43190 < int(seconds) <= 43200


def test_the_limits_of_an_address_outlive_the_account_that_asked(database: Database) -> None:
    for number in range(3):
        user = database.accounts.sign_up(f"user{number}@example.com")
        request_code(database, user, OLD)
        database.accounts.delete(user)
    eve = database.accounts.sign_up(EVE)

    assert refusal(database, eve, OLD)[0] == "TH008"


def test_known_or_not_an_address_gets_the_same_answer_and_the_same_rows(
    database: Database, ada: str
) -> None:
    eve = database.accounts.sign_up(EVE)
    known = request_code(database, ada, OLD)
    unknown = request_code(database, eve, "nobody@example.com")

    assert known.keys() == unknown.keys()
    for table in ("thetis.claim_codes", "thetis.notifications", "thetis.audit_log"):
        column = "payload ->> 'email'" if table == "thetis.notifications" else "email"
        count = f"select count(*) from {table} where {column} = %s"
        if table == "thetis.notifications":
            count += " and kind = 'claim_code'"
        assert database.value(count, OLD) == database.value(count, "nobody@example.com") == 1


@pytest.mark.parametrize("address", [None, "", "ada", "a@b@c", "a b@example.com", "x" * 400])
def test_what_is_no_address_is_refused(database: Database, ada: str, address: str | None) -> None:
    assert refusal(database, ada, address)[:2] == ("TH004", "address: not an email address")


def test_nobody_proves_the_address_that_they_sign_in_with(database: Database, ada: str) -> None:
    words = "this is the address that you sign in with"
    assert refusal(database, ada, ADA.upper())[:2] == ("TH005", words)


def test_who_has_confirmed_nothing_gets_no_code(database: Database) -> None:
    eve = database.accounts.sign_up(EVE, confirmed=False)
    words = "confirm the address that you sign in with first"
    assert refusal(database, eve, OLD)[:2] == ("TH005", words)
    with pytest.raises(psycopg.Error) as caught:
        redeem(database, eve, "123456")
    assert caught.value.diag.sqlstate == "TH005"


def test_who_signs_in_by_telephone_may_prove_an_address(database: Database) -> None:
    database.record_orders(order(1, COURSE, email=OLD))
    eve = database.accounts.sign_up(EVE, confirmed=False)
    with database.connect("supabase_auth_admin") as auth:
        auth.execute("update auth.users set phone_confirmed_at = now() where id = %s", [eve])

    assert redeem(database, eve, asked(database, eve))["linked"] == 1


@pytest.mark.parametrize("change", ["banned_until = 'infinity'", "deleted_at = now()"])
def test_a_token_of_an_account_that_is_gone_gets_no_code(
    database: Database, ada: str, change: str
) -> None:
    code = asked(database, ada)
    with database.connect("supabase_auth_admin") as auth:
        auth.execute(f"update auth.users set {change} where id = '{ada}'".encode())
    codes_were_asked_for(database, hours_ago=0.1)

    assert refusal(database, ada, OTHER)[0] == "TH005"
    with pytest.raises(psycopg.Error):
        redeem(database, ada, code)
