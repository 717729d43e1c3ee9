from __future__ import annotations

import pytest

from tests.database.upgrades.release import Release, releases


@pytest.fixture
def last_release() -> Release:
    return releases()[-1]
