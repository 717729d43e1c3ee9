"""Every command of the page for support is run, and prints what the page shows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.database.operators.support import act, purchase_id
from tests.database.outbox.support import COURSE_ACCESS, send_due, send_everything
from tests.support.database import Database
from tests.support.docs import ROOT, Document, blocks
from tests.support.program import thetis
from tests.support.reused import database, reused_database
from tests.support.shopify import COURSE, order

__all__ = ["database", "reused_database"]

ADA, TYPO = "ada@example.com", "adda@example.com"
PAGE = Document(ROOT / "docs/SUPPORT.md")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?")


def one(database: Database, **fields: Any) -> str:
    """The id of the only purchase of order #1001."""
    database.record_orders(order(1001, COURSE, **fields))
    return purchase_id(database, 1001)


def unconfirmed(database: Database) -> str:
    database.accounts.sign_up(ADA, confirmed=False)
    return one(database)


def mistyped(database: Database) -> str:
    found = one(database, email=TYPO)
    send_everything(database)
    return found


def by_another_address(database: Database) -> str:
    database.accounts.sign_up(ADA)
    return one(database, email="private@example.com")


def owned(database: Database) -> str:
    database.accounts.sign_up(ADA)
    return one(database)


def twice(database: Database) -> str:
    database.record_orders(order(1002, COURSE))
    return owned(database)


def expired(database: Database) -> str:
    found = owned(database)
    database.execute("update public.purchases set expires_at = '2026-01-31Z', status = 'expired'")
    return found


def bounced(database: Database) -> str:
    found = owned(database)
    [email] = [each for each in send_due(database) if each["kind"] == COURSE_ACCESS]
    told = {"state": "bounced", "reason": "mailbox full", "occurred_at": "2026-11-20T10:00:00Z"}
    database.call("record_deliveries", [{"notification_id": str(email["id"]), **told}])
    return found


def acted(database: Database) -> str:
    found = owned(database)
    act(database, "revoke_purchase", purchase_id=found, reason="chargeback", operator="tom")
    return found


SCENES: dict[str, Callable[[Database], str]] = {
    "I paid, and I have no course": unconfirmed,
    "I mistyped my address at checkout": mistyped,
    "I bought it with another address": by_another_address,
    "I bought it twice": twice,
    "I want a refund of one of my courses": owned,
    "It is a gift for somebody else": owned,
    "My access has run out": expired,
    "Give somebody a course for nothing": owned,
    "The mail did not arrive": bounced,
    "What do you know about me?": owned,
    "Delete my data": owned,
    "Who did that?": acted,
}


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command line of a section, with what is printed below it."""
    for block in blocks(text, "console"):
        for part in block.split("$ ")[1:]:
            line, _, printed = part.partition("\n")
            yield line, printed


def run(database: Database, line: str, purchase: str) -> str:
    _, *arguments = shlex.split(_UUID.sub(purchase, line))
    done = thetis(*arguments, DATABASE_URL=database.url)
    return done.stdout + done.stderr


def without_chance(text: str) -> str:
    return _MOMENT.sub("2026-11-20", _UUID.sub("ID", text)).strip()


def test_each_question_has_a_scene() -> None:
    asked = [each.title for each in PAGE.sections() if each.level == 2]
    assert asked == list(SCENES)


@pytest.mark.parametrize("question", SCENES)
def test_the_commands_print_what_the_page_shows(database: Database, question: str) -> None:
    purchase = SCENES[question](database)

    for line, printed in commands(PAGE.section(question)):
        got = run(database, line, purchase)
        if "export" in line:
            assert json.loads(got).keys() == json.loads(printed).keys()
        else:
            assert without_chance(got) == without_chance(printed), line
