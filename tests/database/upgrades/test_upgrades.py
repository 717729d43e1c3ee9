"""From each release on, what is newer only adds; and whoever had access keeps it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devtools import migrations
from devtools.migrations import FILE_NAME
from tests.database.upgrades.release import Release, digest, releases
from tests.support.cluster import SUPABASE
from tests.support.database import Database, Row
from tests.support.everything import everything
from tests.support.shopify import PREMIUM, SPLINT, order
from thetis.calls import CALLS
from thetis.model import SCHEMA_VERSION

RELEASES = releases()
RELEASE = pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
NEWER = "29991231000000_newer.sql"

HARMS = {
    "a purchase": "delete from public.purchases where status = 'active'",
    "an owner": "update public.purchases set user_id = null where user_id is not null",
    "a message": """
        update thetis.notifications set status = 'pending', settled_at = null where status = 'sent'
    """,
    "access": """
        create or replace function public.has_access(slug text) returns boolean language sql
        set search_path = pg_catalog, pg_temp as $$ select false $$
    """,
}

_MESSAGES = "select id, kind, status, payload from thetis.notifications order by id"
_USERS = "select id::text from auth.users order by 1"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a customer would miss."""

    purchases: list[Row]
    access: set[tuple[str, str]]
    messages: list[Row]


def kept(database: Database) -> Kept:
    slugs = [row["slug"] for row in database.rows("select slug from public.products")]
    users = [row["id"] for row in database.rows(_USERS)]
    has_access = database.accounts.has_access
    return Kept(
        purchases=database.purchases(),
        access={(user, slug) for user in users for slug in slugs if has_access(user, slug)},
        messages=database.rows(_MESSAGES),
    )


def newer(folder: Path, sql: str) -> Path:
    """Our migrations and one more, as a later release might bring it."""
    supabase = folder / "supabase"
    shutil.copytree(SUPABASE, supabase)
    (supabase / "migrations" / NEWER).write_text(sql, encoding="utf-8")
    return supabase


@RELEASE
def test_a_released_migration_stays_as_it_was(release: Release) -> None:
    there = {name: SUPABASE / "migrations" / name for name in release.hashes()}

    assert {name: digest(file) for name, file in there.items()} == release.hashes()


@RELEASE
def test_a_newer_migration_comes_after_those_of_the_release(release: Release) -> None:
    names = {file.name for file in (SUPABASE / "migrations").glob("*.sql")} - set(release.hashes())

    versions = {match["version"] for name in names if (match := FILE_NAME.fullmatch(name))}
    assert all(version > release.last_migration() for version in versions), sorted(names)


@RELEASE
def test_the_release_left_rows_in_every_table(release: Release, bare_database: Database) -> None:
    release.install(bare_database)

    assert [table for table, rows in everything(bare_database).items() if not rows] == []


@RELEASE
def test_an_upgrade_keeps_purchases_access_and_messages(
    release: Release, bare_database: Database
) -> None:
    release.install(bare_database)
    before = kept(bare_database)
    assert before.access and before.purchases and before.messages

    migrations.apply(bare_database.url, SUPABASE)

    assert kept(bare_database) == before


@RELEASE
def test_after_an_upgrade_life_goes_on(release: Release, bare_database: Database) -> None:
    release.install(bare_database)
    migrations.apply(bare_database.url, SUPABASE)

    [schema] = bare_database.call("check_schema", {name: list(CALLS[name]) for name in CALLS})
    assert schema == {"version": SCHEMA_VERSION, "missing": []}
    joan = bare_database.accounts.sign_up("joan.new@example.com")
    new = order(77001, PREMIUM, SPLINT, email="joan.new@example.com")
    assert bare_database.record_orders(new) == ["recorded"]
    assert bare_database.accounts.has_access(joan, PREMIUM)
    assert bare_database.record_orders({**new, "financial_status": "refunded"}) == ["recorded"]
    assert not bare_database.accounts.has_access(joan, PREMIUM)


@RELEASE
def test_orders_of_before_an_upgrade_are_known_after_it(
    release: Release, bare_database: Database
) -> None:
    """Shopify sends a webhook again: nothing is bought or announced twice."""
    release.install(bare_database)
    migrations.apply(bare_database.url, SUPABASE)
    before = kept(bare_database)
    [active, *_] = [each for each in before.purchases if each["status"] == "active"]

    answer: list[Any] = bare_database.call(
        "record_refunds",
        [
            {
                "id": 770,
                "order_id": active["shopify_order_id"],
                "refund_line_items": [
                    {"line_item_id": active["shopify_line_item_id"], "quantity": 99}
                ],
            }
        ],
    )

    assert [row["outcome"] for row in answer] == ["recorded"]
    after = {each["id"]: each["status"] for each in bare_database.purchases()}
    assert after.pop(active["id"]) == "refunded"
    assert after == {
        each["id"]: each["status"] for each in before.purchases if each["id"] != active["id"]
    }


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_migration_that_costs_customers_something_is_seen(
    harm: str, bare_database: Database, tmp_path: Path
) -> None:
    RELEASES[-1].install(bare_database)
    before = kept(bare_database)

    migrations.apply(bare_database.url, newer(tmp_path, harm))

    assert kept(bare_database) != before
