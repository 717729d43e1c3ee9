"""One setting puts Supabase's own image in the place of the local platform."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_without_docker_the_setting_says_so_instead_of_testing_something_else() -> None:
    """The rest needs Docker: `TEST_POSTGRES_IMAGE=supabase/postgres:<tag> make test`."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/database/has_access"],
        cwd=Path(__file__).parents[3],
        env={
            **os.environ,
            "TEST_POSTGRES_IMAGE": "supabase/postgres:17",
            "DOCKER_HOST": "unix:///nowhere/docker.sock",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 4
    assert "TEST_POSTGRES_IMAGE is set, but Docker does not answer" in ended.stdout
