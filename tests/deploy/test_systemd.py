"""The units are valid, hardened, and start what `thetis` accepts."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.deploy.files import DEPLOY, program, said
from thetis.cli import main
from thetis.connections import CONNECTIONS
from thetis.server import GRACE_SECONDS, SPARE_FILES

UNITS = sorted((DEPLOY / "systemd").iterdir())
every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)

MOST_EXPOSURE = 1.5
"""Of 10, as `systemd-analyze security` counts. Below 2 it says "OK"."""


def started_here(unit: Path, folder: Path) -> Path:
    """The unit, with a program that is there."""
    copy = folder / unit.name
    there = Path(sys.executable).with_name("thetis")
    copy.write_text(unit.read_text().replace("/opt/thetis/bin/thetis", str(there)))
    return copy


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser


def test_there_is_one_for_the_service_and_one_for_workers() -> None:
    assert [unit.name for unit in UNITS] == ["thetis-worker@.service", "thetis.service"]


@every_unit
def test_systemd_has_nothing_to_say_about_it(unit: Path, tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")

    assert said(analyze, "verify", started_here(unit, tmp_path)) == ""
    wrong = tmp_path / "wrong.service"
    wrong.write_text(started_here(unit, tmp_path).read_text() + "\n[Service]\nProtectAll=yes\n")
    assert "ProtectAll" in said(analyze, "verify", wrong)


@every_unit
def test_it_is_hardened(unit: Path, tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    # By a name without an instance, which this command takes for no unit of a file.
    copy = tmp_path / "thetis-any.service"
    copy.write_text(started_here(unit, tmp_path).read_text())

    table = said(analyze, "security", "--offline=true", "--json=short", copy)
    exposures = [float(each["exposure"] or 0) for each in json.loads(table)]
    plain = said(analyze, "security", "--offline=true", "--no-pager", copy)
    [level] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", plain)
    assert exposures
    assert float(level) <= MOST_EXPOSURE


@every_unit
def test_its_command_is_one_that_thetis_accepts(unit: Path) -> None:
    program_, *arguments = shlex.split(read(unit)["Service"]["ExecStart"].replace("%i", "8001"))

    assert program_ == "/opt/thetis/bin/thetis"
    shown = CliRunner().invoke(main, [*arguments, "--help"])
    assert shown.exit_code == 0
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"


@every_unit
def test_it_has_the_files_and_the_time_that_the_service_needs(unit: Path) -> None:
    service = read(unit)["Service"]

    assert int(service["LimitNOFILE"]) >= CONNECTIONS + SPARE_FILES
    assert int(service["TimeoutStopSec"]) > GRACE_SECONDS


def test_both_are_hardened_alike() -> None:
    service, worker = ({**read(unit)["Service"]} for unit in reversed(UNITS))
    assert service.pop("ExecStart") != worker.pop("ExecStart")
    assert service == worker
