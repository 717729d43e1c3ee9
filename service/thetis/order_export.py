"""The order export of Shopify's admin: a CSV file with a row for each line of an order.

https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders

What belongs to the whole order is in its first row; in the others it is repeated or empty. A line
has a name and perhaps a SKU, and neither its own id nor that of its product: somebody has to say
which product is meant. `Refunded Amount` is money; for which line it was paid back is not told.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TextIO

from thetis.errors import UnusablePayload
from thetis.shopify import translate_order

Row = Mapping[str, str]

COLUMNS = (
    "Name",
    "Email",
    "Financial Status",
    "Created at",
    "Cancelled at",
    "Refunded Amount",
    "Lineitem quantity",
    "Lineitem name",
    "Id",
)
"""Without one of these, an order cannot be judged. Also read: `Paid at`, `Outstanding Balance` and
`Lineitem sku`."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What a file says. `orders` are elements of record_exported_orders' argument."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    """The names of orders that cannot be used, each with the reason."""
    unmapped: Counter[str] = field(default_factory=Counter)
    """The names of lines that mean no product, and how many lines have them."""


def read_export(file: TextIO, slugs: Mapping[str, str]) -> Export:
    """`slugs` says which product a line with this SKU or name is.

    Raises UnusablePayload if the file is none of these exports.
    """
    export, known = Export(), dict[str, dict[str, Any]]()
    for name, rows in _orders(_rows(file)):
        try:
            order = _order(name, rows, slugs, export.unmapped)
        except UnusablePayload as error:
            export.faults.append((name, error.reason))
            continue
        if order["id"] not in known:
            export.orders.append(order)
        elif known[order["id"]] != order:
            export.faults.append((name, "the file has it twice, and not the same"))
        known.setdefault(order["id"], order)
    if not (export.orders or export.faults):
        raise UnusablePayload("it holds no order")
    return export


def _rows(file: TextIO) -> Iterator[Row]:
    reader = csv.DictReader(file, restval="", restkey="")
    try:
        header = reader.fieldnames or ()
        if not header:
            raise UnusablePayload("it is empty")
        if missing := [column for column in COLUMNS if column not in header]:
            raise UnusablePayload(f"it has no column {', '.join(missing)}")
        yield from reader
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnusablePayload(f"it is no CSV file in UTF-8 ({error})") from None


def _orders(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each order, which stand together, with its name."""
    name, group = "", list[Row]()
    for row in rows:
        if row["Name"] not in {"", name} or (row["Id"] and group and row["Id"] != group[0]["Id"]):
            if group:
                yield name, group
            name, group = row["Name"], []
        group.append(row)
    if group:
        yield name, group


def _order(
    name: str, rows: list[Row], slugs: Mapping[str, str], unmapped: Counter[str]
) -> dict[str, Any]:
    def first(column: str) -> str:
        return next((row[column].strip() for row in rows if row.get(column, "").strip()), "")

    if "E+" in first("Id").upper():
        raise UnusablePayload("a spreadsheet has rounded its Id: use the file as Shopify made it")
    created_at = _instant("Created at", first("Created at"))
    told: dict[str, Any] = {
        "id": first("Id"),
        "order_number": _number(name),
        "email": first("Email"),
        "financial_status": first("Financial Status").lower(),
        "total_outstanding": first("Outstanding Balance"),
        "cancelled_at": _instant("Cancelled at", first("Cancelled at")),
        "created_at": created_at,
        # the only moment of which we know that what the export says was true then
        "updated_at": _instant("Paid at", first("Paid at")) or created_at,
        "line_items": [],
    }
    order = translate_order(json.dumps(told).encode())
    lines = [line for row in rows if (line := _line(row, slugs, unmapped))]
    del order["line_items"], order["refunds"]
    return {**order, "lines": lines, "paid_back": _amount(first("Refunded Amount"))}


def _line(row: Row, slugs: Mapping[str, str], unmapped: Counter[str]) -> dict[str, Any] | None:
    """One of our products; None for anything else, which is counted, and for what was removed."""
    name, sku = row["Lineitem name"].strip(), row.get("Lineitem sku", "").strip()
    if not (name or sku):
        return None
    quantity = row["Lineitem quantity"].strip()
    if not re.fullmatch("[0-9]{1,9}", quantity):
        raise UnusablePayload("Lineitem quantity: should be a whole number")
    slug = slugs.get(sku) or slugs.get(name)
    if slug is None:
        unmapped[name or sku] += 1
        return None
    return {"slug": slug, "quantity": int(quantity)} if int(quantity) else None


def _number(name: str) -> str | None:
    """What the customer knows an order by: 1001 of `#1001`, whatever a shop writes around it."""
    found = re.findall("[0-9]+", name)
    return found[0].lstrip("0") or None if len(found) == 1 else None


def _instant(column: str, text: str) -> str | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").isoformat()
    except ValueError:
        raise UnusablePayload(
            f"{column}: should be a time such as 2026-11-20 10:00:00 +0100"
        ) from None


def _amount(text: str) -> str:
    try:
        amount = Decimal(text or "0")
    except InvalidOperation:
        raise UnusablePayload("Refunded Amount: should be an amount such as 10.00") from None
    if not amount.is_finite():
        raise UnusablePayload("Refunded Amount: should be an amount such as 10.00")
    return str(amount)
