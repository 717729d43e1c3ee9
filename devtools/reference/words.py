"""The words of the page that nobody says in code, and what is missing of all its words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


class Words:
    """What words.toml says, and which of it was asked for."""

    def __init__(self, file: Path) -> None:
        self._words: dict[str, dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8"))
        self._left = {(kind, name) for kind, words in self._words.items() for name in words}
        self._missing: list[tuple[str, str]] = []

    def of(self, kind: str, name: str) -> Any:
        self._left.discard((kind, name))
        if name not in self._words[kind]:
            self._missing.append((f"[{kind}]", name))
        return self._words[kind].get(name, "")

    def expect(self, name: str, words: str | None) -> str:
        """Words that stand beside what they are about, fit for the cell of a table."""
        if not words:
            self._missing.append(("its own place", name))
        return (words or "").replace("|", "\\|")

    def faults(self) -> list[str]:
        """What is not described, and descriptions of what is not there."""
        return [f"{name} has no words: {place}" for place, name in self._missing] + [
            f"{name} does not exist, but has words: [{kind}]" for kind, name in sorted(self._left)
        ]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()) for cell in row) + " |" for row in cells
    )


def span(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


def described(kind: str, names: Iterable[str], words: Words, head: str = "Route") -> str:
    return table((head, "Meaning"), [(span(name), words.of(kind, name)) for name in names])
