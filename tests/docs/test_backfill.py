"""docs/BACKFILL.md shows what its commands really print, for a shop that has sold before."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fake_shopify import FakeShop, running
from tests.docs.test_support import commands, pattern, replaced
from tests.service.syncs.exports import COURSE_NAME, SPLINT_NAME, rows, written
from tests.support.database import Database
from tests.support.docs import document
from tests.support.program import ROOT, environment
from tests.support.shopify import COURSE, SPLINT, Json, days_ago, order

PAGE = document("docs/BACKFILL.md")
FIRST = 5992405700101


def sold(number: int, *lines: str | Json, days: float, **fields: Any) -> Json:
    """An order of a real shop has an id of 13 digits, and times of whole seconds."""
    at = days_ago(days).replace(microsecond=0)
    return order(FIRST + number, *lines, order_number=1001 + number, made_at=at, **fields)


def a_gift_card(number: int) -> Json:
    return {"id": 7 + number, "product_id": 632910392, "quantity": 1, "current_quantity": 1}


def from_before(database: Database, shop: FakeShop) -> None:
    shop.put(
        sold(0, COURSE, days=400),
        sold(1, SPLINT, days=300),
        sold(2, COURSE, SPLINT, days=200, cancelled_at=days_ago(199).isoformat()),
        sold(3, a_gift_card(3), days=100),
        sold(4, COURSE, days=1),
    )


def an_outage(database: Database, shop: FakeShop) -> None:
    known, missed = sold(0, COURSE, days=1), sold(1, SPLINT, days=0.5)
    database.record_orders(known)
    shop.put(sold(2, COURSE, days=30), known, missed)


def an_hour_later(database: Database, shop: FakeShop) -> None:
    database.execute(
        "insert into thetis.order_syncs (purpose, since, through, reached, status, holder,"
        " leased_until, follows_another, ended_at) select 'reconcile', day, day, day, 'finished',"
        " 'one', day, false, day from (select now() - interval '1 hour' as day) as past"
    )
    shop.put(sold(0, COURSE, days=1), sold(1, SPLINT, days=0.02))


def without_the_scope(database: Database, shop: FakeShop) -> None:
    shop.scopes.remove("read_all_orders")
    shop.put(sold(0, COURSE, days=400), sold(1, COURSE, days=59), sold(2, SPLINT, days=9))


def exported(database: Database, shop: FakeShop) -> None:
    """The file is made by the test."""


def without_an_address(database: Database, shop: FakeShop) -> None:
    shop.put(sold(0, COURSE, days=1, email=None))


STORIES: dict[str, Callable[[Database, FakeShop], None]] = {
    "From before the installation": from_before,
    "After an outage": an_outage,
    "By itself": an_hour_later,
    "Orders that Shopify does not show": without_the_scope,
    "An export of the admin": exported,
    "An order is rejected": without_an_address,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    part: dict[str, Any] = {"Financial Status": "partially_refunded", "Refunded Amount": "5.00"}
    refunded: dict[str, Any] = {"Financial Status": "refunded", "Refunded Amount": "10.00"}
    path = tmp_path / "orders.csv"
    path.write_text(
        written(
            rows(1001, COURSE_NAME, SPLINT_NAME),
            rows(1002, SPLINT_NAME, **part),
            rows(1003, "A gift card"),
            rows(1004, COURSE_NAME, **refunded),
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def shop() -> Iterator[tuple[FakeShop, str]]:
    shop = FakeShop()
    with running(shop) as url:
        yield shop, url


def run(command: str, **settings: str) -> str:
    """What somebody reads in a terminal."""
    [_, *arguments] = shlex.split(command)
    ended = subprocess.run(
        [sys.executable, "-m", "thetis", *arguments],
        cwd=ROOT,
        env=environment(**settings, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout


def test_there_is_a_story_for_each_section_with_a_command() -> None:
    shown = [each.title for each in PAGE.sections() if each.level == 2 and [*commands(each.text)]]
    assert shown == list(STORIES)


@pytest.mark.parametrize("section", STORIES)
def test_a_section_shows_what_its_commands_print(
    database: Database, shop: tuple[FakeShop, str], file: Path, section: str
) -> None:
    fake, url = shop
    STORIES[section](database, fake)
    settings = {
        "DATABASE_URL": database.url,
        "SHOPIFY_SHOP": fake.domain,
        "SHOPIFY_BASE_URL": url,
        "SHOPIFY_ADMIN_TOKEN": fake.admin_token,
    }
    given = {"~/orders.csv": str(file), "--since 2026-11-20": f"--since {days_ago(6).date()}"}
    for command, output in commands(PAGE.section(section)):
        said = run(replaced(command, given), **settings)
        seconds = re.compile(r"(\d{2}:\d{2}):\d{2}\+00")
        found = re.fullmatch(pattern(seconds.sub(r"\1", output), {}), seconds.sub(r"\1", said))
        assert found, f"{command}\n{said}\nis not\n{output}"


def test_the_page_needs_no_sql() -> None:
    assert PAGE.blocks("sql") == []
