"""The Dockerfile's own steps, in a clean virtual environment, make a service that runs."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devtools.processes import free_port
from tests.deploy.files import ROOT, Instruction, dockerfile, only
from tests.support.service import NOWHERE, eventually, settings

BUILD, FINAL = dockerfile()
MEGABYTE = 1_000_000

MOST_MEGABYTES = 75
"""Of what we add to the base image, which has some 125: together they stay below 200."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """An image's file system, as far as the Dockerfile makes it."""

    root: Path
    python: Path

    def here(self, words: str) -> str:
        """The same words, with the image's folders below ours."""
        return re.sub(r"(?<![\w.])/(?=opt/thetis|build)", f"{self.root}/", words)

    def run(self, instruction: Instruction) -> None:
        environment = {
            **dict(each.split("=", 1) for each in shlex.split(only(BUILD, "ENV"))),
            **{name: value for name, value in os.environ.items() if "proxy" in name.lower()},
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "HOME": str(self.root),
        }
        ended = subprocess.run(
            ["/bin/sh", "-ec", self.here(instruction.words)],
            cwd=self.root / "build",
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def copy(self, instruction: Instruction) -> None:
        *sources, target = instruction.words.split()
        for source in sources:
            assert is_sent(source), f"{source} is kept from the image by .dockerignore"
            into = self.root / "build" / target
            if (ROOT / source).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, into, ignore=ignore)
            else:
                shutil.copy(ROOT / source, into if target != "./" else into / source)


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets it through: the last line that matches decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if pattern == "*" or pattern == path.partition("/")[0]:
            sent = line.startswith("!")
    return sent


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Replay:
    """Made once for all processes of a run: whoever comes first makes it, the others wait."""
    own = tmp_path_factory.getbasetemp()
    root = (own if worker_id == "master" else own.parent) / "image"
    replay = Replay(root=root, python=root / "base/bin/python")
    with (root.parent / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "made").exists():
            make(replay)
            (root / "made").touch()
    return replay


def make(replay: Replay) -> None:
    (replay.root / "build").mkdir(parents=True)
    venv.create(replay.root / "base", with_pip=True)  # in the place of the base image
    for instruction in BUILD:
        if instruction.name == "RUN":
            replay.run(instruction)
        elif instruction.name == "COPY":
            replay.copy(instruction)
        else:
            assert instruction.name in {"FROM", "ENV", "WORKDIR"}, instruction


def test_the_command_that_was_installed_tells_its_version(image: Replay) -> None:
    told = subprocess.run(
        [image.root / "opt/thetis/bin/thetis", "--version"],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert told.stdout == f"thetis, version {version}\n"


def test_nothing_is_installed_that_no_lock_file_names(image: Replay) -> None:
    packages = next((image.root / "opt/thetis/lib").glob("python*/site-packages"))
    installed = {each.name.split("-")[0].lower() for each in packages.glob("*.dist-info")}
    lock = (ROOT / "requirements.lock").read_text()
    locked = {
        name.replace("-", "_").lower() for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
    }

    assert installed - {"thetis"} <= {name.replace(".", "_") for name in locked}
    assert {"thetis", "uvicorn", "psycopg"} <= installed
    assert "pip" not in installed and "hatchling" not in installed


def test_every_package_is_checked_by_its_hash() -> None:
    installs = [each.words for each in BUILD if each.name == "RUN" and "install" in each.words]
    commands = [part for words in installs for part in words.split("&&") if "install" in part]
    assert len(commands) == 3
    for command in commands:
        assert "--require-hashes" in command or "--no-index" in command, command


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_a_package_with_another_hash_is_refused(image: Replay, lock: str) -> None:
    text = (ROOT / lock).read_text()
    first = next(re.finditer(r"^[\w.-]+==(?:.*\\\n)+.*$", text, re.MULTILINE))[0]
    wrong = image.root / f"wrong-{lock}"
    wrong.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", first))

    ended = subprocess.run(
        [
            *(image.python, "-m", "pip", "install", "--dry-run", "--no-deps"),
            *("--require-hashes", "--target", image.root / "nowhere", "--requirement", wrong),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "DO NOT MATCH THE HASHES" in ended.stderr


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_locked_package_has_a_wheel_for_the_image(
    image: Replay, machine: str, tmp_path: Path
) -> None:
    """The steps above run on the Python of this machine; the image has another."""
    [version] = {
        re.findall(r"^python:([\d.]+)-slim", only(each, "FROM"))[0] for each in (BUILD, FINAL)
    }
    platforms = [f"--platform=manylinux{each}_{machine}" for each in ("_2_28", "_2_17", "2014")]
    ended = subprocess.run(
        [
            *(image.python, "-m", "pip", "install", "--quiet", "--dry-run", "--only-binary=:all:"),
            *(*platforms, "--implementation=cp", f"--python-version={version}"),
            *("--target", tmp_path, "--require-hashes", "-r", ROOT / "requirements.lock"),
        ],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_the_image_stays_small(image: Replay) -> None:
    files = [path for path in (image.root / "opt/thetis").rglob("*") if not path.is_symlink()]
    total = sum(path.stat().st_size for path in files if path.is_file())

    assert total < MOST_MEGABYTES * MEGABYTE


def test_it_does_not_run_as_root() -> None:
    user, _, group = only(FINAL, "USER").partition(":")
    assert int(user) > 0 and int(group) > 0


def test_nothing_but_what_was_built_comes_into_the_image() -> None:
    assert [each.words for each in FINAL if each.name == "COPY"] == [
        "--from=build /opt/thetis /opt/thetis"
    ]
    assert not [each for each in FINAL if each.name in {"RUN", "ADD"}]


@pytest.mark.parametrize(
    "path", [".env", "deploy/.env", ".git/config", ".venv/bin/python", "tests/conftest.py"]
)
def test_no_secret_and_no_history_is_sent_to_the_builder(path: str) -> None:
    assert not is_sent(path)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_the_container_is_healthy_with_a_read_only_root(image: Replay, command: str) -> None:
    """Both run under the image's own HEALTHCHECK; here the port is one that is free."""
    words = json.loads(only(FINAL, "ENTRYPOINT")) + [
        command if each == "serve" else each for each in json.loads(only(FINAL, "CMD"))
    ]
    check = json.loads(only(FINAL, "HEALTHCHECK").partition("CMD ")[2])
    port = str(free_port())
    with running(image, [each.replace("8000", port) for each in words]) as process:
        probe = [each.replace("8000", port) for each in check]
        probe[0] = str(image.root / "opt/thetis/bin" / probe[0])

        def healthy() -> bool:
            return subprocess.run(probe, capture_output=True, check=False).returncode == 0

        eventually(lambda: healthy() or process.poll() is not None, patience=60)
        assert healthy(), process.communicate()[1]
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert not healthy()


@contextmanager
def running(image: Replay, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The entry point, where nothing can be written."""
    if os.geteuid() != 0 or subprocess.run(read_only("true"), check=False).returncode != 0:
        pytest.skip("a read-only root needs root, and mounts of its own")
    chosen = settings("http://127.0.0.1:1", database_url=NOWHERE)
    words[0] = str(image.root / "opt/thetis/bin" / words[0])
    with subprocess.Popen(
        read_only("touch /tmp/written 2>/dev/null && exit 9; exec " + shlex.join(words)),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name.upper(): str(value) for name, value in chosen.items()},
        },
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_only(script: str) -> list[str]:
    """A shell in which every file system on a disk is read-only."""
    remount = "mount -o remount,bind,ro /; mountpoint -q /tmp && mount -o remount,bind,ro /tmp"
    return ["unshare", "--mount", "/bin/sh", "-c", f"{remount}; {script}"]


def test_the_python_of_the_image_is_one_we_support() -> None:
    [version] = {re.findall(r"^python:([\d.]+)", only(each, "FROM"))[0] for each in (BUILD, FINAL)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert [int(part) for part in version.split(".")] >= [int(part) for part in oldest.split(".")]


def test_this_python_is_not_newer_than_that_of_the_image() -> None:
    """So that what is tried here is not lacking there."""
    [version] = re.findall(r"^python:3\.(\d+)", only(FINAL, "FROM"))
    assert sys.version_info.minor <= int(version)
