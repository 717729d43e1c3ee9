"""Each fault is found by the check that is for it, in words that say where to mend it, and no other
check fails.
"""

from __future__ import annotations

import pytest

from tests.service.doctor import faults_here, faults_of_auth, faults_there
from tests.service.doctor.faults_here import another_database
from tests.service.doctor.world import World

FAULTS = {**faults_here.FAULTS, **faults_of_auth.FAULTS, **faults_there.FAULTS}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_where_it_is(world: World, name: str) -> None:
    fault = FAULTS[name]

    with fault.planted(world):
        found = world.checks()

    told = found[fault.check]
    assert told["verdict"] == fault.verdict, told
    assert fault.words in told["words"]
    assert fault.remedy in told["remedy"]
    failing = {name for name, each in found.items() if each["verdict"] in {"fail", "warn"}}
    assert failing == {fault.check} | fault.also


def test_there_are_many() -> None:
    assert len(FAULTS) > 60


def test_a_service_on_another_database_is_found_by_a_live_webhook(world: World) -> None:
    another_database(world)
    world.environment["SUPABASE_URL"] = ""

    told = world.checks(is_live=True)["live.webhook"]

    assert told["verdict"] == "fail"
    assert "not in this database" in told["words"]
    assert "connected to another one" in told["remedy"]
