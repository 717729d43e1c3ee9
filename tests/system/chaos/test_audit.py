"""The audit finds what it looks for: otherwise its silence would prove nothing."""

from __future__ import annotations

import psycopg

from devtools.fake_providers import ReceivedRequest
from tests.support.database import Database
from tests.support.shopify import COURSE
from tests.system.chaos import audit
from tests.system.histories.shop import Line, Order

PATHS = {"knock": "/trigger", "resend": "/emails"}


def accepted(path: str, key: str) -> ReceivedRequest:
    return ReceivedRequest(
        provider="knock",
        method="POST",
        path=path,
        headers={},
        content=b"",
        body={},
        idempotency_key=key,
    )


def test_what_was_accepted_for_a_row_that_is_gone_is_named(database: Database) -> None:
    bought = Order(email="ada@example.com", lines=[Line(slug=COURSE, quantity=1)])
    paid, *_ = bought.pay()
    database.record_orders(paid.payload)
    keys = [str(row["id"]) for provider in PATHS for row in database.claim(provider)]
    effects = [accepted(*each) for each in zip(PATHS.values(), keys, strict=True)]

    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        assert audit.lost_rows(connection, effects) == []
        assert audit.wrong_notifications(connection, [bought], effects) == {}

        connection.execute("delete from thetis.notifications where id = %s", (keys[0],))

        assert audit.lost_rows(connection, effects) == [f"/trigger with key {keys[0]}"]
        assert audit.wrong_notifications(connection, [bought], effects).keys() == {bought.id}
