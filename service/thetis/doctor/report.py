"""What was found, for a person at a terminal and for a program."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest

import click

from thetis.doctor.checks import Result, Verdict

MARKS = {Verdict.PASS: "✓", Verdict.WARN: "!", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?"}
PLAIN_MARKS = {Verdict.PASS: "+", Verdict.WARN: "!", Verdict.FAIL: "x", Verdict.UNKNOWN: "?"}
COLORS = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "red",
    Verdict.UNKNOWN: "cyan",
}
NAME_WIDTH = 23


def has_failed(results: Sequence[Result]) -> bool:
    return any(result.finding.verdict is Verdict.FAIL for result in results)


def as_json(results: Sequence[Result]) -> str:
    """One object: how many of which, and each check."""
    counts = Counter(result.finding.verdict for result in results)
    checks = [
        {
            "check": result.check.id,
            "verdict": result.finding.verdict,
            "words": result.finding.words,
            "remedy": result.finding.remedy,
            "blocked_by": result.finding.blocked_by,
        }
        for result in results
    ]
    summary = {verdict: counts[verdict] for verdict in Verdict}
    return json.dumps({"summary": summary, "checks": checks}, indent=2, ensure_ascii=False)


def lines(results: Sequence[Result], *, width: int, encoding: str) -> Iterator[str]:
    """By party: what was found, and under it what to do. With colours; `click.echo` takes them away
    where nobody sees them.
    """
    marks = MARKS if _can_write(MARKS.values(), encoding) else PLAIN_MARKS
    for part, group in groupby(results, key=lambda result: result.check.part):
        found = list(group)
        yield click.style(part, bold=True)
        shown = [result for result in found if not _is_folded(result)]
        for result, following in zip_longest(shown, shown[1:]):
            yield from _shown(result, marks, width)
            remedy = result.finding.remedy
            if remedy and (following is None or following.finding.remedy != remedy):
                yield from _remedy(result, marks, width)
        yield from _folded([result for result in found if _is_folded(result)], marks, width)
        yield ""
    yield _summary(results)


def _can_write(marks: object, encoding: str) -> bool:
    try:
        str(marks).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _shown(result: Result, marks: dict[Verdict, str], width: int) -> Iterator[str]:
    finding = result.finding
    mark = click.style(marks[finding.verdict], fg=COLORS[finding.verdict])
    words = finding.words
    if finding.verdict is Verdict.UNKNOWN:
        words = f"cannot be checked: {words}"
    head, *rest = _wrapped(words, width)
    yield f"  {mark} {result.check.name.ljust(NAME_WIDTH)} {head}"
    yield from (f"{_indent()}{line}" for line in rest)


def _remedy(result: Result, marks: dict[Verdict, str], width: int) -> Iterator[str]:
    finding = result.finding
    arrow = click.style("→" if marks is MARKS else "->", fg=COLORS[finding.verdict])
    first, *more = _wrapped(finding.remedy or "", width - 3)
    yield f"{_indent()}{arrow} {first}"
    yield from (f"{_indent()}   {line}" for line in more)


def _is_folded(result: Result) -> bool:
    """What could not be asked for want of another check says nothing that this one does not."""
    return result.finding.blocked_by is not None


def _folded(results: Sequence[Result], marks: dict[Verdict, str], width: int) -> Iterator[str]:
    for reason, group in groupby(
        sorted(results, key=lambda result: result.finding.words), lambda each: each.finding.words
    ):
        names = ", ".join(result.check.name for result in group)
        mark = click.style(marks[Verdict.UNKNOWN], fg=COLORS[Verdict.UNKNOWN])
        for number, line in enumerate(_wrapped(f"{names}: {reason}", width + NAME_WIDTH)):
            yield f"  {mark} {line}" if number == 0 else f"    {line}"


def _indent() -> str:
    return " " * (NAME_WIDTH + 5)


def _wrapped(words: str, width: int) -> list[str]:
    room = max(width - NAME_WIDTH - 5, 30)
    return textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]


def _summary(results: Sequence[Result]) -> str:
    counts = Counter(result.finding.verdict for result in results)
    told = ", ".join(
        click.style(f"{counts[verdict]} {words}", fg=COLORS[verdict] if counts[verdict] else None)
        for verdict, words in (
            (Verdict.PASS, "pass"),
            (Verdict.WARN, "warn"),
            (Verdict.FAIL, "fail"),
            (Verdict.UNKNOWN, "cannot be checked"),
        )
    )
    return f"{len(results)} checks: {told}."
