"""`thetis customer`: what is held of a person, forgetting them, and what they asked Shopify for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from thetis.cli import timeline
from thetis.cli.acting import (
    MESSAGES,
    ask_as,
    dry_run_option,
    minute,
    operator_option,
    reason_option,
)


@click.command()
@click.argument("address")
@click.option("--output", metavar="FILE", help="A new file, for your eyes alone.")
@operator_option
def export(address: str, output: str | None, operator: str) -> None:
    """Print everything that is held of an address, as JSON, for the person who asks for it.

    That it was asked for is written down.
    """
    if output and Path(output).exists():
        raise click.BadParameter(f"{output} is there already", param_hint="--output")
    held = ask_as(operator, lambda operators: operators.export_customer(address))
    text = json.dumps(held, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from None
    with os.fdopen(file, "w", encoding="utf-8") as written:
        written.write(f"{text}\n")


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask for the address again.")
@reason_option
@dry_run_option
@operator_option
def forget(address: str, reason: str, operator: str, *, yes: bool, dry_run: bool) -> None:
    """Strike a person's address out of everything that is kept. It cannot be undone.

    It first says what that means for their access, and asks for the address once more.
    """
    would = ask_as(
        operator,
        lambda operators: operators.forget_customer(address, reason=reason, dry_run=True),
    )
    _tell_forgetting(address, would)
    if dry_run or would["outcome"] == "unchanged":
        return
    if not yes and click.prompt("Type the address to go on").strip().lower() != (
        address.strip().lower()
    ):
        raise click.ClickException("that is another address: nothing was done")
    done = ask_as(
        operator,
        lambda operators: operators.forget_customer(address, reason=reason, dry_run=False),
    )
    click.echo(f"forgot {address}")
    if done["account"]:
        click.echo(f"Their account {done['account']} is still there: delete it in the dashboard.")


def _tell_forgetting(address: str, would: dict[str, Any]) -> None:
    if would["outcome"] == "unchanged":
        click.echo("nothing to do: nothing is held of this address")
        return
    click.echo(f"would forget {address}, for good:")
    for kept in would["keeps_access"]:
        click.echo(f"  keeps {kept['product']}: account {kept['user_id']} owns it")
    for lost in would["loses_access"]:
        order = f" of order #{lost['order_number']}" if lost["order_number"] else ""
        click.echo(f"  loses {lost['product']}{order}: no account owns it")
    for kind in would["withdrawn"]:
        click.echo(f"  withdraws {MESSAGES.get(kind, kind)}")
    rows = ", ".join(
        f"{table.replace('_', ' ')} {count}" for table, count in would["counts"].items() if count
    )
    click.echo(f"  rows that hold them: {rows or 'none'}")


@click.command()
@click.option("--all", "is_all", is_flag=True, help="Those that were answered, too.")
@operator_option
def requests(operator: str, *, is_all: bool) -> None:
    """Print what customers have asked Shopify for and a person has to answer, the oldest first."""
    waiting = ask_as(
        operator, lambda operators: operators.list_privacy_requests(include_answered=is_all)
    )
    for each in waiting:
        state = f"answered {minute(each.answered_at)}" if each.answered_at else "waits"
        orders = " ".join(each.shopify_order_ids) or "-"
        received = minute(each.received_at)
        words = (str(each.id), received, each.topic, state, each.email or "-", orders)
        click.echo("\t".join(timeline.plain(word) for word in words))


@click.command()
@click.argument("request_id", type=int)
@operator_option
def answered(request_id: int, operator: str) -> None:
    """Say that a request was answered. Its address is forgotten with that.

    REQUEST_ID is the id that `thetis customer requests` prints.
    """
    ask_as(operator, lambda operators: operators.mark_privacy_request_answered(request_id))
    click.echo(f"Request {request_id} waits no longer.")
