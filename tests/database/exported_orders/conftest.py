from __future__ import annotations

from tests.support.reused import database, own_database, reused_database

__all__ = ["database", "own_database", "reused_database"]
