"""One service and one database for each file: its tests keep apart by their order ids.

For a folder's conftest.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.service import Service, running

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    with cluster.database() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def service(database: Database) -> Iterator[Service]:
    with running({"database_url": database.url}, poll_seconds=0.05) as started:
        yield started


@pytest.fixture
def order_id() -> int:
    """One that no other test has."""
    return next(_numbers) * 1000
