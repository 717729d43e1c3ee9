"""The values in Shopify's bodies, each one that Postgres can hold; see thetis.shopify."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")


def _digits(value: object) -> str:
    """An id as text, so that nothing between here and Postgres can make it a float.

    Shopify's own test notification has ids of 18 digits, far above 2^53; a bigint holds them.
    """
    if type(value) is int and 0 < value < 2**63:
        return str(value)
    if isinstance(value, str) and len(value) <= 19 and value.isascii() and value.isdigit():
        return _digits(int(value))
    raise PydanticCustomError("shopify_id", "Input should be an integer from 1 to 2^63 - 1")


def _instant(value: object) -> datetime:
    """A moment, in UTC: ISO 8601 allows offsets that Postgres refuses."""
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise PydanticCustomError(
            "instant", "Input should be an ISO 8601 time with an offset, in the years 1 to 9999"
        ) from None


def _usable_address(value: object) -> str | None:
    """An address as Shopify sent it, or None for anything that no mail can be sent to.

    `email`, `contact_email` and `customer.email` may each be absent, null, "" or different from
    the others, so junk in one of them must not cost the order. SQL trims, lowers and chooses.
    """
    if not isinstance(value, str) or len(value) > 320:
        return None
    text = value.strip(" \t\r\n")
    return value if "@" in text[1:-1] and " " not in text and text.isprintable() else None


def _amount(value: object) -> str | None:
    """An amount of money as a decimal number in text, or None for anything else.

    Shopify sends text, and some old payloads lack the field: the amount must not cost the order.
    """
    is_number = (type(value) is int and abs(value) < 10**15) or type(value) is float
    text = str(value) if is_number else value
    return text if isinstance(text, str) and _AMOUNT.fullmatch(text) else None


Id = Annotated[str, BeforeValidator(_digits)]
Address = Annotated[str | None, BeforeValidator(_usable_address)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Amount = Annotated[str | None, BeforeValidator(_amount)]
Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]
Quantity = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Text = Annotated[str, Field(strict=True, max_length=100, pattern=r"^[^\x00]*$")]
Word = Annotated[Text, AfterValidator(str.lower)]
"""A name of one of Shopify's own values, which one API writes large and another small."""
