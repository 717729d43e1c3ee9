from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.served import database, order_id, service
from tests.support.service import NOWHERE, Service, running

__all__ = ["cut_off", "database", "order_id", "service"]


@pytest.fixture(scope="module")
def cut_off() -> Iterator[Service]:
    """A service without a database, for answers that need none."""
    with running({"database_url": NOWHERE}, database_timeout_seconds=0.3) as started:
        yield started
