"""Fixtures that every folder shares. Whatever touches SQL runs on Postgres 16 and 18."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import hypothesis
import pytest
from hypothesis import Phase

from devtools import platform
from tests.support import figures, programs
from tests.support import supabase_api as supabase_api_support
from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.supabase_api import SupabaseApi

IMAGE = os.environ.get("TEST_POSTGRES_IMAGE")
"""An image to run in Docker instead of the local platform's Postgres, such as supabase/postgres."""

hypothesis.settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])
"""For runs that ask only whether there is a counterexample: `make mutants`."""


def pytest_report_header() -> str:
    return f"programs: {programs.versions()}"


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Cluster]]:
    """The cluster of a version, started when it is first asked for and kept to the end.

    A fixture with the version as its parameter would be torn down, and its cluster made anew,
    whenever tests of another version come in between.
    """
    started: dict[int, Cluster] = {}
    with ExitStack() as running:

        def cluster(version: int) -> Cluster:
            if version not in started:
                folder = tmp_path_factory.mktemp("platform")
                started[version] = running.enter_context(Cluster.starting(folder, postgres=version))
            return started[version]

        yield cluster


@pytest.fixture(
    scope="session",
    params=["image"] if IMAGE else platform.VERSIONS,
    ids=lambda version: f"pg{version}",
)
def cluster(
    request: pytest.FixtureRequest, clusters: Callable[[int], Cluster]
) -> Iterator[Cluster]:
    if IMAGE:
        from tests.support import container  # noqa: PLC0415 - slow to import, and seldom needed

        with container.started(IMAGE) as running:
            yield Cluster(running)
    else:
        yield clusters(request.param)


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A database with our migrations, a whole catalogue, and nothing else."""
    with cluster.database() as fresh:
        yield fresh


@pytest.fixture
def bare_database(cluster: Cluster) -> Iterator[Database]:
    """The platform as a new project has it, before any migration."""
    with cluster.database("bare") as fresh:
        yield fresh


@pytest.fixture
def supabase_api(database: Database) -> Iterator[SupabaseApi]:
    """The test's database as Supabase's API serves it."""
    if not supabase_api_support.POSTGREST.exists():
        pytest.skip(supabase_api_support.MISSING)
    with supabase_api_support.serving(database) as api:
        yield api


@pytest.fixture
def report_figures(record_property: Callable[[str, object], None]) -> figures.Report:
    """For a test that counts something: what it tells is shown at the end of the run."""

    def tell(title: str, counted: Mapping[str, object]) -> None:
        record_property(figures.PROPERTY, figures.lines(title, counted))

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call":
                told = [told for name, told in report.user_properties if name == figures.PROPERTY]
                for lines in told:
                    terminalreporter.write_sep("-", report.nodeid)
                    terminalreporter.write("\n".join(lines) + "\n")
