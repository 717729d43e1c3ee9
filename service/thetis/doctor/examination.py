"""Runs checks: all at the same time, but each after those that it builds on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from thetis.doctor.asking import NoAnswer
from thetis.doctor.checks import Check, Finding, Found, Result, failed, unknown
from thetis.doctor.known import Known
from thetis.errors import DatabaseError, ThetisError
from thetis.logs import where

DEADLINE_SECONDS = 20.0
"""For one check. What it asks has shorter deadlines of its own."""


class Examination:
    """One run of all checks."""

    def __init__(self, checks: Sequence[Check], known: Known, *, deadline: float) -> None:
        self._known = known
        self._deadline = deadline
        self._checks = {check.id: check for check in checks}
        self._running: Mapping[str, asyncio.Task[Finding]] = {}

    async def results(self) -> list[Result]:
        """One for each check, in their order."""
        self._running = {
            check.id: asyncio.create_task(self._examine(check)) for check in self._checks.values()
        }
        return [
            Result(check=check, finding=check.complete(await self._running[check.id]))
            for check in self._checks.values()
        ]

    async def _examine(self, check: Check) -> Finding:
        for earlier in check.after:
            finding = await self._running[earlier]
            if not finding.verdict.is_good_enough:
                return self._blocked(check, self._checks[earlier], finding)
        if missing := self._known.missing(*check.settings):
            return self._without(missing)
        return await self._in_time(check)

    def _blocked(self, check: Check, earlier: Check, finding: Finding) -> Finding:
        """By what blocked the earlier one, if something did: the root is what has to be mended."""
        if finding.blocked_by is not None:
            return unknown(finding.words, blocked_by=finding.blocked_by)
        part = "" if earlier.part == check.part else f"{earlier.part}, "
        return unknown(f"not asked, because of “{part}{earlier.name}”", blocked_by=earlier.id)

    def _without(self, missing: Sequence[str]) -> Finding:
        wrong = [name for name in missing if name in self._known.faults]
        names = [name.upper() for name in wrong or missing]
        words = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
        if not wrong:
            return unknown(f"{words} not set")
        return unknown(
            f"not asked, because {words} missing or wrong", blocked_by=_setting(wrong[0])
        )

    async def _in_time(self, check: Check) -> Finding:
        """A check that hangs is left behind: to cancel it may take as long."""
        asked = asyncio.ensure_future(_found(check))
        done, _ = await asyncio.wait({asked}, timeout=self._deadline)
        if done:
            return asked.result()
        asked.cancel()
        return failed(f"no answer within {self._deadline:g} s")


def _setting(name: str) -> str:
    """The id of the check that tells what is wrong with a setting."""
    return f"settings.{name}"


async def _found(check: Check) -> Finding:
    try:
        return await check.run()
    except Found as found:
        return found.finding
    except NoAnswer as error:
        return failed(str(error))
    except DatabaseError as error:
        return failed(f"the database did not answer: {error}")
    except ThetisError as error:
        return failed(str(error))
    except Exception as error:
        # A fault of ours in one check must not hide what the others find.
        return unknown(f"the check itself failed: {type(error).__name__} in {where(error)}")
