"""`thetis customer`: what is known of a customer, and putting their access right by hand."""

from __future__ import annotations

import json
import uuid
from typing import Any

import click

from thetis.cli import timeline
from thetis.cli.acting import (
    Until,
    ask_as,
    expect_option,
    operator_option,
    tell,
    written_down,
)
from thetis.cli.privacy import answered, export, forget, requests

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


for command in (export, forget, requests, answered):
    customer.add_command(command)
