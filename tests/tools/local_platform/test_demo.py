"""`thetis-dev demo` tells its story to the end, and checks it."""

from __future__ import annotations

from tests.support.program import thetis_dev


def test_every_claim_of_the_demo_holds() -> None:
    told = thetis_dev("demo")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "✗" not in told.stdout and told.stdout.count("✓") > 15
    assert "All of it was checked" in told.stdout
    assert told.stderr == ""
