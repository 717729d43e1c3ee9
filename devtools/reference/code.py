"""What the code says: settings, commands, routes, outcomes and metrics."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, cast

import click
from prometheus_client.metrics import MetricWrapperBase
from starlette.routing import Route

from devtools import cli as devtools_cli
from devtools.reference.words import Words, span, table
from thetis import cli as thetis_cli
from thetis.app import create_app
from thetis.metrics import Metrics
from thetis.model import WebhookOutcome
from thetis.setting_types import Settings

ONE_WAY_IS_REQUIRED = {
    **dict.fromkeys(("database_url", "supabase_url", "supabase_secret_key"), "one way is required"),
    "shopify_webhook_secrets": "one of the two is required",
}
"""The frame, or the words of the setting, say which ways there are."""


def settings(kind: type[Settings], words: Words) -> str:
    rows = [
        (
            span(name.upper()),
            _default(name, field),
            words.expect(name.upper(), field.description),
        )
        for name, field in kind.model_fields.items()
        if name in kind.__annotations__  # and not inherited
    ]
    return table(("Setting", "Default", "Meaning"), rows)


def _default(name: str, field: Any) -> str:
    if name in ONE_WAY_IS_REQUIRED:
        return ONE_WAY_IS_REQUIRED[name]
    if field.is_required():
        return "required"
    return "" if field.default is None else str(field.default)


def every_command() -> dict[str, click.Command]:
    """Every command that can be called, by the words that call it."""
    return dict([*_leaves(thetis_cli.main, "thetis"), *_leaves(devtools_cli.main, "thetis-dev")])


def _leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for child, each in sorted(command.commands.items()):
            yield from _leaves(each, f"{name} {child}")
    else:
        yield name, command


def commands(words: Words) -> str:
    return "\n\n".join(
        f"### `{name}`\n\n{inspect.cleandoc(words.expect(name, command.help))}\n\n"
        f"{_options(name, command, words)}".rstrip()
        for name, command in every_command().items()
    )


def _options(name: str, command: click.Command, words: Words) -> str:
    rows = [
        (
            span(spelling(parameter)),
            _option_default(parameter),
            _choices(parameter) + _help(name, parameter, words),
        )
        for parameter in command.params
    ]
    return table(("Option", "Default", "Meaning"), rows) if rows else ""


def spelling(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return (parameter.name or "").upper()
    return max(parameter.opts, key=len)


def _choices(parameter: click.Parameter) -> str:
    kind = parameter.type
    return f"{span(*kind.choices)}. " if isinstance(kind, click.Choice) else ""


def _help(command: str, parameter: click.Parameter, words: Words) -> str:
    """Arguments have no help: the command's own words are about them."""
    if isinstance(parameter, click.Argument):
        return ""
    return words.expect(f"{command} {spelling(parameter)}", getattr(parameter, "help", None))


def _option_default(parameter: click.Parameter) -> str:
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False):
        return "off"
    return str(parameter.default) if isinstance(parameter.default, str | int | float) else ""


def routes() -> list[str]:
    return [
        f"{method} {route.path}"
        for route in create_app(cast("Any", None)).routes
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def outcomes(words: Words) -> str:
    return table(
        ("Outcome", "Answer", "Meaning"),
        [(span(each), str(each.status), words.of("outcomes", each)) for each in WebhookOutcome],
    )


def every_metric() -> dict[str, tuple[list[str], str]]:
    """Labels and help of each metric, by the name under which Prometheus knows it."""
    found = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            [family] = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = list(metric._labelnames)  # noqa: SLF001 - nothing public tells them
            found[name] = (labels, family.documentation)
    return found


def metrics(words: Words) -> str:
    rows = [
        (span(name), span(*labels), words.expect(name, text))
        for name, (labels, text) in every_metric().items()
    ]
    return table(("Metric", "Labels", "Meaning"), rows)
