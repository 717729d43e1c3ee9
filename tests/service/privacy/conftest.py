from __future__ import annotations

from tests.support.served import database, order_id, service

__all__ = ["database", "order_id", "service"]
