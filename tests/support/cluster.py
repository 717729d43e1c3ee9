"""A running Postgres of one version with template databases, of which every test gets a copy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from devtools import migrations, platform
from tests.support.database import Database
from thetis.cli import shopify_payloads

ROOT = Path(__file__).parents[2]
SUPABASE = ROOT / "supabase"

# For tests alone: what they prove does not hang on surviving a power cut.
_FASTER = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class Cluster:
    """`bare` is the platform alone; `migrated` has our migrations and a whole catalogue."""

    def __init__(self, started: platform.Platform) -> None:
        self.platform = started
        self._numbers = itertools.count()
        self._templates: set[str] = set()
        self._administer(*(f"alter system set {each}" for each in _FASTER))
        self._administer("select pg_reload_conf()")
        self._copy("postgres", "bare")
        self._copy("bare", "migrated")
        migrations.apply(started.url("postgres", "migrated"), SUPABASE)
        with Database(started, "migrated") as database:
            for slug, product in shopify_payloads.SAMPLE_PRODUCTS.items():
                database.map_product(str(product.shopify_id), slug)

    @classmethod
    @contextmanager
    def starting(cls, data_dir: Path, *, postgres: int) -> Iterator[Self]:
        started = platform.start(data_dir, postgres=postgres)
        try:
            yield cls(started)
        finally:
            platform.stop(data_dir)

    def be_careful(self) -> None:
        """Be set up as in production, for tests that kill it."""
        self._administer("alter system reset all", "select pg_reload_conf()")

    @contextmanager
    def database(self, template: str = "migrated") -> Iterator[Database]:
        """A fresh copy of a template, gone at the end."""
        name = f"test_{next(self._numbers)}"
        self._copy(template, name)
        try:
            with Database(self.platform, name) as database:
                yield database
        finally:
            self._administer(f"drop database {name} with (force)")

    def make_template(self, name: str, *, upto: str) -> None:
        """One with our migrations up to this version, unless it is there."""
        if name not in self._templates:
            self._templates.add(name)
            self._copy("bare", name)
            migrations.apply(self.platform.url("postgres", name), SUPABASE, upto=upto)

    def _copy(self, template: str, name: str) -> None:
        self._administer(
            f"create database {name} template {template} owner postgres strategy file_copy"
        )

    def _administer(self, *statements: str) -> None:
        url = self.platform.url("supabase_admin", "template1")
        with psycopg.connect(url, autocommit=True) as admin:
            for statement in statements:
                admin.execute(sql.SQL(statement))
