"""What was measured, printed so that it can be pasted into docs/PERFORMANCE.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence


class Report:
    """Ratios with their goals in one table, whatever else was measured in others."""

    def __init__(self) -> None:
        self._ratios: list[tuple[str, str, str, str]] = []
        self._tables: list[str] = []

    def say(self, words: str) -> None:
        """Progress, apart from what is to be pasted."""
        print(words, file=sys.stderr, flush=True)

    def ratio(
        self, what: str, value: float, *, at_least: float = 0.0, at_most: float = 0.0
    ) -> None:
        """`at_least` or `at_most` is the goal, if there is one."""
        goal = f"≥ {at_least}" if at_least else f"≤ {at_most}" if at_most else "none"
        met = value >= at_least and (not at_most or value <= at_most)
        verdict = "" if goal == "none" else "met" if met else "NOT MET"
        self._ratios.append((what, f"{value:.2f}", goal, verdict))
        self.say(f"  {what}: {value:.2f} (goal: {goal}) {verdict}")

    def table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self._tables.append(f"### {title}\n\n{_markdown(heads, rows)}")

    def markdown(self) -> str:
        ratios = _markdown(("Ratio within one run", "Measured", "Goal", ""), self._ratios)
        return "\n\n".join(["### Ratios and goals", ratios, *self._tables])


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
