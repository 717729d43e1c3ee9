"""What the wheel ships is enough: it is installed alone, with the locked dependencies beside it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import httpx
import pytest

from tests.support.program import ROOT
from tests.support.service import NO_TLS, eventually, settings
from thetis.cli import main


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with our wheel and, of all packages here, only those it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    _build(folder)
    venv.create(folder / "venv", symlinks=True)
    packages = folder / "venv/lib" / f"python3.{sys.version_info.minor}/site-packages"
    [wheel] = folder.glob("thetis-*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--target", packages, wheel], check=True)
    for name in _locked():
        _link(name, packages)
    return folder / "venv/bin/python"


def _build(folder: Path) -> None:
    script = (
        "from hatchling.builders.wheel import WheelBuilder; import sys;"
        "print(*WheelBuilder(sys.argv[1]).build(directory=sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", script, ROOT, folder], check=True, cwd=folder)


def _locked() -> list[str]:
    """The packages of requirements.lock that this machine needs."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    names = [found[1] for line in lines if (found := re.match(r"([a-z0-9._-]+)==", line))]
    installed = {_normal(each.name) for each in metadata.distributions()}
    return [name for name in names if name in installed]


def _normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def _link(name: str, packages: Path) -> None:
    here = Path(sysconfig.get_paths()["purelib"])
    for file in metadata.files(name) or []:
        top = file.parts[0]
        if top not in {"..", "__pycache__"} and not (packages / top).exists():
            (packages / top).symlink_to(here / top)


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-I", "-m", *arguments],
        cwd=python.parent,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _commands(command: click.Command, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield name
    if isinstance(command, click.Group):
        for child, each in command.commands.items():
            yield from _commands(each, (*name, child))


def test_every_command_is_there_and_explains_itself(python: Path) -> None:
    commands = [*_commands(main)]
    assert len(commands) > 10
    script = python.parent / "every_command.py"
    script.write_text(
        "import json, sys\n"
        "from click.testing import CliRunner\n"
        "from thetis.cli import main\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    result = CliRunner().invoke(main, [*command, '--help'])\n"
        "    assert result.exit_code == 0 and 'Usage: ' in result.output, (command, result)\n"
    )
    done = subprocess.run(
        [python, "-I", script, json.dumps(commands)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_command_itself_starts(python: Path) -> None:
    shown = run(python, "thetis", "--help")

    assert shown.returncode == 0, shown.stderr
    assert "serve" in shown.stdout and "rejected" in shown.stdout


def test_the_doctor_knows_the_migrations_of_the_release(python: Path) -> None:
    script = "from thetis.doctor.migrations import released_migrations as r; print(len(r()))"
    told = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    assert int(told.stdout) == len(list((ROOT / "supabase/migrations").glob("*.sql")))


def test_the_service_starts_and_answers(python: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nowhere = "http://127.0.0.1:1"
    chosen = settings(nowhere, database_url="postgresql://nobody@127.0.0.1:1/nowhere")
    environment = {name.upper(): str(value) for name, value in chosen.items()}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [python, "-I", "-m", "thetis", "serve", "--port", str(port)],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            eventually(lambda: _is_healthy(port) or process.poll() is not None, patience=60)
            assert process.poll() is None, (tmp_path / "log").read_text()
        finally:
            process.terminate()
            process.wait(timeout=30)


def _is_healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", verify=NO_TLS).is_success
    except httpx.TransportError:
        return False


def test_the_command_loads_nothing_of_the_workshop_or_of_what_only_tests_need() -> None:
    """In this environment, where all of it could be loaded."""
    done = subprocess.run(
        [sys.executable, "-c", "import thetis.cli, sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "thetis" in loaded
    assert loaded & {"devtools", "tests", "bench"} == set()
    owners = metadata.packages_distributions()
    of = {_normal(owner) for name in loaded & owners.keys() for owner in owners[name]}
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert of & {*dev["dev"]} == set()


def test_nothing_of_the_workshop_is_in_the_wheel(python: Path) -> None:
    packages = next((python.parents[1] / "lib").glob("python*/site-packages"))
    shipped = {path.relative_to(packages).parts[0] for path in packages.glob("thetis*/**/*")}

    assert {name for name in shipped if not name.startswith("thetis")} == set()
    assert not (packages / "devtools").exists() and not (packages / "tests").exists()
    assert (packages / "thetis/cli/shopify_templates.json").is_file()
