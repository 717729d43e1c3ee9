"""docs/OPERATIONS.md names what the code has: all of it, and nothing else."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from typing import Any, NoReturn, cast

import click
import pytest
from click.testing import CliRunner
from starlette.routing import Route

from tests.support.database import Database
from tests.support.docs import ROOT, code, document, documents, named, rows
from thetis.app import create_app
from thetis.cli import main
from thetis.model import WebhookOutcome
from thetis.settings import DatabaseSettings, ServiceSettings, SettingsError

OPERATIONS = document("docs/OPERATIONS.md")
SOURCES = sorted((ROOT / "service").rglob("*.py"))
MIGRATIONS = "\n".join(
    path.read_text() for path in sorted((ROOT / "supabase/migrations").glob("*.sql"))
)

NEED_NO_SETTINGS = {
    "thetis dev",
    "thetis local start",
    "thetis local stop",
    "thetis preview",
    "thetis simulate",
}
"""They start without any. They are not tried here, for they would do what they are for."""
ONE_WAY_IS_REQUIRED = {"DATABASE_URL", "SUPABASE_URL", "SUPABASE_SECRET_KEY"}


def by_name(section: str) -> dict[str, list[str]]:
    """The rows of a section's tables, by what their first column names."""
    return {code(row[0])[0]: row for row in rows(OPERATIONS.section(section))}


# Settings


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(by_name("Settings")) == {name.upper() for name in ServiceSettings.model_fields}


@functools.cache
def kinds() -> dict[str, type[DatabaseSettings]]:
    """The settings that the commands ask for when they are called, by the word after `thetis`."""
    asked: list[type[DatabaseSettings]] = []
    found: dict[str, type[DatabaseSettings]] = {}

    def load(kind: type[DatabaseSettings]) -> NoReturn:
        asked.append(kind)
        raise SettingsError("there are none")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thetis.cli.session.load", load)
        for name in sorted(LEAVES.keys() - NEED_NO_SETTINGS):
            asked.clear()
            CliRunner().invoke(LEAVES[name], arguments(LEAVES[name]))
            assert len(asked) == 1, name
            assert found.setdefault(name.split()[1], asked[0]) is asked[0], name
    return found


def arguments(command: click.Command) -> list[str]:
    """As few as it takes to be let in."""
    given: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            given += ["1"]
        elif parameter.required:
            given += [spelling(parameter), "1"]
    return given


@pytest.mark.parametrize("setting", sorted(ServiceSettings.model_fields))
def test_a_setting_says_who_needs_it_and_what_holds_without_it(setting: str) -> None:
    _, needed_by, default, _ = by_name("Settings")[setting.upper()]
    field = ServiceSettings.model_fields[setting]

    assert set(needed_by.split(", ")) == {
        command for command, kind in kinds().items() if setting in kind.model_fields
    }
    if setting.upper() in ONE_WAY_IS_REQUIRED:
        assert default == "one way is required"
    else:
        assert default == ("required" if field.is_required() else str(field.default))


# Commands


def leaves(command: click.Command, name: str = "thetis") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for child, each in command.commands.items():
            yield from leaves(each, f"{name} {child}")
    else:
        yield name, command


LEAVES = dict(leaves(main))


def documented_commands() -> dict[str, str]:
    return {
        code(section.title)[0]: section.text
        for section in OPERATIONS.sections()
        if section.title.startswith("`thetis ")
    }


def spelling(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return (parameter.name or "").upper()
    return max(parameter.opts, key=len)


def test_every_command_is_documented_and_no_other() -> None:
    assert documented_commands().keys() == LEAVES.keys()


@pytest.mark.parametrize("command", sorted(LEAVES))
def test_every_option_is_documented_and_no_other(command: str) -> None:
    documented = {code(row[0])[0]: row[1] for row in rows(documented_commands()[command])}
    parameters = {spelling(each): each for each in LEAVES[command].params}

    assert documented.keys() == parameters.keys()
    for name, default in documented.items():
        parameter = parameters[name]
        assert (default == "required") == parameter.required, name
        if isinstance(parameter.default, str | int) and not isinstance(parameter.default, bool):
            assert default == str(parameter.default), name


# HTTP


def test_every_route_is_documented_and_no_other() -> None:
    app = create_app(cast("Any", None))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(named(OPERATIONS.section("Routes"))) == routes


def test_every_outcome_of_a_webhook_is_documented_with_its_status() -> None:
    documented = {name: int(row[1]) for name, row in by_name("Webhook outcomes").items()}
    assert documented == {outcome.value: outcome.status for outcome in WebhookOutcome}


# Metrics


def declared_metrics() -> dict[str, list[str]]:
    """Each metric and its labels, by the name under which Prometheus knows it."""
    found = {}
    for call in ast.walk(ast.parse((ROOT / "service/thetis/metrics.py").read_text())):
        match call:
            case ast.Call(func=ast.Name(id="Counter" | "Gauge" | "Histogram" as kind), args=args):
                values = [ast.literal_eval(each) for each in args]
                name = values[0] + ("_total" if kind == "Counter" else "")
                found[name] = values[2] if len(values) > 2 else []
    return found


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    table = OPERATIONS.section("Metrics").partition("Alarms worth having")[0]
    documented = {code(row[0])[0]: code(row[1]) for row in rows(table)}
    assert documented == declared_metrics()


def test_no_page_names_a_metric_that_does_not_exist() -> None:
    known = declared_metrics().keys()
    for page in documents():
        for name in re.findall(r"\bthetis_\w+", page.text):
            assert name in known, f"{page.name}: {name}"


# Logs


def logged_events() -> dict[str, tuple[set[str], set[str]]]:
    """Each event that the service logs, with its levels and its fields."""
    events: dict[str, tuple[set[str], set[str]]] = {}
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        if "structlog" not in {_module(each) for each in ast.walk(tree)}:
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and (event := _event(call)):
                levels, fields = events.setdefault(event, (set(), set()))
                levels |= _levels(call.func, tree)
                fields |= {each.arg for each in call.keywords if each.arg}
    assert events
    return events


def _module(node: ast.AST) -> str | None:
    return node.names[0].name if isinstance(node, ast.Import) else None


def _event(call: ast.Call) -> str | None:
    match call.args:
        case [ast.Constant(value=str(text))] if re.fullmatch(r"[a-z]+(\.[a-z_]+)+", text):
            return text
    return None


def _levels(function: ast.expr, tree: ast.Module) -> set[str]:
    """`log.info` is its own answer; of `report = log.info if … else log.warning` it is both."""
    if isinstance(function, ast.Attribute):
        return {"error" if function.attr == "exception" else function.attr}
    source = next(
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == ast.unparse(function)
    )
    return set(re.findall(r"\blog\.(\w+)", ast.unparse(source)))


def test_every_log_event_is_documented_with_level_and_fields_and_no_other() -> None:
    documented = {
        name: (set(row[1].split(", ")), set(code(row[2])))
        for name, row in by_name("Log events").items()
    }
    assert documented == logged_events()


# The database


def signatures(database: Database) -> dict[str, set[str]]:
    """The functions of schema public as `name(arguments)`, with the roles that may execute them."""
    functions = database.rows(
        """
        select
            function.proname as name,
            coalesce(function.proargnames[1:function.pronargs], '{}') as arguments,
            array(
                select role.rolname::text
                from pg_roles as role
                where
                    role.rolname in ('anon', 'authenticated', 'service_role')
                    and has_function_privilege(role.oid, function.oid, 'execute')
            ) as roles
        from pg_proc as function
        where function.pronamespace = 'public'::regnamespace
        """
    )
    return {
        f"{each['name']}({', '.join(each['arguments'])})": set(each["roles"]) for each in functions
    }


def test_every_public_function_is_documented_with_who_may_call_it(database: Database) -> None:
    table = rows(OPERATIONS.section("Functions"))
    assert {code(row[0])[0]: set(row[1].split(", ")) for row in table} == signatures(database)


def test_every_error_code_of_ours_is_documented_and_no_other() -> None:
    raised = set(re.findall(r"errcode = '(TH\d{3})'", MIGRATIONS))
    assert set(named(OPERATIONS.section("Error codes"))) == raised


def test_every_private_table_is_documented_and_no_other() -> None:
    created = set(re.findall(r"create table (private\.\w+)", MIGRATIONS))
    assert set(named(OPERATIONS.section("Tables"))) == created


@pytest.mark.parametrize(
    ("kind", "table"),
    [("Purchase", "public.purchases"), ("Notification", "thetis.notifications")],
)
def test_every_state_is_documented_and_no_other(database: Database, kind: str, table: str) -> None:
    check = database.value(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %s::regclass and conname = 'status_is_known'",
        table,
    )
    [documented] = re.findall(rf"^\| {kind} \|.*\n(?:\|.*\n)+", OPERATIONS.text, re.MULTILINE)
    assert set(named(documented)) == set(re.findall(r"'(\w+)'", check))


def test_every_kind_of_notification_is_named(database: Database) -> None:
    check = database.value(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'kind_is_known'"
    )
    kinds = set(re.findall(r"'([\w.]+)'", check))
    assert kinds
    assert kinds <= set(re.findall(r"`([^`]+)`", OPERATIONS.section("States")))
