"""What a customer gets on Postgres 15 is what they get on any other."""

from __future__ import annotations

import pytest

from devtools import migrations
from tests.database.enrollments.old_table import OldTable
from tests.support.cluster import SUPABASE, Cluster
from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, order, refund


def test_migrations_and_seed_are_applied(bare_database: Database) -> None:
    assert bare_database.platform.postgres_version == 15
    migrations.apply(bare_database.url, SUPABASE)
    migrations.seed(bare_database.url, SUPABASE)

    assert bare_database.value("select count(*) from public.purchases") > 0


def test_an_order_grants_and_a_refund_revokes(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")

    assert database.record_orders(order(1, COURSE, SPLINT)) == ["recorded"]
    assert database.accounts.has_access(ada, COURSE)

    assert database.record_refunds(refund(91, 1, **{COURSE: 1})) == ["recorded"]
    assert not database.accounts.has_access(ada, COURSE)
    assert database.accounts.has_access(ada, SPLINT)


@pytest.mark.parametrize("field", ["updated_at", "created_at"])
def test_an_order_with_a_time_that_is_none_is_rejected(database: Database, field: str) -> None:
    wrong, right = order(1, COURSE, **{field: "yesterday-ish"}), order(2, COURSE)

    assert database.record_orders(wrong, right) == ["rejected", "recorded"]


def test_a_guest_gets_the_purchase_with_the_account(database: Database) -> None:
    database.record_orders(order(1, COURSE))

    ada = database.accounts.sign_up("ada@example.com", confirmed=False)
    assert not database.accounts.has_access(ada, COURSE)
    database.accounts.confirm(ada)

    assert database.accounts.has_access(ada, COURSE)


def test_a_notification_is_claimed_and_settled(database: Database) -> None:
    database.record_orders(order(1, COURSE))

    for provider in ("knock", "resend"):
        [claimed] = database.claim(provider)
        said = {"id": str(claimed["id"]), "attempt": claimed["attempt"], "result": "sent"}
        [settled] = database.settle(said)
        assert settled["status"] == "sent"
        assert database.claim(provider) == []


def test_an_old_enrollment_is_copied_and_its_table_dropped(cluster: Cluster) -> None:
    with cluster.database("bare") as database:
        old = OldTable(database)
        old.create()
        user_id = database.accounts.sign_up("ada@example.com")
        old.add(user_id=user_id)

        migrations.apply(database.url, SUPABASE)

        assert not old.exists()
        assert database.accounts.has_access(user_id, COURSE)
