"""How histories are run."""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis import HealthCheck

from tests.support import soak
from tests.support.database import Database
from tests.support.reused import WRITTEN
from tests.system.histories.shop import Webhook


def examples(quick: int, *, per_second: float, **changes: Any) -> hypothesis.settings:
    """So many lives in `make test`; in `make soak` as many as there is time for."""
    return hypothesis.settings(
        max_examples=soak.times(quick, per_second=per_second),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        **changes,
    )


def deliver(database: Database, webhook: Webhook) -> str:
    """The outcome."""
    if webhook.is_refund:
        return database.record_refunds(webhook.payload)[0]
    if webhook.is_dispute:
        return database.record_disputes(webhook.payload)[0]
    return database.record_orders(webhook.payload)[0]


def begin_anew(database: Database) -> None:
    """For examples that share a database and must not meet what the last one left."""
    for table in WRITTEN:
        database.execute(f"delete from {table}")
