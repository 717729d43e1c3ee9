"""Each reason of the SQL functions is told in words, with what to do next."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from tests.docs.test_command_lines import find
from thetis.cli.reasons import STEPS, WORDS, next_steps, why
from thetis.cli.timeline import command, plain

MIGRATION = next((Path(__file__).parents[3] / "supabase/migrations").glob("*_explain_access.sql"))
ID = "c0000001-0000-4000-8000-000000000001"


def answer(reason: str, **fields: Any) -> dict[str, Any]:
    return {
        "product": "standard_course",
        "has_access": reason == "has_access",
        "reason": reason,
        "since": "2026-11-20T10:00:00+00:00",
        "until": None,
        "purchase_id": ID,
        "order_number": "1001",
        "address": "ada@example.com",
        "owner_address": None,
        **fields,
    }


def steps(told: dict[str, Any], *, asked: str = "", is_announced: bool = True) -> list[str]:
    """What to do next, in lines."""
    found = next_steps(told, order_id="1", is_announced=is_announced, asked=asked)
    return [line for step in found for line in (step.words, command(*step.command)) if line]


def test_every_reason_of_the_database_has_words_and_every_no_has_a_step() -> None:
    body = MIGRATION.read_text()
    told = set(re.findall(r"(?:then|else) '([a-z_]+)'", body))
    told |= set(re.findall(r"^ +'([a-z_]+)',\n +sold\.", body, re.MULTILINE))
    told |= {"cancelled", "refunded"}  # what Shopify says, as it is
    told -= {"address", "proven_address"}  # how the owner came to it

    assert told == set(WORDS)
    assert set(WORDS) - {"has_access"} == set(STEPS)


@pytest.mark.parametrize("reason", WORDS)
@pytest.mark.parametrize("is_bare", [False, True])
def test_a_reason_is_told_whole_whatever_is_missing(reason: str, *, is_bare: bool) -> None:
    missing = dict.fromkeys(("since", "purchase_id", "order_number", "address")) if is_bare else {}
    told = answer(reason, **missing)

    lines = [why(told), *steps(told)]

    assert all(re.fullmatch(r"[^{}\s][^{}]*", line) for line in lines)
    assert not any("None" in line for line in lines)
    assert lines[0].startswith("yes, " if reason == "has_access" else "no: ")
    assert is_bare or reason == "has_access" or len(lines) > 1


@pytest.mark.parametrize("reason", STEPS)
def test_a_command_to_copy_is_one_that_there_is(reason: str) -> None:
    for step in next_steps(
        answer(reason, owner_address="eve@example.com"),
        order_id="1",
        is_announced=True,
        asked="grace@example.com",
    ):
        if step.command:
            words = ["2027-11-20" if word == "DATE" else word for word in step.command]
            found, rest = find(words)
            assert not isinstance(found, click.Group)
            found.make_context("thetis", rest)


def test_access_says_until_when() -> None:
    assert why(answer("has_access")) == "yes, for ever"
    assert why(answer("has_access", until="2027-11-20T23:59:59+00:00")) == "yes, until 2027-11-20"


def test_a_purchase_of_another_account_may_go_to_whoever_asks() -> None:
    told = answer("other_account", owner_address="eve@example.com")

    assert why(told) == "no: it belongs to the account of eve@example.com"
    assert steps(told, asked="ada@example.com")[-1].startswith(
        f"thetis customer transfer --purchase {ID} --to ADDRESS "
    )
    assert steps(told, asked="grace@example.com")[-1].startswith(
        f"thetis customer transfer --purchase {ID} --to grace@example.com "
    )


def test_an_email_that_never_was_is_not_sent_again() -> None:
    assert any("resend" in line for line in steps(answer("no_account")))
    assert not any("resend" in line for line in steps(answer("no_account"), is_announced=False))


def test_a_reason_of_a_newer_database_is_told_as_it_is() -> None:
    assert why(answer("on_hold")) == "no: on_hold"
    assert steps(answer("on_hold")) == []


def test_what_is_copied_into_a_shell_is_one_word_whatever_it_holds() -> None:
    assert command("show", "a;b$(c)'@example.com") == """show 'a;b$(c)'"'"'@example.com'"""
    assert command("show", "a\nb@example.com") == "show 'a b@example.com'"


def test_a_text_from_outside_moves_no_cursor() -> None:
    assert plain("a\x1b[2J\x07\u202eb\r\nc") == "a�[2J��b c"
