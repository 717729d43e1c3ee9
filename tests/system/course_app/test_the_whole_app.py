"""The course app of examples/: what it is made of, and what a browser gets to load."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.database import Database
from tests.support.docs import document
from tests.system.course_app.apps import COURSE_APP, MODULES
from thetis.cli import acting, events, reasons

INSTALLED = COURSE_APP / "node_modules"
FIRST_LOAD_KB = 200
SETTINGS = {"VITE_SUPABASE_URL": "https://api.example.com", "VITE_SUPABASE_KEY": "sb_publishable_x"}

needs_its_packages = pytest.mark.skipif(
    not (shutil.which("node") and (INSTALLED / ".bin/vite").exists()),
    reason="the course app's packages are not there: `npm ci --prefix examples/course-app`",
)


def read_json(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text()))


def source(name: str) -> str:
    return (COURSE_APP / "src" / name).read_text()


def sources() -> list[Path]:
    """All that is written by hand."""
    found = [*COURSE_APP.glob("src/**/*.*"), *COURSE_APP.glob("next/*.ts")]
    return [file for file in found if file.name != "database.types.ts"]


def program(name: str, *options: str | Path, **environment: str) -> None:
    run = subprocess.run(
        [INSTALLED / ".bin" / name, *options],
        cwd=COURSE_APP,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@needs_its_packages
def test_the_app_and_the_route_handler_satisfy_strict_typescript() -> None:
    options = read_json(COURSE_APP / "tsconfig.json")["compilerOptions"]
    assert options["strict"]
    assert options["noUncheckedIndexedAccess"]
    program("tsc", "--noEmit")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    program("vite", "build", "--outDir", folder, "--emptyOutDir", **SETTINGS)
    return folder


@needs_its_packages
def test_the_first_load_is_small(built: Path) -> None:
    loaded = [file for file in built.rglob("*") if file.suffix in {".html", ".js", ".css"}]
    assert {file.suffix for file in loaded} == {".html", ".js", ".css"}

    kilobytes = sum(len(gzip.compress(file.read_bytes())) for file in loaded) / 1000

    assert kilobytes <= FIRST_LOAD_KB


@needs_its_packages
def test_a_browser_loads_nothing_from_elsewhere(built: Path) -> None:
    page = (built / "index.html").read_text()

    assert re.findall(r'(?:src|href)="(?!/)', page) == []
    styles = "".join(file.read_text() for file in built.rglob("*.css"))
    assert re.findall(r"@import|url\((?!data:)", styles) == []


def test_every_file_is_short() -> None:
    assert len(sources()) > 30
    lengths = {file.name: len(file.read_text().splitlines()) for file in sources()}

    assert {name: length for name, length in lengths.items() if length >= 250} == {}


def test_every_version_is_exact_and_that_of_the_checkout() -> None:
    package = read_json(COURSE_APP / "package.json")
    versions = package["dependencies"] | package["devDependencies"]
    ours = read_json(MODULES.parent / "package.json")["devDependencies"]

    assert [
        name for name, version in versions.items() if not re.fullmatch(r"[\d.]+", version)
    ] == []
    assert {name: ours[name] for name in versions.keys() & ours.keys()}.items() <= versions.items()


def test_the_lock_file_names_no_registry() -> None:
    lock = read_json(COURSE_APP / "package-lock.json")

    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in each and "resolved" not in each for each in packages.values())


def test_the_page_names_every_setting_and_every_path() -> None:
    page = document("examples/course-app/README.md").text
    settings = set(re.findall(r"VITE_\w+", source("vite-env.d.ts")))

    assert settings == set(re.findall(r"VITE_\w+", page))
    for path in re.findall(r"case '(/[^']*)'", source("App.tsx")):
        assert f"| `{path}` |" in page


def union(text: str, name: str) -> set[str]:
    """The strings that a TypeScript type of this name may be."""
    declared = re.search(rf"^export type {name} =([^\n]*(?:\n  \|[^\n]*)*)", text, re.MULTILINE)
    assert declared, name
    return set(re.findall(r"'([^']+)'", declared[1]))


def test_courses_and_statuses_are_those_of_the_database(database: Database) -> None:
    purchases = source("thetis/purchases.ts")
    courses = database.rows("select slug from public.products where category = 'course'")
    check = database.value(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where contype = 'c' and conrelid = 'public.purchases'::regclass"
        " and pg_get_constraintdef(oid) ~ 'status'"
    )

    assert {f"{each}_course" for each in union(purchases, "CourseType")} == {
        row["slug"] for row in courses
    }
    assert union(purchases, "PurchaseStatus") == set(re.findall(r"'(\w+)'", check))


def test_the_support_desk_knows_every_reason_act_and_message_that_the_commands_know() -> None:
    words = source("support/words.ts")
    assert union(source("thetis/support.ts"), "Reason") == set(reasons.WORDS)
    for name in (*acting.DONE, *events.LOOKS, *acting.MESSAGES):
        assert re.search(rf"^  {name}:", words, re.MULTILINE), name
