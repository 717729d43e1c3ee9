"""`thetis staff`: what support staff need who are signed in to the course app."""

from __future__ import annotations

import click

from thetis.cli.acting import ask_as, operator_option, reason_option


@click.group()
def staff() -> None:
    """What support staff need who are signed in to the course app."""


@staff.command("second-factor")
@click.argument("state", type=click.Choice(["on", "off"]))
@reason_option
@operator_option
def second_factor(state: str, reason: str, operator: str) -> None:
    """Must staff have signed in with a second factor? It is on unless you switch it off."""
    is_required = state == "on"
    ask_as(
        operator,
        lambda operators: operators.require_second_factor(is_required=is_required, reason=reason),
    )
    need = "need" if is_required else "do not need"
    click.echo(f"Support staff {need} a second factor.")
