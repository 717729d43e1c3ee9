"""A whole set-up in which nothing is wrong, for tests that break one thing in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.doctor.world import World, running
from tests.support.cluster import Cluster
from tests.support.supabase_api import MISSING, POSTGREST


@pytest.fixture(scope="module")
def healthy(cluster: Cluster) -> Iterator[World]:
    if not POSTGREST.exists():
        pytest.skip(MISSING)
    with cluster.database() as database, cluster.database() as other, running(database) as world:
        world.other = other
        yield world


@pytest.fixture
def world(healthy: World) -> Iterator[World]:
    """Whatever a test changes of it, but for the database, is as it was for the next one."""
    with healthy.restored():
        yield healthy
