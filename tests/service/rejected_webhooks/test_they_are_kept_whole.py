"""Authentic webhooks that we could not use are kept, byte by byte, and once."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
import pytest

from tests.service.rejected_webhooks.support import store
from tests.support.database import Database, Row


def kept(database: Database) -> list[Row]:
    return database.rows("select * from thetis.rejected_webhooks order by id")


@pytest.mark.parametrize(
    "body", [b'{"id": 1}', b"", b"\x00\xff\xfe", "ä".encode("latin-1"), b"x" * 3_000_000]
)
def test_the_body_is_kept_as_it_came(database: Database, body: bytes) -> None:
    rejected_id = store(database, body)

    [row] = kept(database)
    assert row["id"] == rejected_id
    assert bytes(row["body"]) == body
    assert bytes(row["body_sha256"]) == hashlib.sha256(body).digest()
    assert (row["topic"], row["reason"]) == ("orders/paid", "no email address")
    assert row["received_at"] is not None and row["replayed_at"] is None


def test_the_same_body_again_is_kept_once_with_the_latest_reason(database: Database) -> None:
    first = store(database, b"{}", webhook_id="one")
    again = store(database, b"{}", "another reason", webhook_id="two")

    [row] = kept(database)
    assert first == again == row["id"]
    assert (row["reason"], row["webhook_id"]) == ("another reason", "one")


def test_what_is_rejected_again_after_a_replay_counts_as_not_replayed(database: Database) -> None:
    store(database, b"{}")
    database.execute("update thetis.rejected_webhooks set replayed_at = now()")
    store(database, b"{}")

    assert [row["replayed_at"] for row in kept(database)] == [None]


def test_the_same_body_of_another_topic_is_another(database: Database) -> None:
    assert store(database, b"{}") != store(database, b"{}", topic="orders/updated")
    assert len(kept(database)) == 2


def test_a_webhook_without_an_id_is_kept(database: Database) -> None:
    store(database, b"{}", webhook_id=None)

    assert [row["webhook_id"] for row in kept(database)] == [None]


@pytest.mark.parametrize(
    "arguments",
    [
        ("orders/paid", None, "not base64!", "reason"),
        ("orders/paid", None, None, "reason"),
        (None, None, "", "reason"),
        ("orders/paid", None, "", None),
    ],
)
def test_an_unusable_call_is_an_error_and_keeps_nothing(
    database: Database, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises((psycopg.DataError, psycopg.IntegrityError)):
        database.call("store_rejected_webhook", *arguments)

    assert kept(database) == []
