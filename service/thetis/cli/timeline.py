"""How a customer's document is shown to people: the answer first, then everything that happened."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import click

from thetis.cli import events, reasons

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How lines are shown. Without a width they are as long as they are."""

    width: int | None = None
    has_colours: bool = False

    def style(self, text: str, **how: Any) -> str:
        return click.style(text, **how) if self.has_colours else text

    def wrap(self, text: str, *, first: str = "", indent: int = 0) -> str:
        """`first`, and then the text beside it."""
        if self.width is None:
            return first + text
        return textwrap.fill(
            text,
            max(self.width, indent + 20),
            initial_indent=first,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def look() -> Look:
    """That of a terminal, or a plain one for a pipe."""
    if not sys.stdout.isatty():
        return Look()
    return Look(
        width=shutil.get_terminal_size().columns, has_colours=not os.environ.get("NO_COLOR")
    )


def lines(document: Document, look: Look) -> Iterator[str]:
    if document["found_by"] is None:
        yield f"nobody is known by {plain(document['query'])}"
    elif not document["answer"]:
        yield "no: nothing was bought, as far as Shopify has told"
    yield from _answer(document, look)
    if document["accounts"]:
        yield ""
        yield look.style("Accounts", bold=True)
        for account in document["accounts"]:
            yield look.wrap(plain(events.account(account)), first="  ", indent=4)
    if any(document[kind] for kind in ("accounts", "orders", "purchases", "rejected")):
        yield ""
        yield look.style("Time line, in UTC", bold=True)
        yield from _events(events.events(document), look)
    yield from _near_misses(document, look)


def _answer(document: Document, look: Look) -> Iterator[str]:
    orders = {each["id"]: each["shopify_order_id"] for each in document["purchases"]}
    announced = {
        each["shopify_order_id"] for each in document["messages"] if each["kind"] == "course_access"
    }
    asked = document["addresses"][0] if len(document["addresses"]) == 1 else ""
    width = max((len(plain(each["product"])) for each in document["answer"]), default=0)
    for each in document["answer"]:
        product = f"{plain(each['product']):{width}}  "
        words = look.wrap(plain(reasons.why(each)), first=product, indent=width + 2)
        bold = look.style(words[:width], bold=True)
        colour = "green" if each["has_access"] else "red"
        yield bold + look.style(words[width:], fg=colour)
        order_id = orders.get(each["purchase_id"]) or ""
        steps = reasons.next_steps(
            each, order_id=order_id, is_announced=order_id in announced, asked=asked
        )
        for step in steps:
            yield look.wrap(plain(step.words), first="  ", indent=2)
            if step.command:
                yield f"    {command(*step.command)}"


def _events(told: list[events.Event], look: Look) -> Iterator[str]:
    """What happens again and again, such as a look, is told once."""
    for words, group in groupby(told, key=lambda event: event.words):
        same = list(group)
        first = f"  {same[0].when}  "
        often = f" ({len(same)} times)" if len(same) > 1 else ""
        line = look.wrap(plain(words + often), first=first, indent=len(first))
        yield look.style(line[: len(first)], dim=True) + line[len(first) :]


def _near_misses(document: Document, look: Look) -> Iterator[str]:
    near = document["near_misses"]
    if near["addresses"] or near["orders"]:
        yield ""
        yield look.style("Did you mean:", bold=True)
        for name in (*near["addresses"], *near["orders"]):
            yield f"  {command('thetis', 'customer', 'show', name)}"


def command(*words: str) -> str:
    """One that can be pasted into a shell, whatever a customer called themselves."""
    return shlex.join(plain(word) for word in words)


def plain(text: str) -> str:
    """On one line and without anything that a terminal obeys: much of it comes from outside."""
    return "".join(each if each.isprintable() else "�" for each in " ".join(text.split()))
