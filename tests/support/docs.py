"""Reads the documentation: what it names, shows and links to."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Section:
    """From a heading to the next of the same level or above."""

    level: int
    title: str
    text: str


@dataclass(frozen=True)
class Document:
    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """Everything but the code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        return blocks(self.text, *languages)

    def spans(self) -> list[str]:
        """What stands between backticks in the prose, on one line each."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        """The fragments that links may name, as GitHub makes them."""
        return {_slug(title) for _, title in _HEADING.findall(self.prose)}

    def sections(self) -> list[Section]:
        text = self.text
        headings = [
            match for match in _HEADING.finditer(text) if not _in_a_block(text, match.start())
        ]
        return [
            Section(
                level=len(heading[1]),
                title=heading[2],
                text=text[heading.end() : _end(heading, headings, text)],
            )
            for heading in headings
        ]

    def section(self, title: str) -> str:
        [found] = [each.text for each in self.sections() if each.title == title]
        return found


def blocks(text: str, *languages: str) -> list[str]:
    """The code blocks in these languages; of any when none is given."""
    return [code for name, code in _FENCE.findall(text) if name in languages or not languages]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in this text, without their heads."""
    found: list[list[str]] = []
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in table.splitlines()]
        found += [[cell.strip() for cell in row] for row in cells[2:]]
    return found


def code(cell: str) -> list[str]:
    """What stands between backticks in a cell."""
    return _SPAN.findall(cell)


def named(text: str) -> list[str]:
    """What the first column of the tables in this text names, between backticks."""
    return [span for row in rows(text) for span in code(row[0])]


@functools.cache
def documents() -> list[Document]:
    """Every Markdown file of the checkout that is ours: not of what was installed into it."""
    found = (path for path in ROOT.rglob("*.md") if not _is_installed(path.relative_to(ROOT)))
    return [Document(path) for path in sorted(found)]


def _is_installed(path: Path) -> bool:
    return any(re.match(r"\.|node_modules$", part) for part in path.parts)


def document(name: str) -> Document:
    return Document(ROOT / name)


def _slug(title: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", title.replace("`", "").lower())
    return kept.replace(" ", "-")


def _in_a_block(text: str, position: int) -> bool:
    return any(block.start() < position < block.end() for block in _FENCE.finditer(text))


def _end(heading: re.Match[str], headings: list[re.Match[str]], text: str) -> int:
    later = (each for each in headings if each.start() > heading.start())
    return next((each.start() for each in later if len(each[1]) <= len(heading[1])), len(text))
