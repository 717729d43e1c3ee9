"""What all commands share that write something about a customer: who, why, and whether at all."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")


def _stated(_: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("must not be blank", param=parameter)
    return value


reason = click.option(
    "--reason", required=True, callback=_stated, help="Why; it is kept in the audit log."
)


def _name(_: click.Context, parameter: click.Parameter, value: str | None) -> str:
    if value is None:
        try:
            value = getpass.getuser()
        except (KeyError, OSError):
            value = ""
    if not value.strip():
        raise click.BadParameter("say who you are", param=parameter)
    return value


operator = click.option(
    "--as",
    "operator",
    metavar="NAME",
    callback=_name,
    help="Who you are, for the audit log.  [default: the system's user]",
)

expect = click.option(
    "--expect",
    "expected_address",
    metavar="ADDRESS",
    help="Refuse if it is not this person's.",
)


def act(command: Command) -> Command:
    """The options of every act."""
    return reason(operator(dry_run(command)))
