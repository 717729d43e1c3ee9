from __future__ import annotations

import pytest

from tests.database.enrollments.old_table import OldTable
from tests.support.database import Database


@pytest.fixture
def lone_table(bare_database: Database) -> OldTable:
    """A project that has nothing yet; the test says what its old table looks like."""
    return OldTable(bare_database)


@pytest.fixture
def old(lone_table: OldTable) -> OldTable:
    """A project with the old table as we expect it, empty."""
    lone_table.create()
    return lone_table
