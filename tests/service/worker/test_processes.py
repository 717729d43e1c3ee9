"""`thetis worker` and `thetis serve` as processes: stopped, and killed at the worst moment."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devtools.fake_providers import Answer
from devtools.processes import process
from tests.service.worker.conftest import Outbox
from tests.support.service import eventually, serve, settings
from tests.support.shopify import COURSE, SPLINT, order

pytestmark = pytest.mark.parametrize("cluster", [16], indirect=True, scope="session")
"""On one version of Postgres: these are about processes."""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_sends_what_is_due_and_stops_when_told(
    outbox: Outbox, tmp_path: Path, signum: signal.Signals
) -> None:
    outbox.database.record_orders(order(1, COURSE))
    environment = settings(outbox.providers, database_url=outbox.database.url)

    with process("worker", log_file=tmp_path / "log", environment=environment) as worker:
        outbox.wait_for(1, "post_purchase", "sent")
        outbox.wait_for(1, "course_access", "sent")
        worker.popen.send_signal(signum)
        assert worker.popen.wait(timeout=20) == 0
    assert len(outbox.fake_providers.effects) == 2


def test_a_worker_that_is_told_to_stop_finishes_what_it_sends(
    outbox: Outbox, tmp_path: Path
) -> None:
    outbox.database.record_orders(order(1, SPLINT))
    outbox.fake_providers.answer_with("knock", Answer(delay=0.5))
    environment = settings(outbox.providers, database_url=outbox.database.url)

    with process("worker", log_file=tmp_path / "log", environment=environment) as worker:
        eventually(lambda: outbox.fake_providers.requests)
        assert worker.stop() == 0
    assert outbox.status(1, "post_purchase") == "sent"


def test_a_service_killed_between_sending_and_settling_sends_again_with_the_same_key(
    outbox: Outbox, tmp_path: Path
) -> None:
    way = {"database_url": outbox.database.url}
    with serve(way, log_file=tmp_path / "log") as (service, running):
        service.fake_providers.answer_with(
            "knock", Answer(then="hang")
        )  # accepts, and does not say so
        assert service.outcome("orders/paid", order(1, SPLINT)) == "recorded"
        eventually(lambda: service.fake_providers.effects)
        running.popen.kill()
        running.popen.wait()
        [accepted] = service.fake_providers.effects

    assert outbox.status(1, "post_purchase") == "pending"
    outbox.bring_forward()
    with outbox.working():
        outbox.wait_for(1, "post_purchase", "sent")

    [again] = outbox.fake_providers.requests
    assert (again.idempotency_key, again.content) == (accepted.idempotency_key, accepted.content)


def test_a_service_that_is_told_to_stop_answers_what_it_has_begun(
    outbox: Outbox, tmp_path: Path
) -> None:
    way = {"database_url": outbox.database.url}
    with (
        serve(way, log_file=tmp_path / "log") as (service, running),
        ThreadPoolExecutor() as pool,
    ):
        with outbox.database.connect() as other, other.transaction():
            other.execute("lock table thetis.orders in access exclusive mode")
            answer = pool.submit(service.outcome, "orders/paid", order(1, COURSE))
            eventually(lambda: outbox.database.value(_WAITING))
            running.popen.terminate()
            eventually(lambda: "Shutting down" in running.log())
        assert answer.result() == "recorded"
        running.popen.wait(timeout=20)
        assert running.logged("service.stopped")
    assert len(outbox.database.purchases(1)) == 1


_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


def test_a_worker_without_a_database_waits_for_it_and_stops_when_told(
    outbox: Outbox, tmp_path: Path
) -> None:
    environment = settings(
        outbox.providers,
        database_url="postgresql://nobody@127.0.0.1:1/nowhere",
        database_timeout_seconds=0.3,
    )
    with process("worker", log_file=tmp_path / "log", environment=environment) as worker:
        eventually(lambda: worker.logged("worker.database_failed"))
        assert worker.stop() == 0
