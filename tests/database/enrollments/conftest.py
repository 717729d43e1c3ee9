from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database.enrollments.old_table import COPY, OldTable
from tests.support.cluster import SUPABASE, Cluster

_EARLIER = max(
    version
    for path in (SUPABASE / "migrations").glob("*.sql")
    if (version := path.name.partition("_")[0]) < COPY
)


@pytest.fixture
def lone_table(cluster: Cluster) -> Iterator[OldTable]:
    """A project before the two migrations; the test says what its old table looks like.

    The migrations before them do not look at the old table, so they are applied once for all.
    """
    cluster.make_template("before_the_copy", upto=_EARLIER)
    with cluster.database("before_the_copy") as database:
        yield OldTable(database)


@pytest.fixture
def old(lone_table: OldTable) -> OldTable:
    """A project with the old table as we expect it, empty."""
    lone_table.create()
    return lone_table
