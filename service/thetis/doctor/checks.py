"""What a check is, and what it may find."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "cannot be checked"

    @property
    def is_good_enough(self) -> bool:
        """For the checks that build on this one."""
        return self in {Verdict.PASS, Verdict.WARN}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found, in words without secrets and addresses of persons, and what to do about it.

    `blocked_by` is the check without which this one could not run.
    """

    verdict: Verdict
    words: str
    remedy: str | None = None
    blocked_by: str | None = None


def passed(words: str) -> Finding:
    return Finding(verdict=Verdict.PASS, words=words)


def warned(words: str, remedy: str | None = None) -> Finding:
    return Finding(verdict=Verdict.WARN, words=words, remedy=remedy)


def failed(words: str, remedy: str | None = None) -> Finding:
    return Finding(verdict=Verdict.FAIL, words=words, remedy=remedy)


def unknown(words: str, remedy: str | None = None, *, blocked_by: str | None = None) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, words=words, remedy=remedy, blocked_by=blocked_by)


class Found(Exception):
    """Ends a check from deep within it, with what it found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.words)
        self.finding = finding


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question about the set-up.

    `settings`  what it cannot be asked without: else it cannot be checked
    `after`     checks that have to come out well before, by their ids
    `remedy`    where a fault is mended, unless the finding says better
    `by_hand`   how a person finds it out, where this cannot be checked
    """

    id: str
    part: str
    name: str
    run: Callable[[], Awaitable[Finding]]
    settings: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    remedy: str | None = None
    by_hand: str | None = None

    def complete(self, finding: Finding) -> Finding:
        """The finding, with this check's remedy where it has none of its own."""
        if finding.remedy or finding.verdict is Verdict.PASS:
            return finding
        is_unknown = finding.verdict is Verdict.UNKNOWN
        return replace(finding, remedy=self.by_hand if is_unknown else self.remedy)


@dataclass(frozen=True, kw_only=True)
class Result:
    check: Check
    finding: Finding


class Part(Protocol):
    """One party of the set-up. What one of its checks learns, later ones may use."""

    def checks(self) -> tuple[Check, ...]: ...

    async def close(self) -> None: ...
