"""Files as Shopify's admin exports them: every column, in its order, a row for each line."""

from __future__ import annotations

import csv
import io
from typing import Any

HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,"
    "Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,"
    "Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,"
    "Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,"
    "Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,"
    "Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,"
    "Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,"
    "Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,"
    "Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,"
    "Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,"
    "Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,"
    "Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,"
    "Next Payment Due At,Payment References"
)

COURSE_NAME, SPLINT_NAME = "Standard Course - English", 'Splint, "large"'
MAPPED = {COURSE_NAME: "standard_course", "SPL-1": "splint"}


def rows(number: int, *names: str, is_repeated: bool = True, **fields: Any) -> list[dict[str, Any]]:
    """An order that was paid long ago. Its name and address are repeated in each row, or not."""
    whole = {
        "Financial Status": "paid",
        "Paid at": "2025-03-01 10:00:05 +0100",
        "Currency": "USD",
        "Created at": "2025-03-01 10:00:00 +0100",
        "Payment Method": "Shopify Payments",
        "Refunded Amount": "0.00",
        "Outstanding Balance": "0.00",
        "Id": str(5992405700000 + number),
        "Notes": "line one\nline two",
    }
    repeated = {"Name": f"#{number}", "Email": "Ada@example.com"}
    line = [
        {
            "Lineitem quantity": "1",
            "Lineitem name": name,
            "Lineitem sku": "SPL-1" if name == SPLINT_NAME else "",
            "Lineitem price": "10.00",
            "Vendor": "The shop",
        }
        for name in names
    ]
    return [
        (repeated | (whole | fields if not place else {}) if is_repeated or not place else {})
        | each
        for place, each in enumerate(line)
    ]


def written(*orders: list[dict[str, Any]], without: str = "", bom: bool = False) -> str:
    text = io.StringIO()
    columns = [column for column in HEADER.split(",") if column != without]
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    for order in orders:
        writer.writerows(order)
    return ("\ufeff" if bom else "") + text.getvalue()
