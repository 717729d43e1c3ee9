from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import supabase_cli


@pytest.fixture(autouse=True)
def _cli() -> None:
    if not supabase_cli.CLI.exists():
        pytest.skip(supabase_cli.MISSING)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of our project, in which a test may change a migration."""
    return supabase_cli.project(tmp_path)
