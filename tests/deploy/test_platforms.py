"""The recipes for Fly and Cloud Run."""

from __future__ import annotations

import shlex
import tomllib
from typing import Any

import pytest
from click.testing import CliRunner

from tests.deploy.files import DEPLOY, REQUIRED, SETTINGS, read_yaml
from thetis.cli import main
from thetis.server import GRACE_SECONDS
from thetis.settings import ServiceSettings, load

FLY = tomllib.loads((DEPLOY / "fly/fly.toml").read_text())
CLOUD_RUN = read_yaml(DEPLOY / "cloud-run/service.yaml")
CONTAINER: dict[str, Any] = CLOUD_RUN["spec"]["template"]["spec"]["containers"][0]


def accepts(arguments: list[str]) -> bool:
    return CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0


def port(arguments: list[str]) -> int:
    return int(arguments[arguments.index("--port") + 1])


def test_fly_builds_our_dockerfile() -> None:
    path = DEPLOY / "fly" / FLY["build"]["dockerfile"]  # relative to the file that says so
    assert path.samefile(DEPLOY / "Dockerfile")


@pytest.mark.parametrize("name", FLY["processes"])
def test_each_process_on_fly_listens_where_it_is_checked(name: str) -> None:
    arguments = shlex.split(FLY["processes"][name])

    assert accepts(arguments)
    assert arguments[arguments.index("--host") + 1] == "0.0.0.0"
    service = FLY["http_service"]
    checked = (
        [service["internal_port"]]
        if name in service["processes"]
        else [each["port"] for each in FLY["checks"].values() if name in each["processes"]]
    )
    assert checked == [port(arguments)]
    assert FLY["metrics"]["port"] == port(arguments)


def test_fly_checks_that_a_process_is_alive_not_that_nothing_waits() -> None:
    checks = [*FLY["http_service"]["checks"], *FLY["checks"].values()]
    assert {each["path"] for each in checks} == {"/healthz"}


def test_neither_puts_the_service_to_sleep_or_cuts_it_off() -> None:
    assert FLY["http_service"]["auto_stop_machines"] == "off"
    assert FLY["http_service"]["min_machines_running"] >= 1
    assert FLY["kill_timeout"] > GRACE_SECONDS and FLY["kill_signal"] == "SIGTERM"
    annotations = CLOUD_RUN["spec"]["template"]["metadata"]["annotations"]
    assert int(annotations["autoscaling.knative.dev/minScale"]) >= 1
    assert annotations["run.googleapis.com/cpu-throttling"] == "false"


def test_cloud_run_starts_the_service_where_it_looks_for_it() -> None:
    arguments = CONTAINER["args"]

    assert accepts(arguments)
    assert [each["containerPort"] for each in CONTAINER["ports"]] == [port(arguments)]
    for probe in ("startupProbe", "livenessProbe"):
        assert CONTAINER[probe]["httpGet"] == {"path": "/healthz", "port": port(arguments)}


def test_cloud_run_has_every_setting_that_is_required_and_no_secret_in_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {each["name"]: each for each in CONTAINER["env"]}
    assert given.keys() >= REQUIRED
    assert given.keys() <= SETTINGS

    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, each in given.items():
        monkeypatch.setenv(name, each.get("value", "a-secret"))
    plain = load(ServiceSettings).model_dump()
    secret = {name.upper() for name, value in plain.items() if "Secret" in repr(value)}
    assert {name for name, each in given.items() if "value" not in each} == secret
