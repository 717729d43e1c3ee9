"""Supabase's own Postgres image in the place of the local platform, where Docker runs.

TEST_POSTGRES_IMAGE=supabase/postgres:<tag> make test
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker.errors
import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from devtools.platform import Platform

PASSWORD = "postgres"


@dataclass(frozen=True, kw_only=True)
class ContainerPlatform(Platform):
    """A platform that is reached by host and port."""

    address: str

    def url(self, role: str, database: str = "postgres") -> str:
        return f"postgresql://{role}:{PASSWORD}@{self.address}/{database}"


@contextmanager
def started(image: str) -> Iterator[ContainerPlatform]:
    """A container of this image, gone at the end."""
    try:
        container = (
            DockerContainer(image)
            .with_env("POSTGRES_PASSWORD", PASSWORD)
            .with_exposed_ports(5432)
            .waiting_for(LogMessageWaitStrategy("ready to accept connections", times=2))
        )
        with container:
            yield _platform(container)
    except docker.errors.DockerException as error:
        pytest.exit(f"TEST_POSTGRES_IMAGE is set, but Docker does not answer: {error}", 4)


def _platform(container: DockerContainer) -> ContainerPlatform:
    address = f"{container.get_container_host_ip()}:{container.get_exposed_port(5432)}"
    return ContainerPlatform(
        data_dir=Path("/nowhere"),
        postgres_version=17,
        socket_dir=Path("/nowhere"),
        address=address,
    )
