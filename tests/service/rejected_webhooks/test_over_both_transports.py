"""`thetis rejected` over both transports, and beyond the 1,000 rows that the Supabase API gives."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.service.rejected_webhooks.support import store
from tests.support.database import Database
from tests.support.program import ROOT, environment
from tests.support.shopify import COURSE, order

pytestmark = pytest.mark.parametrize("cluster", [18], indirect=True, scope="session")
"""On one version of Postgres: these are about the way to it."""

MORE_THAN_A_PAGE = 1_003


@pytest.fixture(params=["postgres", "supabase"])
def way(request: pytest.FixtureRequest, database: Database) -> dict[str, str]:
    if request.param == "postgres":
        return {"DATABASE_URL": database.url}
    api = request.getfixturevalue("supabase_api")
    return {"SUPABASE_URL": api.url, "SUPABASE_SECRET_KEY": api.secret_key}


def rejected(way: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "thetis", "rejected", *arguments],
        cwd=ROOT,
        env=environment(**way, LOG_LEVEL="error"),
        capture_output=True,
        timeout=100,
        check=False,
    )


def test_a_body_is_shown_byte_for_byte(way: dict[str, str], database: Database) -> None:
    body = bytes(range(256)) * 300
    rejected_id = store(database, body)

    shown = rejected(way, "show", str(rejected_id))

    assert (shown.returncode, shown.stdout, shown.stderr) == (0, body, b"")


def test_what_was_rejected_is_recorded_when_it_is_replayed(
    way: dict[str, str], database: Database
) -> None:
    rejected_id = store(database, json.dumps(order(1, COURSE)).encode())

    replayed = rejected(way, "replay", str(rejected_id))

    assert replayed.stdout.decode() == f"{rejected_id}\trecorded\n", replayed.stderr
    assert replayed.returncode == 0
    assert len(database.purchases(1)) == 1
    assert rejected(way, "list").stdout == b""
    assert f"{rejected_id}\t".encode() in rejected(way, "list", "--all").stdout


def test_a_test_order_is_replayed_as_the_setting_says(
    way: dict[str, str], database: Database
) -> None:
    rejected_id = store(database, json.dumps(order(1, COURSE, test=True)).encode())

    replayed = rejected({**way, "TEST_ORDERS": "ignore"}, "replay", "--all")

    assert replayed.stdout.decode() == f"{rejected_id}\tignored\n"
    assert database.purchases() == []


def test_more_than_a_page_is_listed_and_replayed(way: dict[str, str], database: Database) -> None:
    database.execute(
        "insert into thetis.rejected_webhooks (topic, body, reason)"
        " select 'orders/paid', convert_to('{' || n, 'utf8'), 'no JSON'"
        " from generate_series(1, %s) as n",
        MORE_THAN_A_PAGE - 1,
    )
    last = store(database, json.dumps(order(1, COURSE)).encode())

    listed = [line.split(b"\t")[0] for line in rejected(way, "list").stdout.splitlines()]
    replayed = rejected(way, "replay", "--all").stdout.decode().splitlines()

    assert len(listed) == len({*listed}) == MORE_THAN_A_PAGE
    assert listed == sorted(listed, key=int)
    assert len(replayed) == MORE_THAN_A_PAGE
    assert replayed[-1] == f"{last}\trecorded"
    assert {line.split("\t")[1] for line in replayed[:-1]} == {"rejected"}


def test_an_id_beyond_the_first_page_is_not_missing(
    way: dict[str, str], database: Database
) -> None:
    database.execute(
        "insert into thetis.rejected_webhooks (topic, body, reason)"
        " select 'orders/paid', convert_to('{' || n, 'utf8'), 'no JSON'"
        " from generate_series(1, %s) as n",
        MORE_THAN_A_PAGE,
    )
    last = store(database, json.dumps(order(1, COURSE)).encode())

    assert rejected(way, "replay", str(last)).stdout.decode() == f"{last}\trecorded\n"
