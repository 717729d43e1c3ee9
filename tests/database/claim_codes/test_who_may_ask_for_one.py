"""Who may ask for a code, how often, and that the answer tells nothing about the address."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.operators.support import ADA, EVE
from tests.support.claims import ASK, codes_were_asked_for, redeem, request_code, written_code
from tests.support.database import Connection, Database, Row
from tests.support.shopify import COURSE, order

OLD, OTHER = "ada.old@example.com", "ada.work@example.com"

TOUCHED = """
select relname, seq_scan, idx_scan, seq_tup_read, idx_tup_fetch, n_tup_ins, n_tup_upd
from pg_stat_xact_user_tables
where schemaname in ('public', 'thetis', 'auth')
order by relname
"""


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


def test_the_same_is_read_and_written_for_an_address_with_an_account_and_purchases_as_for_none(
    database: Database, ada: str
) -> None:
    database.record_orders(order(3, COURSE, email=EVE))
    database.accounts.sign_up(EVE)

    def work(email: str) -> list[Row]:
        with database.accounts.as_user(ada) as user:
            before = _touched(user)
            with user.transaction(force_rollback=True):
                user.execute(ASK, [email])
                after = _touched(user)
        return [
            {"of": each, "by": [new - old for new, old in zip(counts, before[each], strict=True)]}
            for each, counts in after.items()
        ]

    work("warm.up@example.com")
    known, unknown = work(EVE), work("nobody@example.com")

    assert known == unknown
    assert not any(any(each["by"]) for each in known if each["of"] in {"orders", "purchases"})


def _touched(connection: Connection) -> dict[str, list[int]]:
    return {
        row.pop("relname"): [count or 0 for count in row.values()]
        for row in connection.execute(TOUCHED).fetchall()
    }
