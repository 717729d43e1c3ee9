"""`thetis staff`: what support staff need to sign in with."""

from __future__ import annotations

import click

from thetis.cli import operator as by
from thetis.cli.session import ask


@click.group()
def staff() -> None:
    """What support staff need to sign in with."""


@staff.command("second-factor")
@click.argument("state", type=click.Choice(["on", "off"]))
@by.reason
@by.operator
def second_factor(state: str, reason: str, operator: str) -> None:
    """Say whether support staff must have signed in with a second factor; at first they must."""
    ask(
        lambda database: database.require_second_factor(
            is_required=state == "on", reason=reason, operator=operator
        )
    )
    click.echo(f"second factor {state}")
