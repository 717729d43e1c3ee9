from __future__ import annotations

from typing import Any

import pytest

from tests.service.shopify.bodies import (
    COURSE,
    ORDER_ID,
    SPLINT,
    a_refund,
    an_amount_only_refund,
    an_order,
    encode,
)
from thetis.cli import shopify_payloads
from thetis.errors import UnusablePayload
from thetis.shopify import TOPICS, translate_order, translate_refund

COURSE_LINE = str(shopify_payloads.line_item_id(ORDER_ID, COURSE))
SPLINT_LINE = str(shopify_payloads.line_item_id(ORDER_ID, SPLINT))
ORDER_TOPICS = [topic for topic, kind in TOPICS.items() if kind == "order"]

# The parts that matter of what "Send test notification" in Shopify's admin sends.
TEST_NOTIFICATION = b"""{
  "id": 820982911946154508, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
  "cancel_reason": "customer", "cancelled_at": "2021-12-31T19:00:00-05:00", "client_details": null,
  "contact_email": "jon@example.com", "created_at": "2021-12-31T19:00:00-05:00",
  "email": "jon@example.com", "financial_status": "voided", "name": "#9999", "number": 234,
  "order_number": 1234, "processed_at": "2021-12-31T19:00:00-05:00", "test": true,
  "token": "123456abcd", "updated_at": "2021-12-31T19:00:00-05:00",
  "customer": {"id": 115310627314723954, "email": "john@example.com", "created_at": null},
  "line_items": [
    {"id": 866550311766439020, "current_quantity": 1, "product_id": 632910392, "quantity": 1},
    {"id": 141249953214522974, "current_quantity": 1, "product_id": 632910392, "quantity": 1}
  ],
  "refunds": [], "returns": []
}"""


def line(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "product_id": 2, "quantity": 1, "current_quantity": 1} | changes


def translated(**changes: Any) -> dict[str, Any]:
    return translate_order(encode(an_order(**changes)))


@pytest.mark.parametrize(
    ("topic", "status", "cancelled_at"),
    [
        ("orders/create", "pending", None),
        ("orders/paid", "paid", None),
        ("orders/updated", "paid", None),
        ("orders/cancelled", "paid", "2026-11-23T12:30:15Z"),
    ],
)
def test_an_order_becomes_exactly_the_fields_that_record_orders_reads(
    topic: str, status: str, cancelled_at: str | None
) -> None:
    assert translate_order(shopify_payloads.encode(an_order(topic))) == {
        "id": "5992405729560",
        "order_number": "8561",
        "email": "ada@example.com",
        "contact_email": "ada@example.com",
        "customer": {"email": "ada@example.com"},
        "financial_status": status,
        "total_outstanding": "558.62" if status == "pending" else "0.00",
        "test": False,
        "cancelled_at": cancelled_at,
        "created_at": "2026-11-23T12:30:15Z",
        "processed_at": "2026-11-23T12:30:15Z",
        "updated_at": "2026-11-23T12:30:15Z",
        "line_items": [
            {
                "id": COURSE_LINE,
                "product_id": "9846187786568",
                "quantity": 1,
                "current_quantity": 1,
            },
            {
                "id": SPLINT_LINE,
                "product_id": "9846188966216",
                "quantity": 2,
                "current_quantity": 2,
            },
        ],
        "refunds": [],
        "disputes": None,
    }


def test_a_refund_becomes_exactly_the_fields_that_record_refunds_reads() -> None:
    refund = a_refund()
    assert translate_refund(shopify_payloads.encode(refund)) == {
        "id": str(refund["id"]),
        "order_id": "5992405729560",
        "created_at": "2026-11-23T12:30:15Z",
        "refund_line_items": [{"line_item_id": SPLINT_LINE, "quantity": 1}],
    }


def test_a_refund_inside_an_order_keeps_its_id_and_lines() -> None:
    refund = a_refund()
    assert translated(refunds=[refund])["refunds"] == [
        {
            "id": str(refund["id"]),
            "refund_line_items": [{"line_item_id": SPLINT_LINE, "quantity": 1}],
        }
    ]


def test_an_amount_only_refund_has_no_lines() -> None:
    assert translate_refund(encode(an_amount_only_refund()))["refund_line_items"] == []


def test_a_line_item_twice_in_one_refund_stays_twice() -> None:
    twice = [
        {"line_item_id": 7, "quantity": 1, "restock_type": "return"},
        {"line_item_id": 7, "quantity": 2, "restock_type": "no_restock"},
    ]
    lines = translate_refund(encode(a_refund(refund_line_items=twice)))["refund_line_items"]
    assert lines == [
        {"line_item_id": "7", "quantity": 1},
        {"line_item_id": "7", "quantity": 2},
    ]


def test_shopifys_own_test_notification_is_translated_to_the_last_digit() -> None:
    order = translate_order(TEST_NOTIFICATION)
    assert order["id"] == "820982911946154508"
    assert [item["id"] for item in order["line_items"]] == [
        "866550311766439020",
        "141249953214522974",
    ]
    assert (order["email"], order["customer"]) == ("jon@example.com", {"email": "john@example.com"})
    assert (order["financial_status"], order["order_number"]) == ("voided", "1234")
    assert order["test"] is True
    assert order["cancelled_at"] == "2022-01-01T00:00:00Z"


@pytest.mark.parametrize("value", [1, 2**53 + 1, 820982911946154508, 2**63 - 1])
def test_an_id_is_kept_exactly_whether_it_comes_as_number_or_as_text(value: int) -> None:
    assert translated(id=value)["id"] == str(value)
    assert translated(id=str(value))["id"] == str(value)


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        2**63,
        10**400,
        True,
        1.0,
        8.2e17,
        None,
        "",
        "0",
        "-1",
        "+1",
        " 1",
        "1\n",
        "1.0",
        "1_000",
        "٣",
        "9223372036854775808",
        "9" * 5000,
        "gid://shopify/Order/1",
        [1],
        {"id": 1},
    ],
    ids=lambda value: repr(value)[:20],
)
def test_anything_else_is_no_id(value: object) -> None:
    with pytest.raises(UnusablePayload, match=r"^id: "):
        translated(id=value)


@pytest.mark.parametrize("changes", [{"product_id": None}, {}], ids=["null", "absent"])
def test_a_custom_or_deleted_product_has_no_product_id(changes: dict[str, None]) -> None:
    item = {"id": 1, "quantity": 1, "current_quantity": 1} | changes
    assert translated(line_items=[item])["line_items"][0]["product_id"] is None


def test_before_api_version_2024_01_there_is_no_current_quantity() -> None:
    item = {"id": 1, "product_id": 2, "quantity": 1}
    assert translated(line_items=[item])["line_items"][0]["current_quantity"] is None


@pytest.mark.parametrize("quantity", [0, 1, 2**31 - 1])
def test_a_quantity_fits_an_integer_column(quantity: int) -> None:
    items = translated(line_items=[line(quantity=quantity)])["line_items"]
    assert items[0]["quantity"] == quantity


@pytest.mark.parametrize(
    "quantity", [-1, 2**31, 10**400, 1.0, 1.5, True, "1", None, [], float("nan"), float("inf")]
)
def test_anything_else_is_no_quantity(quantity: object) -> None:
    with pytest.raises(UnusablePayload, match=r"^line_items\.0\.quantity: "):
        translated(line_items=[line(quantity=quantity)])


def test_ten_thousand_line_items_are_fine() -> None:
    items = [line(id=number) for number in range(1, 10_001)]
    assert len(translated(line_items=items)["line_items"]) == 10_000


def test_one_line_item_id_twice_in_an_order_is_unusable() -> None:
    with pytest.raises(UnusablePayload, match=r"^line_items: "):
        translated(line_items=[line(quantity=1), line(id="1", quantity=2)])


def test_one_refund_id_twice_in_an_order_is_unusable() -> None:
    with pytest.raises(UnusablePayload, match=r"^refunds: "):
        translated(refunds=[a_refund(), a_refund()])


def test_a_draft_order_has_an_empty_email_and_no_customer() -> None:
    draft = an_order(email="", contact_email=None)
    del draft["customer"]
    order = translate_order(encode(draft))
    assert (order["email"], order["contact_email"], order["customer"]) == (None, None, None)


@pytest.mark.parametrize("customer", [None, {}, {"email": None}, {"id": 1, "email": ""}])
def test_a_customer_may_have_no_email(customer: object) -> None:
    order = translated(customer=customer)
    assert order["email"] == "ada@example.com"
    assert order["customer"] in (None, {"email": None})


@pytest.mark.parametrize(
    "address", ["Ada@Example.COM", " ada@example.com\t\r\n", "ädä@exämple.com", "o'hara+x@a.b"]
)
def test_an_address_is_passed_on_as_it_came(address: str) -> None:
    assert translated(email=address)["email"] == address


@pytest.mark.parametrize(
    "junk",
    [
        "",
        " ",
        "ada",
        "@",
        "ada@",
        "@example.com",
        "ada @example.com",
        "ada@example.com bob@b.c",
        "a\x00da@example.com",
        "ada@example.com\x00",
        "ada\n@example.com",
        "ada@exam\u200bple.com",
        "\u00a0ada@example.com",
        "ada\x7f@example.com",
        "ada@\ufffe.com",
        "a" * 309 + "@example.com",
        " " * 320 + "ada@example.com",
        5,
        True,
        ["ada@example.com"],
        {"email": "ada@example.com"},
    ],
    ids=lambda junk: repr(junk)[:24],
)
@pytest.mark.parametrize("field", ["email", "contact_email", "customer"])
def test_an_unusable_address_is_absent_and_does_not_cost_the_order(field: str, junk: Any) -> None:
    order = translated(**{field: {"email": junk} if field == "customer" else junk})
    expected: dict[str, Any] = {"email": "ada@example.com", "contact_email": "ada@example.com"}
    expected |= {"customer": {"email": "ada@example.com"}}
    expected |= {field: {"email": None} if field == "customer" else None}
    assert {name: order[name] for name in expected} == expected


@pytest.mark.parametrize("status", ["paid", "expired", "partially_refunded", "brand_new", "", None])
def test_a_financial_status_is_passed_on_known_or_not(status: str | None) -> None:
    assert translated(financial_status=status)["financial_status"] == status


@pytest.mark.parametrize("status", ["pa\x00id", "\x00", "x" * 101, 1, ["paid"]])
def test_a_financial_status_that_is_no_label_is_unusable(status: object) -> None:
    with pytest.raises(UnusablePayload, match=r"^financial_status: "):
        translated(financial_status=status)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("0.00", "0.00"),
        ("558.62", "558.62"),
        ("-10.50", "-10.50"),
        ("7", "7"),
        (558.62, "558.62"),
        (0, "0"),
        (-3, "-3"),
    ],
)
def test_what_is_outstanding_is_a_decimal_number_in_text(sent: object, expected: str) -> None:
    assert translated(total_outstanding=sent)["total_outstanding"] == expected


@pytest.mark.parametrize(
    "junk",
    [
        None,
        "",
        " 1.00",
        "1,00",
        "1.00 USD",
        "1e3",
        "NaN",
        "٣",
        "9" * 16,
        "1." + "0" * 11,
        True,
        1e300,
        float("nan"),
        float("inf"),
        10**4000,
        ["0.00"],
        {"amount": "0.00"},
    ],
    ids=lambda junk: repr(junk)[:20],
)
def test_junk_for_what_is_outstanding_is_absent_and_does_not_cost_the_order(junk: object) -> None:
    assert translated(total_outstanding=junk)["total_outstanding"] is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(True, True), (False, False), (None, False), ("true", False), (1, False), ([], False)],
)
def test_an_order_is_a_test_only_if_shopify_says_true(sent: object, expected: object) -> None:
    assert translated(test=sent)["test"] is expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-11-23T12:30:15Z", "2026-11-23T12:30:15Z"),
        ("2026-11-23T07:30:15-05:00", "2026-11-23T12:30:15Z"),
        ("2026-11-23T12:30:15.250+00:00", "2026-11-23T12:30:15.250000Z"),
        ("2026-11-24T12:29:15+23:59", "2026-11-23T12:30:15Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        (None, None),
    ],
)
def test_a_time_is_given_in_utc(sent: str | None, expected: str | None) -> None:
    assert translated(processed_at=sent)["processed_at"] == expected


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "now",
        "infinity",
        "2026-11-23",
        "2026-11-23T12:30:15",
        "2026-02-30T12:30:15Z",
        "1700000000",
        1700000000,
        1.5,
        True,
        [],
        "0001-01-01T00:00:00+14:00",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "12026-01-01T00:00:00Z",
        "2026-11-23T12:30:15+24:00",
        "9" * 5000,
    ],
    ids=lambda sent: repr(sent)[:30],
)
def test_anything_else_is_no_time(sent: object) -> None:
    with pytest.raises(UnusablePayload, match=r"^updated_at: "):
        translated(updated_at=sent)


def test_what_an_order_may_leave_out_is_null_or_empty() -> None:
    assert translate_order(b'{"id":1,"financial_status":null,"line_items":[]}') == {
        "id": "1",
        "order_number": None,
        "email": None,
        "contact_email": None,
        "customer": None,
        "financial_status": None,
        "total_outstanding": None,
        "test": False,
        "cancelled_at": None,
        "created_at": None,
        "processed_at": None,
        "updated_at": None,
        "line_items": [],
        "refunds": [],
        "disputes": None,
    }


@pytest.mark.parametrize("missing", ["id", "financial_status", "line_items"])
def test_an_order_needs_its_id_and_what_decides_over_its_grants(missing: str) -> None:
    order = an_order()
    del order[missing]
    with pytest.raises(UnusablePayload, match=rf"^{missing}: Field required$"):
        translate_order(encode(order))


@pytest.mark.parametrize("missing", ["id", "order_id", "refund_line_items"])
def test_a_refund_needs_its_own_id_that_of_its_order_and_its_lines(missing: str) -> None:
    refund = a_refund()
    del refund[missing]
    with pytest.raises(UnusablePayload, match=rf"^{missing}: Field required$"):
        translate_refund(encode(refund))


@pytest.mark.parametrize("missing", ["id", "refund_line_items"])
def test_a_refund_inside_an_order_needs_its_id_and_its_lines(missing: str) -> None:
    refund = a_refund()
    del refund[missing]
    with pytest.raises(UnusablePayload, match=rf"^refunds\.0\.{missing}: Field required$"):
        translated(refunds=[refund])


def test_the_order_of_the_keys_does_not_matter() -> None:
    order = an_order()
    backwards = dict(reversed(order.items()))
    assert translate_order(encode(backwards)) == translate_order(encode(order))
