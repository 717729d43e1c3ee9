"""docs/DOCTOR.md shows what `thetis doctor` prints where nothing is wrong, and where something is.

The parties of a test have other addresses, which are exchanged before lines are broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import click
import pytest

from tests.service.doctor.world import World, running
from tests.support.cluster import Cluster
from tests.support.docs import blocks, document
from tests.support.supabase_api import MISSING, POSTGREST
from thetis.doctor import report
from thetis.doctor.checks import Finding, Result

PAGE = document("docs/DOCTOR.md")


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> Iterator[World]:
    if not POSTGREST.exists():
        pytest.skip(MISSING)
    with cluster.database() as database, running(database) as started:
        yield started


def shown(world: World, *, is_live: bool = False) -> str:
    """What the command prints, 100 columns wide, with the addresses of the page."""
    results = [_renamed(each, _names(world)) for each in world.results(is_live=is_live)]
    lines = report.lines(results, width=100, encoding="utf-8")
    return click.unstyle("\n".join(lines)) + "\n"


def _names(world: World) -> dict[str, str]:
    names = {
        world.service.url: "https://thetis.example.com",
        world.api.url: "https://abcdefghijklmnopqrst.supabase.co",
        world.environment["COURSE_APP_URL"]: "https://learn.example.com",
        world.environment["RESEND_BASE_URL"]: "https://api.resend.com",
    }
    hosts = {
        old.removeprefix("http://"): new.removeprefix("https://") for old, new in names.items()
    }
    socket = re.escape(world.database.platform.socket_dir.as_posix())
    return {
        **{re.escape(old): new for old, new in {**names, **hosts}.items()},
        socket + r":\d+": "db.example.com:5432",
        r"in \d+ ms": "in 12 ms",
        r"20\d\d-\d\d-\d\d \d\d:\d\d": "2026-11-26 10:00",
    }


def _renamed(result: Result, names: dict[str, str]) -> Result:
    finding = result.finding
    words, remedy = (_replaced(each, names) for each in (finding.words, finding.remedy or ""))
    renamed: Finding = replace(finding, words=words, remedy=remedy or None)
    return replace(result, finding=renamed)


def _replaced(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = re.sub(old, new, text)
    return text


def nothing_wrong(world: World) -> str:
    return "$ thetis doctor --live\n" + shown(world, is_live=True)


def something_wrong(world: World) -> str:
    with world.restored():
        world.auth["mailer_autoconfirm"] = True
        world.accounts.workflows["review-request"]["active"] = False
        world.environment |= {"SUPABASE_ACCESS_TOKEN": "", "SHOPIFY_CLIENT_SECRET": "shpss_old"}
        return "$ thetis doctor\n" + shown(world)


def test_a_set_up_that_is_right(world: World) -> None:
    [page] = blocks(PAGE.section("Where nothing is wrong"), "console")
    assert page == nothing_wrong(world)


def test_a_set_up_that_is_not(world: World) -> None:
    [page] = blocks(PAGE.section("Where something is wrong"), "console")
    said = something_wrong(world)
    assert re.fullmatch(re.escape(page).replace(re.escape("…\n"), r"(?:.*\n)*?"), said), said


def test_every_party_is_on_the_page(world: World) -> None:
    table = PAGE.section("What it looks at")
    for result in world.results(is_live=True):
        assert f"| {result.check.part} |" in table
