"""deploy/.env.example names every setting, and starts the service once it is filled in."""

from __future__ import annotations

import re

import pytest

from devtools.reference.environment import FILE, environment
from tests.deploy.files import REQUIRED, SETTINGS
from tests.support.service import NOWHERE, settings
from thetis.errors import SettingsError
from thetis.settings import ServiceSettings, load

LINES = FILE.read_text(encoding="utf-8").splitlines()
ASSIGNED = dict(line.split("=", 1) for line in LINES if line and not line.startswith("#"))
SUGGESTED = dict(re.findall(r"^# ([A-Z][A-Z_]*)=(.*)$", "\n".join(LINES), re.MULTILINE))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_the_file_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == environment(), "make reference"


def test_it_names_every_setting_once_and_nothing_else() -> None:
    assert ASSIGNED.keys() | SUGGESTED.keys() == SETTINGS
    assert ASSIGNED.keys() & SUGGESTED.keys() == set()


def test_what_is_required_waits_for_a_value_and_has_none() -> None:
    assert ASSIGNED.keys() >= REQUIRED
    assert set(ASSIGNED.values()) == {""}


def test_as_it_is_the_service_does_not_start_and_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ASSIGNED.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as told:
        load(ServiceSettings)
    for name in REQUIRED:
        assert f"{name}: is not set" in str(told.value)


def test_filled_in_and_with_every_suggestion_taken_it_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled = settings("https://api.example.com", database_url=NOWHERE)
    plain = load(ServiceSettings, **filled)
    for name, value in SUGGESTED.items():
        monkeypatch.setenv(name, value)

    assert load(ServiceSettings, **filled).model_dump() == plain.model_dump()


def test_docker_compose_and_systemd_read_it_alike() -> None:
    """No quotes, no continuation, no comment behind a value."""
    for line in LINES:
        assert re.fullmatch(r"|#.*|[A-Z_]+=", line), line
        assert not line.endswith("\\")
