"""Each question of docs/SUPPORT.md is answered as the page shows: its commands run, in their order,
on a database where the customer's story has happened, and print what it says.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.database.outbox.support import COURSE_ACCESS, send_due, send_everything
from tests.support.database import Database
from tests.support.docs import blocks, document
from tests.support.program import thetis
from tests.support.shopify import COURSE, PREMIUM, SPLINT, days_ago, dispute, order

SUPPORT = document("docs/SUPPORT.md")

ADA, GRACE = "ada@example.com", "grace@example.com"
ORDER, LATER = 5992405700101, 5992405700102
"""The orders that the page calls 1001 and 1002."""

ID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
VARIES = re.compile(
    rf"(?P<id>{ID})|(?P<moment>\d{{4}}-\d{{2}}-\d{{2}}(?: \d{{2}}:\d{{2}})?)|(?P<lines>^…\n)",
    re.MULTILINE,
)


def bought(database: Database, *slugs: str, email: str = ADA) -> None:
    """A minute after what was before, and a minute before what comes then."""
    let_time_pass(database, minutes=1)
    database.record_orders(order(ORDER, *slugs, order_number=1001, email=email))
    send_everything(database)
    let_time_pass(database, minutes=1)


def paid_but_no_access(database: Database) -> None:
    bought(database, COURSE)


def a_misspelt_address(database: Database) -> None:
    bought(database, COURSE, email="ada@exmaple.com")
    database.accounts.sign_up(ADA)


def another_address(database: Database) -> None:
    bought(database, COURSE)
    database.accounts.sign_up(GRACE)


def twice(database: Database) -> None:
    database.accounts.sign_up(ADA)
    bought(database, COURSE)
    database.record_orders(order(LATER, COURSE, order_number=1002))
    send_everything(database)


def two_courses(database: Database) -> None:
    database.accounts.sign_up(ADA)
    bought(database, COURSE, PREMIUM)


def a_dispute(database: Database) -> None:
    database.accounts.sign_up(ADA)
    bought(database, COURSE)
    database.record_disputes(dispute(7001, ORDER))


def a_gift(database: Database) -> None:
    database.accounts.sign_up(ADA)
    bought(database, COURSE)


def a_year_ago(database: Database) -> None:
    database.execute("update public.products set access_period = '1 year' where slug = %s", COURSE)
    database.accounts.sign_up(ADA)
    database.record_orders(order(ORDER, COURSE, order_number=1001, made_at=days_ago(400)))


def a_bounce(database: Database) -> None:
    database.record_orders(order(ORDER, COURSE, order_number=1001, email="adda@example.com"))
    [email] = [each for each in send_due(database) if each["kind"] == COURSE_ACCESS]
    bounced = {
        "notification_id": str(email["id"]),
        "state": "bounced",
        "reason": "the mailbox does not exist",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    database.call("record_deliveries", [bounced])


def a_person_who_leaves(database: Database) -> None:
    database.accounts.sign_up(ADA)
    bought(database, COURSE)
    asked = {"topic": "customers/data_request", "email": ADA, "shopify_order_ids": [str(ORDER)]}
    database.call("record_privacy_request", asked)
    database.execute("alter sequence thetis.privacy_requests_id_seq restart")
    database.execute("update thetis.privacy_requests set id = default")


def a_puzzle(database: Database) -> None:
    database.accounts.sign_up(ADA)
    bought(database, COURSE, SPLINT)
    purchase = database.value("select id from public.purchases where product_slug = %s", COURSE)
    ended = run(database, f"thetis customer revoke {purchase} --reason 'charged back'", "lin")
    assert ended.startswith("revoked")


STORIES: dict[str, Callable[[Database], None]] = {
    "“I paid and have no access”": paid_but_no_access,
    "“I misspelt my address”": a_misspelt_address,
    "“I bought it with another address”": another_address,
    "“I bought it twice”": twice,
    "“I want my money back for one of them”": two_courses,
    "“My payment was disputed, and my course is gone”": a_dispute,
    "“It is a gift for somebody else”": a_gift,
    "“My access has run out”": a_year_ago,
    "“The email did not arrive”": a_bounce,
    "“What do you know about me? Delete it!”": a_person_who_leaves,
    "“Who did that?”": a_puzzle,
}


def run(database: Database, command: str, operator: str = "sue") -> str:
    """What a command prints for a support person whose user is called so. Then a minute passes."""
    [_, *arguments] = shlex.split(command)
    ended = thetis(*arguments, DATABASE_URL=database.url, LOGNAME=operator)
    let_time_pass(database, minutes=1)
    return ended.stdout + ended.stderr


def let_time_pass(database: Database, *, minutes: int) -> None:
    """As if everything in the database had happened so much earlier."""
    columns = database.rows(
        "select attrelid::regclass::text as table_name, attname as name from pg_attribute"
        " inner join pg_class on attrelid = pg_class.oid"
        " where atttypid = 'timestamptz'::regtype and attnum > 0 and attgenerated = ''"
        " and relkind = 'r' and relnamespace::regnamespace::text in ('public', 'thetis', 'auth')"
    )
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")  # no triggers
        for column in columns:
            admin.execute(
                sql.SQL("update {} set {name} = {name} - make_interval(mins => %s)").format(
                    sql.SQL(column["table_name"]), name=sql.Identifier(column["name"])
                ),
                (minutes,),
            )


def commands(section: str) -> Iterator[tuple[str, str]]:
    """Each command that a section shows, with what it prints."""
    for block in blocks(section, "console"):
        _, *shown = re.split(r"^\$ ", block, flags=re.MULTILINE)
        for each in shown:
            command, _, output = each.partition("\n")
            yield command, output


def test_there_is_a_story_for_each_question() -> None:
    questions = [each.title for each in SUPPORT.sections() if each.title.startswith("“")]
    assert questions == list(STORIES)


@pytest.mark.parametrize("question", STORIES)
def test_a_question_is_answered_as_the_page_shows(
    database: Database, question: str, tmp_path: Path
) -> None:
    STORIES[question](database)
    let_time_pass(database, minutes=60)
    shown = list(commands(SUPPORT.section(question)))
    assert shown
    real = {  # what the page has, and what this database has in its place
        "2027-11-20": (datetime.now(UTC) + timedelta(days=365)).date().isoformat(),
        "~/ada.json": str(tmp_path / "ada.json"),
    }

    for command, output in shown:
        said = run(database, replaced(command, real))
        found = re.fullmatch(pattern(output, real), said)
        assert found, f"{command}\n{said}\nis not\n{output}"
        real |= {
            name.removeprefix("id_").replace("_", "-"): value
            for name, value in found.groupdict().items()
        }

    for path in tmp_path.iterdir():
        assert json.loads(path.read_text())["address"] == ADA


def replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def pattern(output: str, real: dict[str, str]) -> str:
    """What fits this, at any time. A line `…` stands for any lines, an unknown id for any id."""
    made, end = "", 0
    for token in VARIES.finditer(output):
        made += re.escape(output[end : token.start()]) + _any(token, real, made)
        end = token.end()
    return made + re.escape(output[end:])


def _any(token: re.Match[str], real: dict[str, str], before: str) -> str:
    if token["lines"]:
        return r"(?:.*\n)*?"
    if token["moment"]:
        return r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2})?"
    if token[0] in real:
        return re.escape(real[token[0]])
    name = f"id_{token[0].replace('-', '_')}"
    return f"(?P={name})" if f"(?P<{name}>" in before else f"(?P<{name}>{ID})"


def test_the_page_needs_no_sql() -> None:
    assert SUPPORT.blocks("sql") == []
