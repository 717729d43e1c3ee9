"""`thetis customer`: what is known of a customer, and putting their access right by hand."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import click

from thetis.cli import timeline
from thetis.cli.acting import (
    MESSAGES,
    Until,
    ask_as,
    dry_run_option,
    expect_option,
    minute,
    operator_option,
    reason_option,
    tell,
    written_down,
)

_purchase_id = click.argument("purchase_id", type=click.UUID)


@click.group()
def customer() -> None:
    """What is known of a customer, and putting their access right by hand."""


@customer.command()
@click.argument("query")
@click.option("--json", "is_json", is_flag=True, help="The whole document, for programs.")
@operator_option
def show(query: str, operator: str, *, is_json: bool) -> None:
    """Print whether a customer has access and why, what to do, and everything that happened.

    QUERY is an address, the number of an order or its Shopify id, or the id of an account, of a
    purchase or of a message. Who looks is written down. Exits with 1 if nobody is found.
    """
    found = ask_as(operator, lambda operators: operators.customer_timeline(query))
    if is_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for line in timeline.lines(found, timeline.look()):
            click.echo(line)
    if found["found_by"] is None:
        raise SystemExit(1)


@customer.command()
@click.argument("slug")
@click.argument("recipient")
@click.option("--until", type=Until(), help="Its last day, in UTC.  [default: for ever]")
@written_down
def grant(
    slug: str, recipient: str, until: str | None, reason: str, operator: str, *, dry_run: bool
) -> None:
    """Give access to a product that nobody paid for. It sends nothing: tell them yourself.

    RECIPIENT is an address, whose account has it once the address is confirmed, or the id of an
    account.
    """
    grant_id = str(uuid.uuid4())  # made here, so that a call that is repeated gives it once
    act = ask_as(
        operator,
        lambda operators: operators.grant_access(
            slug=slug,
            recipient=recipient,
            until=until,
            grant_id=grant_id,
            reason=reason,
            dry_run=dry_run,
        ),
    )
    tell(act)


@customer.command()
@_purchase_id
@expect_option
@written_down
def revoke(
    purchase_id: object, expect: str | None, reason: str, operator: str, *, dry_run: bool
) -> None:
    """Take one purchase away, whatever Shopify says of it. Others of the same product stay."""
    act = ask_as(
        operator,
        lambda operators: operators.revoke_purchase(
            str(purchase_id), reason=reason, expected_address=expect, dry_run=dry_run
        ),
    )
    tell(act)


@customer.command()
@_purchase_id
@expect_option
@written_down
def restore(
    purchase_id: object, expect: str | None, reason: str, operator: str, *, dry_run: bool
) -> None:
    """Undo a revocation: what Shopify says counts again."""
    act = ask_as(
        operator,
        lambda operators: operators.restore_purchase(
            str(purchase_id), reason=reason, expected_address=expect, dry_run=dry_run
        ),
    )
    tell(act)


@customer.command()
@click.option("--order", help="The whole order: its number, with or without #, or its Shopify id.")
@click.option("--purchase", type=click.UUID, help="This purchase alone, by its id.")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Who gets it.")
@expect_option
@written_down
def transfer(
    order: str | None,
    purchase: object,
    address: str,
    expect: str | None,
    reason: str,
    operator: str,
    *,
    dry_run: bool,
) -> None:
    """Give what was bought to another address. Who had it loses it at once.

    The account with the new address has it as soon as the address is confirmed, and a course email
    goes there. What Shopify tells of the address later does not change it back.
    """
    if (order is None) == (purchase is None):
        raise click.UsageError("say --order or --purchase")
    how: dict[str, Any] = {
        "address": address,
        "reason": reason,
        "expected_address": expect,
        "dry_run": dry_run,
    }
    act = ask_as(
        operator,
        lambda operators: (
            operators.transfer_purchase(str(purchase), **how)
            if order is None
            else operators.transfer_order(order, **how)
        ),
    )
    tell(act)


@customer.command()
@_purchase_id
@click.option("--until", type=Until(), required=True, help="Its last day, in UTC, or forever.")
@expect_option
@written_down
def extend(
    purchase_id: object,
    until: str,
    expect: str | None,
    reason: str,
    operator: str,
    *,
    dry_run: bool,
) -> None:
    """Let the access of a purchase end later, or never. It works after the end, too."""
    act = ask_as(
        operator,
        lambda operators: operators.extend_purchase(
            str(purchase_id), until=until, reason=reason, expected_address=expect, dry_run=dry_run
        ),
    )
    tell(act)


@customer.command()
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


@customer.command()
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


@customer.command()
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


@customer.command()
@click.argument("request_id", type=int)
@operator_option
def answered(request_id: int, operator: str) -> None:
    """Say that a request was answered. Its address is forgotten with that.

    REQUEST_ID is the id that `thetis customer requests` prints.
    """
    ask_as(operator, lambda operators: operators.mark_privacy_request_answered(request_id))
    click.echo(f"Request {request_id} waits no longer.")
