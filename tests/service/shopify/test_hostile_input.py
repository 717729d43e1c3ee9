"""Whatever the bytes: a translation, or an UnusablePayload that gives nothing away."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.service.shopify.bodies import ORDER_ID, a_refund, an_order, encode, paths, put
from thetis.cli import shopify_payloads
from thetis.errors import UnusablePayload
from thetis.shopify import REASON_LIMIT, translate_order, translate_refund

Translate = Callable[[bytes], dict[str, Any]]

BODIES: list[tuple[Translate, dict[str, Any]]] = [
    (translate_order, an_order("orders/cancelled", refunds=[a_refund()])),
    (translate_refund, a_refund()),
]
both = pytest.mark.parametrize(("translate", "payload"), BODIES, ids=["order", "refund"])

MARK = "s3cr3t"
SWAPS: list[Any] = [None, True, 0, -1, 0.5, 1e300, float("nan"), 2**64, 10**4000]
SWAPS += [
    "",
    MARK,
    f"{MARK}\x00",
    f"\ud800{MARK}",
    [],
    [MARK],
    [[]],
    {},
    {MARK: MARK},
    {"id": MARK},
]


def checked_reason(reason: str) -> str:
    assert 0 < len(reason) <= REASON_LIMIT
    assert reason.isprintable()
    return reason


def outcome(translate: Translate, body: bytes) -> dict[str, Any] | str:
    """The translation, or why there is none. Anything else that is raised fails the test."""
    try:
        translation = translate(body)
    except UnusablePayload as error:
        return checked_reason(error.reason)
    text = json.dumps(translation, allow_nan=False)
    assert "\\u0000" not in text
    assert "\\ud800" not in text
    return translation


@both
def test_a_truncated_body_is_unusable_at_every_byte(
    translate: Translate, payload: dict[str, Any]
) -> None:
    body = shopify_payloads.encode(payload)
    for length in range(len(body)):
        assert str(outcome(translate, body[:length])).startswith("body: Invalid JSON")


@both
def test_any_value_may_have_any_type(translate: Translate, payload: dict[str, Any]) -> None:
    for path in paths(payload):
        for value in SWAPS:
            outcome(translate, encode(put(payload, path, value)))


@both
def test_any_byte_may_be_damaged(translate: Translate, payload: dict[str, Any]) -> None:
    body = shopify_payloads.encode(payload)
    chance = random.Random(20261123)
    for _ in range(5_000):
        damaged = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        outcome(translate, bytes(damaged))


@both
def test_parts_of_a_body_may_be_moved_or_repeated(
    translate: Translate, payload: dict[str, Any]
) -> None:
    body = shopify_payloads.encode(payload)
    chance = random.Random(20261124)
    for _ in range(2_000):
        start, end, at = (chance.randrange(len(body)) for _ in range(3))
        outcome(translate, body[:at] + body[start:end] + body[at:])


@pytest.mark.parametrize("translate", [translate_order, translate_refund])
def test_random_bytes_are_unusable(translate: Translate) -> None:
    chance = random.Random(20261125)
    for _ in range(5_000):
        assert isinstance(outcome(translate, chance.randbytes(chance.randrange(64))), str)


@pytest.mark.parametrize("translate", [translate_order, translate_refund])
def test_random_json_is_usable_or_not(translate: Translate) -> None:
    tokens = [b"{", b"}", b"[", b"]", b",", b":", b'"id"', b'"line_items"', b'"quantity"', b"1"]
    tokens += [b"1e9", b"-0", b"NaN", b"null", b'"\\u0000"', b'"\\ud800"', b'"\xff"', b" "]
    chance = random.Random(20261126)
    for _ in range(20_000):
        outcome(translate, b"".join(chance.choices(tokens, k=chance.randrange(12))))


# All that either translation needs, so that each body below is unusable for its own fault.
NEEDED = b'"id":1,"order_id":1,"financial_status":"paid","line_items":[],"refund_line_items":[]'
USABLE = b"{%b}" % NEEDED


def noted(note: bytes) -> bytes:
    return b'{%b,"note":%b}' % (NEEDED, note)


@pytest.mark.parametrize("translate", [translate_order, translate_refund])
@pytest.mark.parametrize("body", [USABLE, noted(b'"\\u0000"'), noted(b"[" * 100 + b"]" * 100)])
def test_what_is_one_whole_object_is_usable(translate: Translate, body: bytes) -> None:
    assert isinstance(outcome(translate, body), dict)


@pytest.mark.parametrize("translate", [translate_order, translate_refund])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\x00",
        b"null",
        b"[]",
        b"1",
        b'"id"',
        b"NaN",
        b"{}",
        USABLE + b" {}",
        b"\xef\xbb\xbf" + USABLE,
        USABLE.decode().encode("utf-16"),
        noted(b'"\xff"'),
        noted(b'"\\ud800"'),
        noted(b'"\x00"'),
        noted(b"9" * 5_000),
        noted(b"[" * 1_000_000),
        noted(b"[" * 5_000 + b"]" * 5_000),
        b'{"a":' * 1_000_000,
        b"id=1&order_id=1",
        b"<order/>",
    ],
    ids=lambda body: repr(body)[2:40] if isinstance(body, bytes) else None,
)
def test_what_is_no_object_or_no_json_is_unusable(translate: Translate, body: bytes) -> None:
    assert isinstance(outcome(translate, body), str)


def test_what_we_do_not_read_may_hold_anything_that_json_can() -> None:
    note = {"a": [0.1, 10**4000, "\x00", None, [[[[]]]], 1e999]}
    assert translate_order(encode(an_order(note=note)))["id"] == str(ORDER_ID)


@pytest.mark.parametrize("field", ["line_items", "refunds"])
def test_a_million_faults_make_one_short_reason(field: str) -> None:
    body = encode(put(an_order(), (field,), [0] * 1_000_000))
    assert outcome(translate_order, body) == f"{field}.0: Input should be an object"


def test_a_reason_names_every_field_at_fault() -> None:
    reason = outcome(translate_order, encode(an_order(id=None, line_items=[{"id": 1}])))
    assert isinstance(reason, str)
    assert [fault.split(":")[0] for fault in reason.split("; ")] == ["id", "line_items.0.quantity"]


@both
def test_no_value_of_a_payload_is_ever_in_a_reason(
    translate: Translate, payload: dict[str, Any]
) -> None:
    told = 0
    for path in paths(payload):
        for value in [MARK, [MARK], {MARK: MARK}, 7777777.5, -7777777]:
            result = outcome(translate, encode(put(payload, path, value)))
            if isinstance(result, str):
                told += 1
                assert MARK not in result
                assert "7777777" not in result
                assert "ada" not in result
    assert told > 20


@both
def test_nothing_but_what_is_needed_is_in_a_translation(
    translate: Translate, payload: dict[str, Any]
) -> None:
    """Every value changed to the mark, one by one: it comes out where the contract says, only."""
    shown = set()
    for path in paths(payload):
        result = outcome(translate, encode(put(payload, path, f"{MARK}@example.com")))
        if isinstance(result, dict) and MARK in json.dumps(result):
            shown.add(".".join(map(str, path)))
    addresses = {"email", "contact_email", "customer.email", "financial_status"}
    assert shown == (addresses if translate is translate_order else set())
