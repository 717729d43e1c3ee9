"""Reads an email's HTML part as a mailbox would show it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

ELSEWHERE = ("<img", "<link", "<script", "@import", "url(", "src=")
"""What would make a mailbox load something."""


class Page(HTMLParser):
    """The words that are shown, those of the hidden preheader, and the links.

    Every tag has to be closed.
    """

    _VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden: list[str] = []
        self.links: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag not in self._VOID:
            self._open.append((tag, "display: none" in (named.get("style") or "")))
        self.links += [value for value in (named.get("href"), named.get("src")) if value]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if {"style", "title"} & {tag for tag, _ in self._open}:
            return
        is_hidden = any(hidden for _, hidden in self._open)
        (self.hidden if is_hidden else self.words).extend(words(data))


def words(text: str) -> list[str]:
    """Without punctuation and the numbers of a list."""
    return re.findall(r"[\w#'&@]+", re.sub(r"^\d+\. ", "", text, flags=re.MULTILINE))


def without_links(text: str, page: Page) -> str:
    for link in page.links:
        text = text.replace(link, "")
    return text
