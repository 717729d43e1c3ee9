"""`thetis customer` and `thetis staff`, as a person at a terminal meets them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.database.operators.support import ADA, EVE, GRACE, audited, purchase_id
from tests.database.outbox.support import send_everything
from tests.support.claims import prove
from tests.support.database import Database
from tests.support.program import ROOT, environment, thetis
from tests.support.shopify import COURSE, PREMIUM, order
from tests.support.supabase_api import SupabaseApi

WHY = ("--reason", "she asked")
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def customer(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    return thetis("customer", *arguments, DATABASE_URL=database.url, LOGNAME="sue")


@pytest.fixture
def bought(database: Database) -> str:
    """The id of Ada's purchase, of order 1001; she has no account."""
    database.record_orders(order(1, COURSE, order_number=1001))
    return purchase_id(database, 1)


def is_refused(ended: subprocess.CompletedProcess[str], words: str, code: int = 1) -> None:
    assert (ended.returncode, ended.stdout) == (code, "")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_customer_is_shown_the_answer_first(database: Database, bought: str) -> None:
    shown = customer(database, "show", ADA)

    assert shown.returncode == 0
    first, *_ = shown.stdout.splitlines()
    assert first == f"{COURSE}  no: nobody has signed up with {ADA} yet"
    assert f"thetis customer transfer --purchase {bought} --to ADDRESS" in shown.stdout
    assert "order #1001 paid" in shown.stdout


def test_a_program_gets_the_whole_document(database: Database, bought: str) -> None:
    told = json.loads(customer(database, "show", "1001", "--json").stdout)

    assert (told["found_by"], told["answer"][0]["purchase_id"]) == ("order", bought)


def test_who_is_found_by_nothing_may_have_been_misspelt(database: Database, bought: str) -> None:
    shown = customer(database, "show", "adda@example.com")

    assert shown.returncode == 1
    assert shown.stdout == (
        f"nobody is known by adda@example.com\n\nDid you mean:\n  thetis customer show {ADA}\n"
    )


@pytest.mark.parametrize("query", ["nobody@example.com", "99999", UNKNOWN, "", "%", "' or 1=1"])
def test_nobody_is_found_without_a_fault(database: Database, query: str) -> None:
    shown = customer(database, "show", query)

    assert (shown.returncode, shown.stderr) == (1, "")
    assert shown.stdout.startswith("nobody is known by")


def test_a_proven_address_is_told_as_the_reason_of_what_it_gives(
    database: Database, bought: str
) -> None:
    eve = database.accounts.sign_up(EVE)
    prove(database, eve, ADA)

    shown = customer(database, "show", ADA).stdout

    assert shown.startswith(f"{COURSE}  yes, ")
    assert f"has proven {ADA}" in shown
    assert f"of an account that has proven {ADA} (purchase {bought})" in shown
    assert f"account {eve} asked for a code, to prove {ADA}" in shown
    assert f"account {eve} proved {ADA} by a code" in shown
    assert f"the code to {ADA} withdrawn" in shown


def test_what_is_shown_in_a_pipe_has_no_colours_and_is_not_wrapped(
    database: Database, bought: str
) -> None:
    shown = customer(database, "show", ADA).stdout

    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) > 120


def test_a_terminal_gets_colours_and_lines_that_fit(database: Database, bought: str) -> None:
    shown = at_a_terminal(database, "show", ADA, columns=60)

    assert "\x1b[31m" in shown
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    words = [line for line in lines if "thetis " not in line and bought not in line]
    assert max(map(len, words)) <= 60
    assert [line for line in lines if line.endswith("--to ADDRESS --reason '…'")]


def test_a_terminal_that_wants_no_colours_gets_none(database: Database, bought: str) -> None:
    assert "\x1b" not in at_a_terminal(database, "show", ADA, columns=60, NO_COLOR="1")


def at_a_terminal(database: Database, *arguments: str, columns: int, **settings: str) -> str:
    """What it writes there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "thetis", "customer", *arguments],
        cwd=ROOT,
        env=environment(DATABASE_URL=database.url, LOGNAME="sue", **settings),
        stdout=theirs,
        stdin=subprocess.DEVNULL,
    ):
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
    os.close(ours)
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def test_nothing_that_a_terminal_obeys_comes_from_outside(database: Database) -> None:
    evil = "a;touch\x1b[2J$(id)@example.com"
    database.record_orders(order(1, COURSE, order_number=1001, email=evil))

    shown = customer(database, "show", "1001")

    assert "\x1b" not in shown.stdout
    assert "touch" in shown.stdout


@pytest.mark.parametrize(
    "act",
    [
        ("revoke", "ID"),
        ("transfer", "--purchase", "ID", "--to", GRACE),
        ("transfer", "--order", "1001", "--to", GRACE),
        ("grant", PREMIUM, ADA),
        ("forget", ADA),
    ],
)
def test_a_dry_run_says_what_would_be_and_does_nothing(
    database: Database, bought: str, act: tuple[str, ...]
) -> None:
    before = (database.purchases(), audited(database))

    said = customer(
        database, *(bought if word == "ID" else word for word in act), *WHY, "--dry-run"
    )

    assert said.returncode == 0
    assert said.stdout.startswith(f"would {act[0]} ")
    assert (database.purchases(), audited(database)) == before


def test_an_act_says_what_was_and_what_is_and_who_did_it_is_written_down(
    database: Database, bought: str
) -> None:
    said = customer(database, "revoke", bought, "--expect", ADA, *WHY)

    assert said.stdout == (
        f"revoked {COURSE} of order #1001 (purchase {bought})\n"
        f"  before: {ADA} (no account yet), active, for ever\n"
        f"  now:    {ADA} (no account yet), cancelled, for ever\n"
        f"withdrawn: the course email to {ADA}\n"
        f"withdrawn: the workflow to {ADA}\n"
    )
    [act] = audited(database)
    assert (act["operator"], act["action"], act["reason"]) == ("sue", "revoke", "she asked")


def test_what_is_so_already_is_nothing_to_do(database: Database, bought: str) -> None:
    customer(database, "revoke", bought, *WHY)

    again = customer(database, "revoke", bought, *WHY)

    assert (again.returncode, again.stdout.splitlines()[0]) == (
        0,
        "nothing to do: it is so already",
    )


def test_access_is_given_until_the_end_of_a_day(database: Database) -> None:
    said = customer(database, "grant", COURSE, ADA, "--until", "2099-11-20", *WHY)

    assert said.stdout.endswith(
        f"  now:    {ADA} (no account yet), active, until 2099-11-20\nno message goes out\n"
    )
    ends = database.value("select expires_at at time zone 'UTC' from public.purchases")
    assert str(ends) == "2099-11-20 23:59:59"


def test_an_end_is_moved_and_taken_away(database: Database) -> None:
    customer(database, "grant", COURSE, ADA, "--until", "2099-11-20", *WHY)
    given = str(database.value("select id from public.purchases"))

    later = customer(database, "extend", given, "--until", "2100-01-01T12:00:00+02:00", *WHY)
    never = customer(database, "extend", given, "--until", "forever", *WHY)

    assert "active, until 2100-01-01" in later.stdout
    assert "active, for ever" in never.stdout


def test_another_name_is_written_down(database: Database, bought: str) -> None:
    assert customer(database, "show", ADA, "--as", "lin").returncode == 0
    assert [act["operator"] for act in audited(database)] == ["lin"]


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("revoke", "ID"), "--reason", 2),
        (("revoke", "ID", "--reason", " \t"), "must not be blank", 2),
        (("revoke", "ID", *WHY, "--as", " "), "nobody knows who you are: say --as NAME", 2),
        (("revoke", "ID", *WHY, "--expect", EVE), "is not that of the expected address", 1),
        (
            ("transfer", "--order", "1001", "--to", GRACE, "--expect", EVE, *WHY),
            "is not that of",
            1,
        ),
        (("revoke", UNKNOWN, *WHY), f"there is no purchase {UNKNOWN}", 1),
        (("revoke", "1", *WHY), "is not a valid UUID", 2),
        (("transfer", "--order", "1002", "--to", GRACE, *WHY), "there is no order 1002", 1),
        (("transfer", "--purchase", "ID", "--to", "grace", *WHY), "not an email address", 1),
        (("transfer", "--to", GRACE, *WHY), "say --order or --purchase", 2),
        (("extend", "ID", "--until", "2099-11-20", *WHY), "its access does not end", 1),
        (("extend", "ID", "--until", "soon", *WHY), "'soon' is no date", 2),
        (("extend", "ID", "--until", "2000-01-01", *WHY), "is over already", 1),
        (("grant", "brace", ADA, *WHY), "there is no product brace", 1),
        (("grant", COURSE, UNKNOWN, *WHY), f"there is no account {UNKNOWN}", 1),
        (("export", "ada"), "not an email address", 1),
        (("forget", "ada", *WHY), "not an email address", 1),
    ],
)
def test_what_cannot_be_meant_is_refused_plainly(
    database: Database, bought: str, arguments: tuple[str, ...], words: str, code: int
) -> None:
    before = database.purchases()

    said = customer(database, *(bought if word == "ID" else word for word in arguments))

    is_refused(said, words, code)
    assert (database.purchases(), audited(database)) == (before, [])


def test_a_system_user_without_a_name_has_to_say_one(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    from click.testing import CliRunner  # noqa: PLC0415

    from thetis.cli import main  # noqa: PLC0415

    def nobody() -> str:
        raise OSError("no username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)
    ended = CliRunner().invoke(main, ["customer", "show", ADA])
    assert (ended.exit_code, "say --as NAME" in ended.output) == (2, True)


def test_a_role_that_is_not_the_service_s_is_told_so(own_database: Database) -> None:
    url = own_database.platform.url("authenticator", own_database.name)
    is_refused(thetis("customer", "show", ADA, DATABASE_URL=url, LOGNAME="sue"), "does not allow")


def test_what_is_held_goes_to_a_new_file_for_the_eyes_of_its_owner(
    database: Database, bought: str, tmp_path: Path
) -> None:
    file = tmp_path / "ada.json"

    assert customer(database, "export", ADA, "--output", str(file)).stdout == ""
    assert json.loads(file.read_text())["purchases"][0]["id"] == bought
    assert file.stat().st_mode & 0o077 == 0
    is_refused(customer(database, "export", ADA, "--output", str(file)), "is there already", 2)
    missing = customer(database, "export", ADA, "--output", str(tmp_path / "no" / "ada.json"))
    is_refused(missing, "No such file or directory")
    assert json.loads(customer(database, "export", ADA).stdout)["address"] == ADA


def test_nobody_is_forgotten_before_the_address_is_typed_again(
    database: Database, bought: str
) -> None:
    def forget(typed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "thetis", "customer", "forget", ADA, *WHY],
            cwd=ROOT,
            env=environment(DATABASE_URL=database.url, LOGNAME="sue"),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    for typed in ("", "yes\n", f"{GRACE}\n"):
        assert forget(typed).returncode == 1
        assert database.purchases()[0]["shopify_customer_email"] == ADA
    ended = forget(f" {ADA.upper()}\n")
    assert (ended.returncode, ended.stdout.splitlines()[-1][-len(ADA) - 7 :]) == (
        0,
        f"forgot {ADA}",
    )
    assert f"loses {COURSE} of order #1001: no account owns it" in ended.stdout
    assert database.purchases()[0]["shopify_customer_email"] == ""
    again = customer(database, "forget", ADA, *WHY, "--yes")
    assert again.stdout == "nothing to do: nothing is held of this address\n"
    assert "no: whose it was is forgotten" in customer(database, "show", "1001").stdout


def test_what_a_person_has_to_answer_is_listed_until_it_is_answered(database: Database) -> None:
    asked = {"topic": "customers/data_request", "email": ADA, "shopify_order_ids": ["1", "2"]}
    database.call("record_privacy_request", asked)

    [line] = customer(database, "requests").stdout.splitlines()
    request_id, _, topic, state, address, orders = line.split("\t")
    assert (topic, state, address, orders) == ("customers/data_request", "waits", ADA, "1 2")
    assert customer(database, "answered", request_id).stdout == (
        f"Request {request_id} waits no longer.\n"
    )
    assert customer(database, "requests").stdout == ""
    assert "\tanswered " in customer(database, "requests", "--all").stdout
    unknown = customer(database, "answered", "77")
    is_refused(unknown, "there is no request 77")


def test_a_second_factor_is_asked_for_or_not(database: Database) -> None:
    for state, words in (("off", "do not need"), ("on", "need")):
        said = thetis(
            *("staff", "second-factor", state, *WHY), DATABASE_URL=database.url, LOGNAME="sue"
        )
        assert said.stdout == f"Support staff {words} a second factor.\n"
        assert database.value("select needs_second_factor from thetis.staff_rules") == (
            state == "on"
        )
    assert [act["action"] for act in audited(database)] == ["configure", "configure"]


def test_what_is_sent_again_is_written_down_with_who(database: Database, bought: str) -> None:
    send_everything(database)
    resend = ("messages", "resend", "--order", "1001", *WHY, "--as", "lin")

    assert thetis(*resend, DATABASE_URL=database.url).stdout.startswith(f"enqueued for {ADA}")
    assert "lin had the course email sent again, because: she asked" in (
        customer(database, "show", ADA).stdout
    )


def test_it_works_through_the_api_as_well(
    database: Database, bought: str, supabase_api: SupabaseApi
) -> None:
    api = {
        "SUPABASE_URL": supabase_api.url,
        "SUPABASE_SECRET_KEY": supabase_api.secret_key,
        "LOGNAME": "sue",
    }
    revoked = thetis("customer", "revoke", bought, *WHY, **api)
    shown = thetis("customer", "show", ADA, **api)
    refused = thetis("customer", "restore", bought, "--expect", EVE, *WHY, **api)

    assert revoked.stdout.startswith(f"revoked {COURSE} of order #1001")
    assert shown.stdout.startswith(f"{COURSE}  no: an operator took it away on ")
    is_refused(refused, "is not that of the expected address")
