"""The files that a deployer copies, and the programs that validate them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from thetis.doctor.settings import DoctorSettings
from thetis.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NODE_MODULES = ROOT / "node_modules"

REQUIRED = {
    name.upper() for name, each in ServiceSettings.model_fields.items() if each.is_required()
}
SETTINGS = {name.upper() for name in DoctorSettings.model_fields}


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def program(name: str, package: str) -> str:
    """Where a validator is; the test is skipped where it cannot be had."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there: Debian has it in the package {package}")
    return found


def npm_package(name: str) -> Path:
    folder = NODE_MODULES / name
    if not folder.exists():
        pytest.skip(f"the npm package {name} is not there: npm is not installed")
    return folder


def said(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command that succeeds says, on both of its outputs."""
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One of a Dockerfile, such as `RUN make`."""

    name: str
    words: str


def dockerfile() -> list[list[Instruction]]:
    """Its stages, each beginning with FROM."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stages: list[list[Instruction]] = []
    for line in joined.splitlines():
        name, _, words = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append(Instruction(name=name, words=words.strip()))
    return stages


def only(stage: list[Instruction], name: str) -> str:
    [words] = [each.words for each in stage if each.name == name]
    return words
