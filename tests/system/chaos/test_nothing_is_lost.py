"""Under a stream of webhooks everything that can die is killed, again and again: processes,
connections, requests. Nothing is lost, nothing is done twice, and nobody has to help.

`SOAK_SECONDS` makes it longer.
"""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devtools import platform
from devtools.fake_providers import running as running_providers
from tests.support import figures, soak
from tests.support.cluster import Cluster
from tests.support.service import eventually
from tests.system.chaos import audit
from tests.system.chaos.installation import Installation
from tests.system.chaos.providers import TroubledProviders
from tests.system.chaos.stream import Stream

SECONDS = soak.seconds(18)
PATIENCE = 45
"""Seconds. It takes one or two; the figures tell."""

VERSIONS = list(platform.VERSIONS) if soak.IS_LONG else [18]
OUR_OWN_FAULTS = r'Traceback|"event": "(webhook|worker|notification)\.failed"'

pytestmark = pytest.mark.timeout(120 + 2 * SECONDS)


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"pg{version}")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """For this test alone, which kills it."""
    folder = tmp_path_factory.mktemp("platform")
    with Cluster.starting(folder, postgres=request.param) as started:
        started.be_careful()
        yield started


@dataclass
class ChaosRun:
    """The faults, one after the other, while the stream goes on."""

    installation: Installation
    stream: Stream
    providers: TroubledProviders
    faults: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Webhooks that were answered 200 and are not in the database after a fault."""
    longest_recovery: float = 0.0
    """Seconds from the end of a fault until webhooks are recorded and notifications sent again."""

    def run(self, seconds: float) -> None:
        """Each fault at least once."""
        kinds: dict[str, Callable[[], None]] = {
            "service killed": self._kill_service,
            "Postgres killed": self._kill_postgres,
            "one Postgres process killed": self.installation.kill_one_backend,
            "connections cut, new ones refused": self._cut_the_network,
            "connections hanging for ever": self._let_the_network_hang,
            "connections terminated by Postgres": self.installation.terminate_backends,
        }
        end = time.monotonic() + seconds
        self._wait_for_work()
        for number, kind in enumerate(itertools.cycle(kinds)):
            if number >= len(kinds) and time.monotonic() > end:
                return
            kinds[kind]()
            self.faults[kind] += 1
            self._recover()

    def _recover(self) -> None:
        started = time.monotonic()
        self._wait_for_work()
        self.longest_recovery = max(self.longest_recovery, time.monotonic() - started)
        assert self.installation.service.popen.poll() is None, "the service has ended"
        self._count_losses()

    def _wait_for_work(self) -> None:
        answers, requests = self.stream.statuses["200"], len(self.providers.requests)
        eventually(lambda: self.stream.statuses["200"] >= answers + 10, patience=PATIENCE)
        eventually(lambda: len(self.providers.requests) >= requests + 10, patience=PATIENCE)

    def _wait_for_failures(self) -> None:
        enough = self.stream.failures + 3
        eventually(lambda: self.stream.failures >= enough, patience=PATIENCE)

    def _count_losses(self) -> None:
        answered = self.stream.answered()
        with self.installation.connect() as connection:
            self.lost += len(audit.Facts(connection).lack(answered))

    def _kill_service(self) -> None:
        self.installation.kill_service()
        self._wait_for_failures()
        self.installation.start_service()

    def _kill_postgres(self) -> None:
        self.installation.kill_postgres()
        self._wait_for_failures()
        self.installation.restart_postgres()
        self._count_losses()

    def _cut_the_network(self) -> None:
        self.installation.proxy.vanish()
        self._wait_for_failures()
        self.installation.proxy.recover()

    def _let_the_network_hang(self) -> None:
        self.installation.proxy.hang()
        self._wait_for_failures()
        self.installation.proxy.recover_for_new_connections()


def test_whatever_dies_nothing_is_lost_and_nothing_is_done_twice(
    cluster: Cluster, tmp_path: Path, report_figures: figures.Report
) -> None:
    seed = random.randrange(1_000_000)
    providers = TroubledProviders(seed)
    started = time.monotonic()
    with (
        cluster.database() as database,
        running_providers(providers) as url,
        Installation(cluster.platform, database.name, tmp_path, url) as installation,
        Stream(f"{installation.url}/webhooks/shopify", seed) as stream,
    ):
        chaos_run = ChaosRun(installation, stream, providers)
        chaos_run.run(SECONDS)
        providers.recover()
        stream.let_customers_rest()
        eventually(stream.is_settled, patience=60)
        eventually(lambda: _outbox_is_empty(installation), patience=60)

        orders, effects = stream.customers.orders, list(providers.effects)
        with installation.connect() as connection:
            chaos_run.lost += len(audit.Facts(connection).lack(stream.deliveries))
            purchases = audit.wrong_purchases(connection, orders)
            notifications = audit.wrong_notifications(connection, orders, effects)
            lost_rows = audit.lost_rows(connection, effects)
            dead = connection.execute(_DEAD).fetchall()
        altered = audit.altered_repetitions(providers.requests)
        report_figures(
            f"Postgres {cluster.platform.postgres_version}, seed {seed}",
            {
                "seconds": round(time.monotonic() - started),
                **chaos_run.faults,
                "longest recovery": f"{chaos_run.longest_recovery:.1f} s",
                "orders": len(orders),
                "webhooks": len(stream.deliveries),
                "requests with them": stream.statuses.total(),
                "not answered 200, sent again": stream.failures,
                "webhooks lost": chaos_run.lost,
                "orders with a wrong purchase": len(purchases),
                **{f"provider: {trouble}": times for trouble, times in providers.troubles.items()},
                "requests to providers": len(providers.requests),
                "notifications accepted": len(effects),
                "accepted, but not in the outbox": len(lost_rows),
                "repetitions with another body": len(altered),
                "orders with a notification too many or too few": len(notifications),
                "notifications dead": len(dead),
            },
        )
        assert stream.statuses.keys() <= {"200", "503", "none"}
        assert chaos_run.lost == 0
        assert purchases == {}
        assert altered == []
        assert lost_rows == []
        assert notifications == {}
        assert dead == []
        assert audit.hasty_cancellations(effects, providers.accepted_at) == []
        assert re.search(OUR_OWN_FAULTS, installation.logs()) is None
        installation.service.stop()
        assert installation.service.logged("service.stopped")


_DEAD = "select kind, last_error from thetis.notifications where status = 'dead'"


def _outbox_is_empty(installation: Installation) -> bool:
    """Time passes for what waits after a failure: by now it would be tried in minutes. Leases end
    by themselves, and a cancellation waits as long as it has to.
    """
    with installation.connect() as connection:
        connection.execute(
            "update thetis.notifications set due_at = now()"
            " where status = 'pending' and attempts > 0 and leased_until is null"
            " and due_at > now()"
        )
        query = "select from thetis.notifications where status = 'pending'"
        return connection.execute(query).fetchone() is None
