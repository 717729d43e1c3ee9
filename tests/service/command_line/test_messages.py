"""`thetis messages` and `thetis products unmapped`, as a person at a terminal meets them."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.database.outbox.support import COURSE_ACCESS, TRIGGER, claim_one, send_everything, settle
from tests.support.database import Database
from tests.support.program import thetis
from tests.support.shopify import COURSE, order, refund
from tests.support.supabase_api import SupabaseApi


def messages(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    return thetis("messages", *arguments, DATABASE_URL=database.url)


@pytest.fixture
def dead(database: Database) -> str:
    """The id of a trigger that was given up."""
    database.record_orders(order(1, COURSE, order_number=1001))
    claimed = claim_one(database, TRIGGER)
    error = "knock 422 invalid_params: no"
    settle(database, claimed, "dead", error=error, is_refused=True)
    return str(claimed["id"])


def test_the_dead_ones_are_listed_with_the_providers_words(database: Database, dead: str) -> None:
    [line] = messages(database, "list").stdout.splitlines()
    id_, kind, status, number, email, _, words = line.split("\t")
    assert (id_, kind, status, number) == (dead, TRIGGER, "dead", "#1001")
    assert (email, words) == ("ada@example.com", "knock 422 invalid_params: no")


def test_all_of_an_order_are_listed(database: Database, dead: str) -> None:
    for name in ("1001", "#1001", "1"):
        lines = messages(database, "list", "--order", name).stdout.splitlines()
        assert {line.split("\t")[2] for line in lines} == {"dead", "pending"}
    assert dead in messages(database, "list", "--order", "1", "--status", "dead").stdout


def test_one_is_shown_whole_and_an_unknown_one_is_named(database: Database, dead: str) -> None:
    assert json.loads(messages(database, "show", dead).stdout)["id"] == dead
    unknown = messages(database, "show", "00000000-0000-0000-0000-000000000000")
    assert unknown.returncode == 1
    assert "there is no message" in unknown.stderr


def test_what_was_given_up_is_retried_after_a_dry_run(database: Database, dead: str) -> None:
    said = messages(database, "retry", dead, "--dry-run")
    assert said.stdout == f"{dead}\twould be retried\n"
    assert messages(database, "list").stdout

    assert database.rows("table thetis.audit_log") == []
    again = messages(database, "retry", "--all", "--as", "sue", "--reason", "Knock is up again")
    assert again.stdout == f"{dead}\tretried\n"
    assert messages(database, "list").stdout == ""
    [noted] = database.rows("select * from thetis.audit_log")
    assert (noted["operator"], noted["action"], noted["reason"]) == (
        "sue",
        "retry",
        "Knock is up again",
    )
    assert (noted["email"], noted["shopify_order_id"]) == ("ada@example.com", "1")
    assert noted["after"] == {"kind": TRIGGER, "message": dead}
    shown = thetis("customer", "show", "1", DATABASE_URL=database.url).stdout
    assert "sue had the workflow tried again, because: Knock is up again" in shown
    assert claim_one(database, TRIGGER)


def test_what_has_lost_its_reason_is_refused_in_words(database: Database, dead: str) -> None:
    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    refused = messages(database, "retry", dead)
    assert refused.returncode == 1
    assert refused.stdout == f"{dead}\trefused\tit has lost its reason\n"


def test_what_became_of_each_is_said_of_more_than_the_api_gives_in_one_answer(
    database: Database, supabase_api: SupabaseApi
) -> None:
    """A thousand rows."""
    database.execute(
        "insert into thetis.notifications (kind, shopify_order_id, payload, status, settled_at)"
        " select 'course_access', n, '{}', 'dead', now() from generate_series(1, 1200) as n"
    )
    refused = thetis(
        *("messages", "retry", "--all"),
        SUPABASE_URL=supabase_api.url,
        SUPABASE_SECRET_KEY=supabase_api.secret_key,
    )
    lines = refused.stdout.splitlines()
    assert (refused.returncode, len(lines)) == (1, 1200)
    assert {line.split("\t", 1)[1] for line in lines} == {"refused\tit has lost its reason"}


def test_a_course_email_is_sent_again_for_a_reason(database: Database) -> None:
    database.record_orders(order(1, COURSE, order_number=1001))
    send_everything(database)
    resend = ("resend", "--order", "#1001", "--reason", "it is lost")

    assert messages(database, *resend, "--dry-run").stdout == (
        "would be enqueued for ada@example.com\n"
    )
    assert messages(database, *resend).stdout.startswith("enqueued for ada@example.com as ")
    again = messages(database, *resend)
    assert (again.returncode, again.stdout) == (1, "refused: one is waiting to be sent already\n")
    assert send_everything(database) == [COURSE_ACCESS]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("retry",), "name the messages, or say --all"),
        (("retry", "1"), "not a valid UUID"),
        (("resend", "--order", "1", "--reason", " "), "must not be blank"),
        (("resend", "--order", "1"), "--reason"),
        (("resend", "--order", "99", "--reason", "lost"), "there is no order 99"),
        (("list", "--status", "lost"), "lost"),
    ],
)
def test_what_cannot_be_meant_is_said_plainly(
    database: Database, arguments: tuple[str, ...], words: str
) -> None:
    said = messages(database, *arguments)
    assert said.returncode != 0
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_what_is_sold_and_not_in_the_catalogue_is_named(database: Database) -> None:
    sold = {"id": 5, "product_id": 4242, "quantity": 1}
    database.record_orders(order(1, sold), order(2, sold))

    said = thetis("products", "unmapped", DATABASE_URL=database.url).stdout
    assert said.split("\t")[:2] == ["4242", "2"]
