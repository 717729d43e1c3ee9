"""One database for many tests, which each find it as if it were new: that costs a tenth of a copy.

For a folder's conftest.py. A test that changes the schema takes `own_database` instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster
from tests.support.database import Database

CATALOGUE = ("public.products", "thetis.shopify_products")

WRITTEN = (
    "public.purchases",
    "thetis.orders",
    "thetis.order_lines",
    "thetis.refunds",
    "thetis.disputes",
    "thetis.order_syncs",
    "thetis.notifications",
    "thetis.rejected_webhooks",
    "thetis.untracked_sales",
    "thetis.webhook_heartbeats",
    "thetis.grants",
    "thetis.erased_addresses",
    "thetis.privacy_requests",
    "thetis.claim_codes",
    "auth.users",
)


def _kept(table: str) -> str:
    return table.replace(".", "_as_it_was_")


_RESET = "; ".join(
    [
        *(f"delete from {table}" for table in (*WRITTEN, *reversed(CATALOGUE))),
        *(f"insert into {table} select * from {_kept(table)}" for table in CATALOGUE),
        # which only its owner can empty, and not by mistake
        "alter table thetis.audit_log disable trigger user",
        "delete from thetis.audit_log",
        "alter table thetis.audit_log enable trigger user",
        "update thetis.dispute_rules set are_honored = true where not are_honored",
        "update thetis.staff_rules set needs_second_factor = true where not needs_second_factor",
    ]
)


@pytest.fixture(scope="session")
def reused_database(cluster: Cluster) -> Iterator[Database]:
    with cluster.database() as shared:
        for table in CATALOGUE:
            shared.execute(f"create temporary table {_kept(table)} as table {table}")
        yield shared


@pytest.fixture
def database(reused_database: Database) -> Iterator[Database]:
    yield reused_database
    reused_database.execute(_RESET)


@pytest.fixture
def own_database(cluster: Cluster) -> Iterator[Database]:
    with cluster.database() as fresh:
        yield fresh
