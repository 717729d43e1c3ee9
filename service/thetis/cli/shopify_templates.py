"""Fills in shopify_templates.json.

`$name` stands for a value, and `@name` for an amount of money in two currencies. `ids` says what
each id follows from. A name that is neither a value nor an id is that of another template.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

TEMPLATES: Mapping[str, dict[str, Any]] = json.loads(
    Path(__file__).with_suffix(".json").read_text()
)


class Values(dict[str, Any]):
    """What a template may name: these values, ids that follow from them, and other templates."""

    def __missing__(self, name: str) -> Any:
        if name in TEMPLATES["ids"]:
            kind, *identifiers = TEMPLATES["ids"][name]
            return identity(kind, *(self[each] for each in identifiers))
        return self.template(name)

    def template(self, name: str) -> dict[str, Any]:
        return {field: self.fill(form) for field, form in TEMPLATES[name].items()}

    def fill(self, form: Any) -> Any:
        if isinstance(form, dict):
            return {name: self.fill(each) for name, each in form.items()}
        if isinstance(form, list):
            return [self.fill(each) for each in form]
        if not isinstance(form, str):
            return form
        if form.startswith("@"):
            return _money(self[form[1:]])
        is_whole = re.fullmatch(r"\$[a-z_]+", form)
        return self[form[1:]] if is_whole else Template(form).substitute(self)


def hashed(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def identity(*parts: object) -> int:
    """14 digits, like today's line items."""
    return 10**13 + int(hashed(*parts), 16) % (9 * 10**13)


def _money(amount: str) -> dict[str, Any]:
    """Shopify's pair of the shop's and the customer's currency, here the same one."""
    money = {"amount": amount, "currency_code": "USD"}
    return {"shop_money": money, "presentment_money": money}
