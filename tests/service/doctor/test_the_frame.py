"""Checks run at the same time, each after those it builds on; none hangs, none hides another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from thetis.doctor.asking import NoAnswer
from thetis.doctor.checks import Check, Finding, Verdict, failed, passed, unknown, warned
from thetis.doctor.examination import Examination
from thetis.doctor.known import Known

REQUIRED = {
    "DATABASE_URL": "postgresql://localhost/postgres",
    "KNOCK_API_KEY": "sk_made_up",
    "RESEND_API_KEY": "re_made_up",
    "EMAIL_FROM": "Courses <courses@example.com>",
    "SHOP_NAME": "The shop",
    "SUPPORT_EMAIL": "help@example.com",
    "COURSE_APP_URL": "https://learn.example.com",
    "SHOPIFY_WEBHOOK_SECRETS": "one,two",
}


def known(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Known:
    for name, value in {**REQUIRED, **changes}.items():
        monkeypatch.setenv(name, value)
    return Known()


def check(name: str, run: Callable[[], Awaitable[Finding]], **more: Any) -> Check:
    return Check(id=name, part="Part", name=name, run=run, **more)


def finding(found: Finding) -> Callable[[], Awaitable[Finding]]:
    async def run() -> Finding:
        return found

    return run


def examined(*checks: Check, known: Known, deadline: float = 5.0) -> dict[str, Finding]:
    results = asyncio.run(Examination(checks, known, deadline=deadline).results())
    return {result.check.id: result.finding for result in results}


def test_a_check_that_hangs_is_given_up_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hang() -> Finding:
        while True:  # and does not take a cancellation for an end
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0.2)
                raise

    started = time.monotonic()
    found = examined(
        check("hangs", hang),
        check("is fine", finding(passed("yes"))),
        known=known(monkeypatch),
        deadline=0.1,
    )
    assert time.monotonic() - started < 2
    assert (found["hangs"].verdict, found["hangs"].words) == (
        Verdict.FAIL,
        "no answer within 0.1 s",
    )
    assert found["is fine"].verdict is Verdict.PASS


def test_checks_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Barrier(3)

    async def meet() -> Finding:
        await gate.wait()
        return passed("met")

    found = examined(*(check(str(n), meet) for n in range(3)), known=known(monkeypatch))
    assert {each.verdict for each in found.values()} == {Verdict.PASS}


@pytest.mark.parametrize("before", [failed("no"), unknown("perhaps")])
def test_what_builds_on_a_fault_is_not_asked_and_names_its_root(
    monkeypatch: pytest.MonkeyPatch, before: Finding
) -> None:
    async def never() -> Finding:
        raise AssertionError

    found = examined(
        check("first", finding(before)),
        check("second", never, after=("first",)),
        check("third", never, after=("second",)),
        known=known(monkeypatch),
    )
    for name in ("second", "third"):
        assert found[name].verdict is Verdict.UNKNOWN
        assert found[name].blocked_by == "first"
        assert found[name].words == "not asked, because of “first”"


def test_after_a_warning_the_next_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = examined(
        check("first", finding(warned("well"))),
        check("second", finding(passed("yes")), after=("first",)),
        known=known(monkeypatch),
    )
    assert found["second"].verdict is Verdict.PASS


def test_a_fault_of_the_check_itself_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stumble() -> Finding:
        nothing: dict[str, str] = {}
        return passed(nothing["no such key"])

    async def ask() -> Finding:
        raise NoAnswer("api.example.com does not answer")

    found = examined(check("stumbles", stumble), check("asks", ask), known=known(monkeypatch))
    assert found["stumbles"].verdict is Verdict.UNKNOWN
    assert "the check itself failed: KeyError" in found["stumbles"].words
    assert found["asks"] == failed("api.example.com does not answer")


def test_without_its_setting_a_check_tells_what_a_person_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = finding(passed("yes"))
    found = examined(
        check("a", run, settings=("knock_service_token",), by_hand="look there", remedy="no"),
        check("b", run, settings=("email_from",), by_hand="look there"),
        known=known(monkeypatch, EMAIL_FROM="nobody"),
    )
    assert found["a"].words == "KNOCK_SERVICE_TOKEN is not set"
    assert found["a"].remedy == "look there"
    assert found["b"].words == "not asked, because EMAIL_FROM is missing or wrong"
    assert found["b"].blocked_by == "settings.email_from"


def test_settings_that_are_right_are_known_beside_one_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = known(monkeypatch, SUPPORT_EMAIL="nobody", DATABASE_TIMEOUT_SECONDS="2.5")
    assert settings.faults == {"support_email": "must be an address, such as help@example.com"}
    assert settings.missing("support_email", "knock_api_key", "supabase_url") == [
        "support_email",
        "supabase_url",
    ]
    assert settings.text("database_url") == REQUIRED["DATABASE_URL"]
    assert settings.texts("shopify_webhook_secrets") == ["one", "two"]
    assert settings.texts("resend_webhook_secrets") == []
    assert settings.seconds("database_timeout_seconds") == 2.5
    assert settings.seconds("backlog_limit_seconds") == 900.0
    assert settings.text("knock_base_url") == "https://api.knock.app"


def test_a_number_that_is_wrong_leaves_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = known(monkeypatch, DATABASE_TIMEOUT_SECONDS="soon")
    assert settings.faults.keys() == {"database_timeout_seconds"}
    assert settings.seconds("database_timeout_seconds") == 4.0
