"""Puts the parts together and runs all their checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack

from thetis.doctor import asking
from thetis.doctor.addresses import AddressesPart
from thetis.doctor.auth import AuthPart
from thetis.doctor.checks import Check, Finding, Part, Result, failed, passed
from thetis.doctor.database import DatabasePart
from thetis.doctor.examination import DEADLINE_SECONDS, Examination
from thetis.doctor.knock import KnockPart
from thetis.doctor.known import Known
from thetis.doctor.live import LivePart
from thetis.doctor.resend import ResendPart
from thetis.doctor.shopify import ShopifyPart
from thetis.doctor.work import WorkPart


async def diagnose(
    known: Known, *, is_live: bool = False, deadline: float = DEADLINE_SECONDS
) -> list[Result]:
    """Everything that is found, by party."""
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(asking.client())
        database = DatabasePart(known)
        parts: list[Part] = [
            database,
            WorkPart(known, database),
            AuthPart(known, http),
            ShopifyPart(known, database),
            KnockPart(known, http),
            ResendPart(known, http),
            AddressesPart(known, http),
        ]
        if is_live:
            parts.append(LivePart(known, http, database))
        for part in parts:
            opened.push_async_callback(part.close)
        checks = [*_settings(known), *(check for part in parts for check in part.checks())]
        return await Examination(checks, known, deadline=deadline).results()


def _settings(known: Known) -> Iterator[Check]:
    """One for each that is wrong; if none is, one for all."""
    for name, words in known.faults.items():
        yield _setting(
            f"settings.{name}",
            name.upper(),
            failed(words, "docs/REFERENCE.md says what it is, deploy/.env.example where it goes"),
        )
    if not known.faults:
        yield _setting("settings.all", "settings", passed("all that `thetis serve` needs is set"))


def _setting(check_id: str, name: str, finding: Finding) -> Check:
    async def run() -> Finding:
        return finding

    return Check(id=check_id, part="Settings", name=name, run=run)
