"""What a person reads, and what a program."""

from __future__ import annotations

import json

import click
import pytest

from thetis.doctor import report
from thetis.doctor.checks import Check, Finding, Result, Verdict, failed, passed, unknown, warned


async def _never() -> Finding:
    raise AssertionError


def result(part: str, name: str, finding: Finding) -> Result:
    made = Check(id=f"{part}.{name}".lower(), part=part, name=name, run=_never)
    return Result(check=made, finding=finding)


RESULTS = [
    result("Database", "reachable", passed("db.example.com:6543 answers in 12 ms")),
    result("Database", "migrations", failed("2 of 36 are missing: retention, catalogue", "push")),
    result("Database", "clock", warned("7 s ahead of the database", "push")),
    result("Knock", "workflows", unknown("KNOCK_SERVICE_TOKEN is not set", "look at Knock")),
    result("Knock", "channels", unknown("not asked, because of “workflows”", blocked_by="x")),
    result("Knock", "inbox", unknown("not asked, because of “workflows”", blocked_by="x")),
]


def text(width: int = 80, encoding: str = "utf-8") -> str:
    return click.unstyle("\n".join(report.lines(RESULTS, width=width, encoding=encoding)))


def test_it_groups_by_party_and_says_the_remedy_once_and_what_was_not_asked_in_one_line() -> None:
    assert (
        text()
        == """\
Database
  ✓ reachable               db.example.com:6543 answers in 12 ms
  ✗ migrations              2 of 36 are missing: retention, catalogue
  ! clock                   7 s ahead of the database
                            → push

Knock
  ? workflows               cannot be checked: KNOCK_SERVICE_TOKEN is not set
                            → look at Knock
  ? channels, inbox: not asked, because of “workflows”

6 checks: 1 pass, 1 warn, 1 fail, 3 cannot be checked."""
    )


@pytest.mark.parametrize("width", [20, 60, 80, 100])
def test_it_fits_the_terminal(width: int) -> None:
    longest = max(len(line) for line in text(width).splitlines() if "checks:" not in line)
    assert longest <= max(width, 60)


def test_a_terminal_without_such_signs_gets_plain_ones() -> None:
    shown = text(encoding="ascii")
    assert "  + reachable" in shown
    assert "  x migrations" in shown
    assert "-> push" in shown


def test_a_program_reads_every_check_and_the_counts() -> None:
    told = json.loads(report.as_json(RESULTS))
    assert told["summary"] == {"pass": 1, "warn": 1, "fail": 1, "cannot be checked": 3}
    assert told["checks"][1] == {
        "check": "database.migrations",
        "verdict": "fail",
        "words": "2 of 36 are missing: retention, catalogue",
        "remedy": "push",
        "blocked_by": None,
    }


def test_only_a_failure_fails() -> None:
    assert report.has_failed(RESULTS)
    assert not report.has_failed([r for r in RESULTS if r.finding.verdict is not Verdict.FAIL])
