"""These tests run on Postgres 15, which lacks functions of 16. The others run on 16 and 18."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import postgres_15
from tests.support.cluster import Cluster


@pytest.fixture(scope="session", params=[postgres_15.PARAMETER], ids=["pg15"])
def cluster(request: pytest.FixtureRequest, clusters: Callable[[int], Cluster]) -> Cluster:
    return clusters(request.param)
