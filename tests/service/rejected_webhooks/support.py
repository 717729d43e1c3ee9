from __future__ import annotations

import base64
from typing import Any

from tests.support.database import Database


def store(database: Database, body: bytes, reason: str = "no email address", **fields: Any) -> int:
    row = {"topic": "orders/paid", "webhook_id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", **fields}
    encoded = base64.b64encode(body).decode()
    [stored] = database.call(
        "store_rejected_webhook", row["topic"], row["webhook_id"], encoded, reason
    )
    return int(stored["store_rejected_webhook"])
