"""A provider that limits the rate is asked at that rate, and nothing is claimed before its turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from devtools.fake_providers import FakeProviders, running
from devtools.rate_limit import RateLimit
from tests.service.worker.conftest import Outbox
from tests.support.database import Database
from tests.support.service import eventually
from tests.support.shopify import COURSE, order
from thetis.worker import HOLD

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about the providers."""

LIMIT = 20

_LEASED = "select count(*) from thetis.notifications where leased_until > now()"
_UNSENT = "select count(*) from thetis.notifications where status <> 'sent'"


@pytest.fixture
def outbox(database: Database) -> Iterator[Outbox]:
    """With a Resend that keeps to its limit."""
    fake_providers = FakeProviders(rate_limit=RateLimit(LIMIT))
    with running(fake_providers) as providers:
        yield Outbox(database=database, fake_providers=fake_providers, providers=providers)


def emails(outbox: Outbox, count: int) -> None:
    outbox.database.record_orders(*(order(number, COURSE) for number in range(1, count + 1)))
    outbox.database.execute(
        "update thetis.notifications set status = 'sent', settled_at = now()"
        " where kind = 'post_purchase'"
    )


def test_a_burst_goes_out_at_the_limit_with_hardly_a_refusal(outbox: Outbox) -> None:
    emails(outbox, 60)
    started = time.monotonic()

    with outbox.working():
        eventually(lambda: not outbox.database.value(_UNSENT), patience=60)

    assert time.monotonic() - started > 60 / LIMIT - 1
    assert len(outbox.fake_providers.effects) == 60
    assert len(outbox.fake_providers.requests) <= 63


def test_two_workers_share_a_burst(outbox: Outbox) -> None:
    emails(outbox, 100)

    with outbox.working(), outbox.working():
        eventually(lambda: not outbox.database.value(_UNSENT), patience=60)

    assert len(outbox.fake_providers.effects) == 100
    assert len(outbox.fake_providers.requests) <= 140


def test_no_more_is_claimed_than_goes_out_at_once(outbox: Outbox) -> None:
    emails(outbox, 60)

    with outbox.working():
        eventually(lambda: len(outbox.fake_providers.effects) >= 20)
        assert outbox.database.value(_LEASED) <= HOLD * LIMIT


def test_a_worker_that_waits_for_its_turn_stops_when_told(database: Database) -> None:
    one_a_minute = FakeProviders(rate_limit=RateLimit(1, window=60, clock=lambda: 1.0))
    with running(one_a_minute) as providers:
        outbox = Outbox(database=database, fake_providers=one_a_minute, providers=providers)
        emails(outbox, 5)
        with outbox.working():
            eventually(lambda: one_a_minute.effects)
            started = time.monotonic()
        assert time.monotonic() - started < 5
    assert len(one_a_minute.requests) == 1
    assert database.value(_LEASED) == 0
