"""Whatever kind of answer a function gives, both transports bring it as the same rows."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import pytest

from tests.service.transports.conftest import TransportCase
from tests.support.database import Database
from thetis.transports import Row

TEXTS = ["a word", "", "null", "7", "true", "[]", '{"a": 1}', '"', "<html>", "ä\n\u2028", "\\x00"]


@pytest.fixture(autouse=True)
def _functions(database: Database) -> None:
    """One for each kind of answer. PostgREST must find them when it starts, so they come first."""
    for name, kind in [("text", "text"), ("number", "bigint"), ("flag", "boolean")]:
        database.execute(
            f"create function public.give_{name}(value {kind}) returns {kind}"
            " language sql as 'select value'"
        )
    database.execute("create function public.give_nothing() returns void language sql as ''")
    database.execute(
        "create function public.give_rows(count integer) returns table (place integer, word text)"
        " language sql as $$select n, case when n > 1 then 'w' end from generate_series(1, count)"
        " as n$$"
    )


def _answer(way: TransportCase, function: LiteralString, **arguments: Any) -> list[Row]:
    async def answer() -> list[Row]:
        transport = way.transport()
        await transport.open()
        try:
            return await transport.call(function, arguments)
        finally:
            await transport.close()

    return asyncio.run(answer())


@pytest.mark.parametrize("text", [*TEXTS, None], ids=repr)
def test_a_text_stays_that_text_and_null_stays_null(way: TransportCase, text: str | None) -> None:
    assert _answer(way, "give_text", value=text) == [{"give_text": text}]


@pytest.mark.parametrize("number", [0, -1, 2**53 + 1, 2**63 - 1, None])
def test_a_number_arrives_to_the_last_digit(way: TransportCase, number: int | None) -> None:
    assert _answer(way, "give_number", value=number) == [{"give_number": number}]


@pytest.mark.parametrize("flag", [True, False, None])
def test_a_boolean_is_one(way: TransportCase, flag: object) -> None:
    assert _answer(way, "give_flag", value=flag) == [{"give_flag": flag}]


def test_nothing_is_no_row(way: TransportCase) -> None:
    assert _answer(way, "give_nothing") == []


def test_rows_are_rows_and_no_rows_are_none(way: TransportCase) -> None:
    assert _answer(way, "give_rows", count=0) == []
    assert _answer(way, "give_rows", count=1) == [{"place": 1, "word": None}]
    assert _answer(way, "give_rows", count=2)[1] == {"place": 2, "word": "w"}
