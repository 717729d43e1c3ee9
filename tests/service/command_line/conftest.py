from __future__ import annotations

from tests.support.reused import database, reused_database

__all__ = ["database", "reused_database"]
