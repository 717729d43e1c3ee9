"""`thetis backfill` and `thetis reconcile` as processes, on a shop of some hundred orders."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from devtools.fake_shopify import FakeShop, Said, running
from tests.support.database import Database
from tests.support.program import ROOT, environment, thetis
from tests.support.service import eventually
from tests.support.shopify import COURSE, days_ago, order

COUNT = 600


@pytest.fixture
def shop() -> FakeShop:
    shop = FakeShop()
    shop.put(*(order(number, COURSE, made_at=days_ago(number)) for number in range(1, COUNT + 1)))
    return shop


@pytest.fixture
def settings(database: Database, shop: FakeShop) -> Iterator[dict[str, str]]:
    with running(shop) as url:
        yield {
            "DATABASE_URL": database.url,
            "SHOPIFY_SHOP": shop.domain,
            "SHOPIFY_BASE_URL": url,
            "SHOPIFY_ADMIN_TOKEN": shop.admin_token,
        }


def pages(database: Database) -> int:
    return int(database.value("select coalesce(max(pages), 0) from thetis.order_syncs"))


def begun(settings: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "thetis", "backfill"],
        cwd=ROOT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_interrupted_it_is_resumed_at_once(database: Database, settings: dict[str, str]) -> None:
    with begun(settings) as process:
        eventually(lambda: pages(database) >= 3, patience=40)
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=20)
    resumed = thetis("backfill", **settings)

    assert "stopped; what was recorded stays, and `thetis backfill` goes on from there" in said
    assert (process.returncode, told) == (1, "")
    assert "again from" in resumed.stdout
    assert f"recorded   {COUNT}" in resumed.stdout
    assert len(database.purchases()) == COUNT


def test_another_run_is_not_disturbed(database: Database, settings: dict[str, str]) -> None:
    database.call("begin_order_sync", "backfill", None, None, "another", 100)
    ended = thetis("backfill", **settings)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: another backfill is at work, or was killed: if so, this")
    assert database.purchases() == []


def test_a_shop_that_refuses_says_so_in_its_own_words(
    database: Database, shop: FakeShop, settings: dict[str, str]
) -> None:
    shop.is_email_withheld = True
    ended = thetis("backfill", **settings)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: shopify") and "Traceback" not in ended.stderr
    assert database.purchases() == []
    assert database.value("select leased_until <= now() from thetis.order_syncs")


@pytest.mark.parametrize("command", ["backfill", "reconcile"])
def test_a_refusal_is_told_with_what_to_mend(settings: dict[str, str], command: str) -> None:
    ended = thetis(command, **settings | {"SHOPIFY_ADMIN_TOKEN": "shpat_old"})

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "Error: shopify 401 [API] Invalid API key or access token (unrecognized login or"
        " wrong password)\n"
        "SHOPIFY_ADMIN_TOKEN is not of this shop, or the app was removed from it\n"
    )


def test_a_page_that_fails_half_way_keeps_what_was_before_it(
    database: Database, shop: FakeShop, settings: dict[str, str]
) -> None:
    with begun(settings) as process:
        eventually(lambda: pages(database) >= 2, patience=40)
        shop.answers.append(Said(status=403, body={"errors": "no"}))
        _, told = process.communicate(timeout=40)
    before = len(database.purchases())
    again = thetis("backfill", **settings)

    assert process.returncode == 1 and told.startswith("Error: shopify 403")
    assert 0 < before < COUNT
    assert (again.returncode, len(database.purchases())) == (0, COUNT)


def test_a_reconcile_goes_back_three_days_at_first_and_then_to_the_last_one(
    database: Database, settings: dict[str, str]
) -> None:
    first, second = thetis("reconcile", **settings), thetis("reconcile", **settings)

    assert "recorded   2" in first.stdout
    assert "seen       0" in second.stdout
    assert len(database.purchases()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "yesterday"), "'yesterday' is no date; one looks like 2026-11-20"),
        (("--since", "2999-01-01"), "--since must be before --until"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "--since must be before --until"),
        (("--csv", "nowhere.csv", "--map", "a=b"), "nowhere.csv cannot be read: No such file"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(
    database: Database, settings: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    ended = thetis("backfill", *arguments, **settings)

    assert words in ended.stderr and "Traceback" not in ended.stderr
    assert ended.returncode in {1, 2}


def test_without_a_shop_it_names_the_setting(database: Database) -> None:
    ended = thetis("backfill", DATABASE_URL=database.url)

    assert ended.returncode == 2
    assert "SHOPIFY_SHOP: is not set" in ended.stderr


def test_until_ends_with_the_end_of_its_day(
    database: Database, shop: FakeShop, settings: dict[str, str]
) -> None:
    shop.put(order(9001, COURSE, made_at=days_ago(900).replace(hour=23, minute=59, second=58)))
    day = str(days_ago(900).date())
    ended = thetis("backfill", "--since", day, "--until", day, **settings)

    assert "seen       1\n" in ended.stdout
    assert len(database.purchases(9001)) == 1


def test_a_rejected_order_can_be_replayed_once_its_cause_is_mended(
    database: Database, shop: FakeShop, settings: dict[str, str]
) -> None:
    shop.put(order(9002, COURSE, email=None, made_at=days_ago(900)))
    day = str(days_ago(900).date())
    ended = thetis("backfill", "--since", day, "--until", day, **settings)
    database.record_orders(order(9002, COURSE, made_at=days_ago(900)))
    replayed = thetis("rejected", "replay", "--all", **settings)

    assert (ended.returncode, "order 9002: no email address" in ended.stdout) == (1, True)
    assert (replayed.returncode, replayed.stdout) == (0, "1\tunchanged\n")
