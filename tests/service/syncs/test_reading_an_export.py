"""What a file of Shopify's admin says, order by order; and what it does not."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.service.syncs.exports import COURSE_NAME, MAPPED, SPLINT_NAME, rows, written
from thetis.errors import UnusablePayload
from thetis.order_export import Export, read_export


def read(text: str) -> Export:
    return read_export(io.StringIO(text, newline=""), MAPPED)


def order_of(text: str) -> dict[str, Any]:
    [order] = read(text).orders
    return order


def test_an_order_is_told_in_the_words_of_a_webhook() -> None:
    order = order_of(written(rows(1001, COURSE_NAME)))
    told = {name: value for name, value in order.items() if value is not None}

    assert told == {
        "id": "5992405701001",
        "order_number": "1001",
        "email": "Ada@example.com",
        "financial_status": "paid",
        "total_outstanding": "0.00",
        "test": False,
        "created_at": "2025-03-01T09:00:00Z",
        "updated_at": "2025-03-01T09:00:05Z",
        "lines": [{"slug": "standard_course", "quantity": 1}],
        "paid_back": "0.00",
        **{name: order[name] for name in told if name == "disputes"},
    }


@pytest.mark.parametrize("is_repeated", [True, False])
def test_the_rows_of_an_order_are_one_order(*, is_repeated: bool) -> None:
    text = written(
        rows(1001, COURSE_NAME, SPLINT_NAME, "A gift card", is_repeated=is_repeated),
        rows(1002, SPLINT_NAME, is_repeated=is_repeated),
    )
    export = read(text)

    assert [[line["slug"] for line in order["lines"]] for order in export.orders] == [
        ["standard_course", "splint"],
        ["splint"],
    ]
    assert export.unmapped == {"A gift card": 1}


def test_two_orders_of_one_name_are_two() -> None:
    """Shopify lets a shop begin to count anew."""
    first, second = rows(1001, COURSE_NAME), rows(1001, COURSE_NAME, Id="77")

    assert [order["id"] for order in read(written(first, second)).orders] == ["5992405701001", "77"]


def test_a_mark_of_byte_order_is_no_part_of_the_first_column(tmp_path: Any) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(written(rows(1001, COURSE_NAME), bom=True), encoding="utf-8")
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert len(read_export(file, MAPPED).orders) == 1


def test_a_line_that_was_removed_is_none() -> None:
    removed = rows(1001, COURSE_NAME)
    removed[0]["Lineitem quantity"] = "0"

    assert order_of(written(removed))["lines"] == []


@pytest.mark.parametrize(
    ("name", "number"), [("#1001", "1001"), ("TH-1001-EU", "1001"), ("S2-1001", None), ("#0", None)]
)
def test_the_number_is_what_a_shop_writes_words_around(name: str, number: str | None) -> None:
    named = [row | {"Name": name} for row in rows(1, COURSE_NAME)]
    assert order_of(written(named))["order_number"] == number


def test_what_was_never_paid_is_as_of_when_it_was_made() -> None:
    pending: dict[str, Any] = {"Paid at": "", "Financial Status": "pending"}
    assert (
        order_of(written(rows(1001, COURSE_NAME, **pending)))["updated_at"]
        == "2025-03-01T09:00:00Z"
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Id": "5.99241E+12"}, "a spreadsheet has rounded its Id"),
        ({"Id": ""}, "id: Input should be an integer"),
        ({"Created at": "3/1/2025 10:00"}, "Created at: should be a time such as"),
        ({"Cancelled at": "yesterday"}, "Cancelled at: should be a time such as"),
        ({"Refunded Amount": "ten"}, "Refunded Amount: should be an amount"),
        ({"Refunded Amount": "NaN"}, "Refunded Amount: should be an amount"),
    ],
)
def test_an_order_with_a_fault_is_named_and_the_others_are_read(
    fields: dict[str, Any], reason: str
) -> None:
    export = read(written(rows(1001, COURSE_NAME, **fields), rows(1002, COURSE_NAME)))

    [(name, told)] = export.faults
    assert name == "#1001" and told.startswith(reason)
    assert [order["order_number"] for order in export.orders] == ["1002"]


def test_a_quantity_that_is_none_is_a_fault() -> None:
    odd = rows(1001, COURSE_NAME)
    odd[0]["Lineitem quantity"] = "one"
    assert read(written(odd)).faults == [("#1001", "Lineitem quantity: should be a whole number")]


def test_an_order_that_is_in_the_file_twice_counts_once() -> None:
    same = rows(1001, COURSE_NAME)
    refunded: dict[str, Any] = {"Financial Status": "refunded"}
    other = rows(1001, COURSE_NAME, **refunded)
    export = read(written(same, rows(1002, COURSE_NAME), same, rows(1003, COURSE_NAME), other))

    assert len(export.orders) == 3
    assert export.faults == [("#1001", "the file has it twice, and not the same")]


@pytest.mark.parametrize("column", ["Id", "Refunded Amount", "Lineitem name"])
def test_a_file_without_a_column_is_none_of_these(column: str) -> None:
    with pytest.raises(UnusablePayload, match=f"it has no column {column}"):
        read(written(rows(1001, COURSE_NAME), without=column))


@pytest.mark.parametrize("text", ["", "\n", "PNG\x00\x01", "Name;Email\n#1;a@example.com\n"])
def test_another_file_is_none_of_these(text: str) -> None:
    with pytest.raises(UnusablePayload):
        read(text)
