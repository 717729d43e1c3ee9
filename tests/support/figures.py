"""Figures of a run, shown at its end whichever process measured them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

PROPERTY = "figures"

Report = Callable[[str, Mapping[str, object]], None]
"""Called with a title and what was counted."""


def lines(title: str, counted: Mapping[str, object]) -> list[str]:
    width = max(len(name) for name in counted)
    return [title, *(f"  {name:<{width}}  {value}" for name, value in counted.items())]
