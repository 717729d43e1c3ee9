"""Postgres 15, which some of Supabase's projects still run. Debian has it; our wheel has not."""

from __future__ import annotations

import pytest

from devtools import postgres

VERSION = 15

MISSING = "Postgres 15 is not installed (on Debian: apt-get install postgresql-15)"

PARAMETER = pytest.param(
    VERSION, marks=pytest.mark.skipif(not postgres.is_installed(VERSION), reason=MISSING)
)
"""For `parametrize`: the version, skipped where it is not installed."""
