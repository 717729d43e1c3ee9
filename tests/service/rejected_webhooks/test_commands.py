from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, days_ago, order
from thetis.cli import shopify_payloads
from thetis.database import Database as ServiceDatabase
from thetis.transports import PostgresTransport
from thetis.webhooks import WebhookRecorder

NOT_TEXT = b"\xff\x00 not even text"


def thetis(database: Database, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "thetis", "rejected", *arguments],
        env={**os.environ, "DATABASE_URL": database.url},
        capture_output=True,
        check=False,
    )


def receive(database: Database, topic: str, body: bytes) -> str:
    """As the service would, without the signature."""

    async def record() -> str:
        client = ServiceDatabase(PostgresTransport(database.url, timeout=4), timeout=4)
        await client.open()
        try:
            return (await WebhookRecorder(client).record(topic, None, body)).outcome
        finally:
            await client.close()

    return asyncio.run(record())


def an_order(email: str | None) -> bytes:
    return shopify_payloads.encode(order(1, COURSE, email=email, made_at=days_ago(1)))


def test_what_was_rejected_is_listed_with_its_reason_and_shown_byte_for_byte(
    database: Database,
) -> None:
    assert receive(database, "orders/paid", NOT_TEXT) == "rejected"

    [line] = thetis(database, "list").stdout.decode().splitlines()
    rejected_id, _, topic, state, reason = line.split("\t")
    assert (topic, state) == ("orders/paid", "not replayed")
    assert "JSON" in reason
    assert thetis(database, "show", rejected_id).stdout == NOT_TEXT


def test_a_replay_after_the_cause_is_mended_records_it_and_enqueues_its_notifications(
    database: Database,
) -> None:
    database.execute("delete from thetis.shopify_products")
    assert receive(database, "orders/paid", an_order(None)) == "ignored"
    database.execute(
        "insert into thetis.shopify_products values (%s, %s)",
        str(shopify_payloads.SAMPLE_PRODUCTS[COURSE].shopify_id),
        COURSE,
    )
    assert receive(database, "orders/paid", an_order(None)) == "rejected"
    assert receive(database, "orders/updated", an_order("ada@example.com")) == "recorded"

    replayed = thetis(database, "replay", "--all")

    assert replayed.returncode == 0
    assert replayed.stdout.decode().split() == [str(kept_id(database)), "unchanged"]
    assert thetis(database, "list").stdout == b""
    assert b"\treplayed" in thetis(database, "list", "--all").stdout
    assert set(database.notifications(1)) == {"post_purchase", "course_access"}


def kept_id(database: Database) -> int:
    value: int = database.value("select id from thetis.rejected_webhooks")
    return value


@pytest.mark.parametrize("body", [NOT_TEXT, b'{"id":1,"email":"ada@example.com"}'])
def test_what_is_rejected_again_stays_and_says_so(database: Database, body: bytes) -> None:
    receive(database, "orders/paid", body)

    replayed = thetis(database, "replay", "--all")

    assert replayed.returncode == 1
    assert replayed.stdout.decode().split() == [str(kept_id(database)), "rejected"]
    assert b"not replayed" in thetis(database, "list").stdout


def test_a_replay_twice_changes_nothing(database: Database) -> None:
    receive(database, "orders/paid", an_order(None))
    receive(database, "orders/paid", an_order("ada@example.com"))
    rejected_id = str(kept_id(database))
    thetis(database, "replay", rejected_id)
    before = (
        database.purchases(),
        database.value("select replayed_at from thetis.rejected_webhooks"),
    )

    assert thetis(database, "replay", rejected_id).stdout.decode().split() == [
        rejected_id,
        "unchanged",
    ]

    after = (
        database.purchases(),
        database.value("select replayed_at from thetis.rejected_webhooks"),
    )
    assert after == before


def test_a_webhook_that_is_not_there_is_a_plain_error(database: Database) -> None:
    assert b"there is no rejected webhook 7" in thetis(database, "show", "7").stderr
    missing = thetis(database, "replay", "7")
    assert (missing.returncode, missing.stdout.decode().split()) == (1, ["7", "missing"])


@pytest.mark.parametrize("arguments", [(), ("1", "--all")])
def test_replay_wants_to_know_which(database: Database, arguments: tuple[str, ...]) -> None:
    assert b"name the webhooks, or say --all" in thetis(database, "replay", *arguments).stderr
