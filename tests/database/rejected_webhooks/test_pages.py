"""The API hands out a thousand rows at most, so that the list comes in pages."""

from __future__ import annotations

import base64

import pytest

from tests.support.database import Database


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Five, of which the second was replayed."""
    stored = [
        database.call(
            "store_rejected_webhook", "orders/paid", f"w{n}", encoded(b"\xff\x00 %d" % n), "reason"
        )[0]["store_rejected_webhook"]
        for n in range(5)
    ]
    database.call("mark_webhook_replayed", stored[1])
    return stored


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def listed(database: Database, *arguments: object) -> list[int]:
    return [row["id"] for row in database.call("list_rejected_webhooks", *arguments)]


def test_the_list_has_the_oldest_first_and_none_that_was_replayed(
    database: Database, ids: list[int]
) -> None:
    assert listed(database) == [ids[0], *ids[2:]]
    assert listed(database, True) == ids


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("with_replayed", [True, False])
def test_pages_one_after_the_other_are_the_whole_list(
    database: Database, ids: list[int], size: int, *, with_replayed: bool
) -> None:
    found: list[int] = []
    while page := listed(database, with_replayed, found[-1] if found else 0, size):
        assert len(page) <= size
        found += page

    assert found == (ids if with_replayed else [ids[0], *ids[2:]])


def test_a_page_after_the_last_one_is_empty(database: Database, ids: list[int]) -> None:
    assert listed(database, True, ids[-1], 10) == []


def test_what_is_replayed_while_pages_are_read_moves_no_other(
    database: Database, ids: list[int]
) -> None:
    first = listed(database, False, 0, 2)
    database.call("mark_webhook_replayed", first[0])

    assert listed(database, False, first[-1], 10) == ids[3:]


def test_a_body_that_is_no_text_comes_back_as_it_was(database: Database, ids: list[int]) -> None:
    [row] = database.call("get_rejected_webhook", ids[3])

    assert base64.b64decode(row["body_base64"]) == b"\xff\x00 3"
    assert (row["topic"], row["webhook_id"], row["reason"]) == ("orders/paid", "w3", "reason")
    assert row["replayed_at"] is None


def test_there_is_no_row_for_an_id_that_is_none(database: Database, ids: list[int]) -> None:
    assert database.call("get_rejected_webhook", ids[-1] + 1) == []


def test_the_same_body_rejected_again_is_in_the_list_again(
    database: Database, ids: list[int]
) -> None:
    body = encoded(b"\xff\x00 1")
    [row] = database.call("store_rejected_webhook", "orders/paid", "again", body, "still")

    assert row["store_rejected_webhook"] == ids[1]
    assert ids[1] in listed(database)
