"""The database that things are measured on: real migrations, a shop's past, and fsync on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from bench import webhook_bodies
from devtools import migrations, platform
from thetis.cli import shopify_payloads
from thetis.shopify import translate_order

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def postgres(version: int = 18) -> Iterator[platform.Platform]:
    """A server with our migrations and the catalogue, and with Postgres's own settings."""
    with tempfile.TemporaryDirectory(prefix="thetis-bench-") as folder:
        Path(folder).chmod(0o755)
        started = platform.start(Path(folder), postgres=version)
        try:
            migrations.apply(started.database_url, ROOT / "supabase")
            with psycopg.connect(started.database_url, autocommit=True) as connection:
                for slug, product in shopify_payloads.SAMPLE_PRODUCTS.items():
                    connection.execute(
                        "insert into thetis.shopify_products values (%s, %s)"
                        " on conflict do nothing",
                        (str(product.shopify_id), slug),
                    )
            yield started
        finally:
            platform.stop(Path(folder))


def record(at: platform.Platform, bodies: Iterable[bytes], database: str = "postgres") -> None:
    """Record these orders in arrays, as a backfill does."""
    waiting = map(translate_order, bodies)
    with psycopg.connect(at.url("postgres", database), autocommit=True) as connection:
        while group := list(islice(waiting, 500)):
            connection.execute("select from public.record_orders(%s)", [Jsonb(group)])


def fill(at: platform.Platform) -> None:
    """A shop's past: 10,000 orders, of which 1,000 lately, whose messages have been sent."""
    record(at, webhook_bodies.bodies(9_000, first=800_000_000, age=timedelta(days=7)))
    record(at, webhook_bodies.bodies(1_000, first=900_000_000))
    settle_notifications(at)


def settle_notifications(at: platform.Platform, database: str = "postgres") -> None:
    """What is still to be sent counts as sent, so that nobody's turn is slowed by it."""
    with psycopg.connect(at.url("supabase_admin", database), autocommit=True) as admin:
        admin.execute(
            "update thetis.notifications set status = 'sent', settled_at = now(), attempts = 1,"
            " claimed_at = now() where status = 'pending'"
        )
        settle(admin)


def copy(at: platform.Platform, name: str) -> None:
    """A second database on the server, with all that is in the first, to which nobody may be
    connected.
    """
    with psycopg.connect(at.url("supabase_admin", "template1"), autocommit=True) as admin:
        admin.execute(f"create database {name} template postgres owner postgres".encode())


def settle(admin: psycopg.Connection) -> None:
    """What Postgres does by itself in time, so that it does not do it in the midst of a run."""
    admin.execute("vacuum analyze")
    admin.execute("checkpoint")
