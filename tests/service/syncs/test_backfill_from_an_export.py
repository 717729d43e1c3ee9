"""`thetis backfill --csv`, as a process."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service.syncs.exports import COURSE_NAME, HEADER, SPLINT_NAME, rows, written
from tests.support.database import Database
from tests.support.program import thetis

MAP = ("--map", f"{COURSE_NAME}=standard_course", "--map", "SPL-1=splint")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    part: dict[str, Any] = {"Financial Status": "partially_refunded", "Refunded Amount": "5.00"}
    refunded: dict[str, Any] = {"Financial Status": "refunded", "Refunded Amount": "10.00"}
    text = written(
        rows(1001, COURSE_NAME, SPLINT_NAME),
        rows(1002, SPLINT_NAME, **part),
        rows(1003, "A gift card"),
        rows(1004, COURSE_NAME, **refunded),
        rows(1005, COURSE_NAME, Id="5.99241E+12"),
    )
    path.write_text(text, encoding="utf-8")
    return path


def backfill(database: Database, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return thetis("backfill", "--csv", str(file), *arguments, DATABASE_URL=database.url)


SAID = """\
not mapped, and so not recorded: A gift card (1)
{dry}seen       5
recorded   {recorded}  something was new
unchanged  {unchanged}  nothing was new
ignored    2  nothing of ours in it, or nothing to give: not paid, over, or new
rejected   2  cannot be used
  order #1005: a spreadsheet has rounded its Id: use the file as Shopify made it
  order 1002: a part was paid back, and an export does not say of what
"""


def test_it_says_what_became_of_each_order(database: Database, file: Path) -> None:
    would_be = backfill(database, file, *MAP, "--dry-run")
    assert database.purchases() == []
    first, again = backfill(database, file, *MAP), backfill(database, file, *MAP)

    dry = "nothing is changed; without --dry-run it would be\n"
    assert would_be.stdout == SAID.format(dry=dry, recorded=1, unchanged=0)
    assert first.stdout == SAID.format(dry="", recorded=1, unchanged=0)
    assert again.stdout == SAID.format(dry="", recorded=0, unchanged=1)
    assert {would_be.returncode, first.returncode, again.returncode} == {1}
    assert [row["product_slug"] for row in database.purchases()] == ["splint", "standard_course"]


def test_more_orders_than_one_call_takes(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(written(*(rows(n, COURSE_NAME) for n in range(1, 452))), encoding="utf-8")

    ended = backfill(database, path, *MAP)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "recorded   451" in ended.stdout
    assert len(database.purchases()) == 451


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "with --map 'LINE=SLUG'. It has\n  Standard Course - English (2)\n"),
        (("--map", f"{COURSE_NAME}=gym"), "there is no product gym"),
        (("--map", "gym"), "'gym' is not LINE=SLUG"),
        ((*MAP, "--since", "2026-01-01"), "--csv reads the whole file"),
    ],
)
def test_what_it_cannot_do_it_says_in_one_line(
    database: Database, file: Path, arguments: tuple[str, ...], words: str
) -> None:
    ended = backfill(database, file, *arguments)

    assert words in ended.stderr and "Traceback" not in ended.stderr
    assert ended.returncode in {1, 2}
    assert database.purchases() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "it is no CSV file in UTF-8 ("),
        (b"", "it is empty\n"),
        (HEADER.encode(), "it holds no order\n"),
        (b"Name,Total\n1001,9.00\n", "it has no column Email, Financial Status, "),
    ],
)
@pytest.mark.parametrize("mapped", [MAP, ()], ids=["mapped", "not mapped"])
def test_another_file_is_refused(
    database: Database, tmp_path: Path, content: bytes, words: str, mapped: tuple[str, ...]
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    ended = backfill(database, path, *mapped)

    assert ended.stderr.startswith(f"Error: {path} is no order export of Shopify's admin: {words}")
    assert (ended.returncode, ended.stdout) == (1, "")


def test_the_options_of_an_export_need_one(database: Database) -> None:
    ended = thetis("backfill", *MAP, DATABASE_URL=database.url)
    assert "--map is for the lines of --csv" in ended.stderr
