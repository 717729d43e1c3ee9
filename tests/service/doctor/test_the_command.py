"""`thetis doctor` as a process."""

from __future__ import annotations

import json

import pytest

from tests.service.doctor.world import World
from tests.support.program import thetis

SECRETS = ("KEY", "SECRET", "SECRETS", "TOKEN")


def test_it_exits_with_0_where_nothing_fails_and_prints_each_party(world: World) -> None:
    world.environment["TEST_ORDERS"] = "grant"  # a warning is no failure

    told = world.command()

    assert (told.returncode, told.stderr) == (0, "")
    for part in ("Settings", "Database", "At work", "Auth", "Shopify", "Knock", "Resend"):
        assert f"{part}\n  " in told.stdout
    assert ", 1 warn, 0 fail, 0 cannot be checked." in told.stdout


def test_it_exits_with_1_where_something_fails_and_a_program_reads_what(world: World) -> None:
    world.auth["mailer_autoconfirm"] = True

    told = world.command("--json")

    assert (told.returncode, told.stderr) == (1, "")
    found = json.loads(told.stdout)
    assert found["summary"]["fail"] == 1
    assert [each["check"] for each in found["checks"] if each["verdict"] == "fail"] == [
        "auth.confirmation"
    ]


def test_without_any_setting_it_says_what_is_missing_and_does_not_crash() -> None:
    told = thetis("doctor")

    assert (told.returncode, told.stderr) == (1, "")
    assert "✗ KNOCK_API_KEY" in told.stdout
    assert "the check itself failed" not in told.stdout


@pytest.mark.parametrize("is_right", [True, False])
def test_it_tells_no_secret_and_no_customer(world: World, *, is_right: bool) -> None:
    secrets = [
        value for name, value in world.environment.items() if name.rpartition("_")[2] in SECRETS
    ]
    if not is_right:
        for name in world.environment:
            if name.rpartition("_")[2] in SECRETS and "WEBHOOK" not in name:
                world.environment[name] += "-of-another"
    world.accounts.suppress("ada@example.com", "bounce", "2026-11-26T10:00:00Z")

    told = world.command("--live").stdout

    assert not [secret for secret in secrets if secret in told]
    assert "ada@example.com" not in told
