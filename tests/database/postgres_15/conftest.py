"""These tests run on Postgres 15, which lacks functions of 16. The others run on 16 and 18."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import postgres_15
from tests.support.cluster import Cluster


@pytest.fixture(scope="session", params=[postgres_15.PARAMETER], ids=["pg15"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with Cluster.starting(tmp_path_factory.mktemp("platform"), postgres=request.param) as started:
        yield started
