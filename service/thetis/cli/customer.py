"""`thetis customer`: what a customer has and why, and how to put it right."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, LiteralString

import click

from thetis.cli import operator as by
from thetis.cli import timeline
from thetis.cli.session import ask

FOREVER = "forever"


@click.group()
def customer() -> None:
    """What a customer has and why, and how to put it right."""


@customer.command()
@click.argument("query")
@click.option("--json", "is_json", is_flag=True, help="All of it, as JSON.")
@by.operator
def show(query: str, operator: str, *, is_json: bool) -> None:
    """Say what a customer has, why, and what came before. It holds personal data.

    QUERY is an address, the number of an order with or without its #, a Shopify order id, or the
    id of an account, a purchase or a message. Exits with 1 if nobody is found.
    """
    told = _ask("customer_timeline", query=query, operator=operator)
    if is_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        timeline.show(told)
    if told["found_by"] is None:
        raise SystemExit(1)


@customer.command()
@click.argument("slug")
@click.argument("recipient")
@click.option("--until", metavar="DATE", help="When it ends.  [default: never]")
@by.act
def grant(
    slug: str, recipient: str, until: str | None, reason: str, operator: str, *, dry_run: bool
) -> None:
    """Give access to a product that was not bought.

    RECIPIENT is an address, whose account has it as soon as it is confirmed, or the id of an
    account. Nobody is written to: tell them.
    """
    _act(
        "grant_access",
        slug=slug,
        recipient=recipient,
        until=until,
        # a call is made again when the connection is lost
        grant_id=str(uuid.uuid4()),
        reason=reason,
        operator=operator,
        dry_run=dry_run,
    )


@customer.command()
@click.argument("purchase_id", type=click.UUID)
@by.expect
@by.act
def revoke(purchase_id: uuid.UUID, **how: Any) -> None:
    """Take one purchase away, whatever Shopify says of it. Others of the product stay."""
    _act("revoke_purchase", purchase_id=str(purchase_id), **how)


@customer.command()
@click.argument("purchase_id", type=click.UUID)
@by.expect
@by.act
def restore(purchase_id: uuid.UUID, **how: Any) -> None:
    """Undo a revocation: what Shopify says counts again."""
    _act("restore_purchase", purchase_id=str(purchase_id), **how)


@customer.command()
@click.argument("purchase_id", type=click.UUID)
@click.option("--until", required=True, metavar="DATE", help=f"When it ends, or {FOREVER!r}.")
@by.expect
@by.act
def extend(purchase_id: uuid.UUID, until: str, **how: Any) -> None:
    """Let the access of a purchase end later, or never."""
    until = "infinity" if until == FOREVER else until
    _act("extend_purchase", purchase_id=str(purchase_id), until=until, **how)


@customer.command()
@click.option("--order", help="The whole order: its number, with or without #, or its Shopify id.")
@click.option("--purchase", type=click.UUID, help="One purchase alone, by its id.")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Whose it is from now on.")
@by.expect
@by.act
def transfer(order: str | None, purchase: uuid.UUID | None, **how: Any) -> None:
    """Give what was bought to another person.

    Whoever had it loses it at once. The other has it as soon as their account has confirmed the
    address, and is sent the course email.
    """
    if (order is None) == (purchase is None):
        raise click.UsageError("say --order or --purchase")
    if order is not None:
        _act("transfer_order", order_name=order, **how)
    else:
        _act("transfer_purchase", purchase_id=str(purchase), **how)


@customer.command()
@click.argument("address")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Into this new file."
)
@by.operator
def export(address: str, output: Path | None, operator: str) -> None:
    """Print everything that is held of an address, as JSON."""
    held = _ask("export_customer", address=address, operator=operator)
    text = json.dumps(held, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from None
    click.echo(f"written to {output}")


@customer.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@by.act
def forget(address: str, reason: str, operator: str, *, yes: bool, dry_run: bool) -> None:
    """Strike an address out of everything that is held. It cannot be undone.

    What an account owns stays with the account. What nobody has claimed yet ends.
    """
    who: dict[str, Any] = {"address": address, "reason": reason, "operator": operator}
    if dry_run or not yes:
        _say_forgotten(_ask("forget_customer", **who, dry_run=True))
    if dry_run:
        return
    if not yes and click.prompt("Type the address to go on", err=True).strip() != address.strip():
        raise click.ClickException("that is another address: nothing was changed")
    _say_forgotten(_ask("forget_customer", **who, dry_run=False))


def _say_forgotten(answer: dict[str, Any]) -> None:
    is_dry = answer["dry_run"]
    if answer["outcome"] == "unchanged":
        click.echo("nothing to do: nothing is held of this address")
        return
    for each in answer["keeps_access"]:
        click.echo(f"{each['product']} stays with the account {each['user_id']}")
    for each in answer["loses_access"]:
        order = f" of order #{each['order_number']}" if each["order_number"] else ""
        click.echo(f"{each['product']}{order} {'would end' if is_dry else 'ended'}")
    rows = ", ".join(f"{count} of {table}" for table, count in answer["counts"].items() if count)
    click.echo(f"{'would be forgotten' if is_dry else 'forgotten'}: {rows or 'no rows'}")


def _ask(function: LiteralString, **values: Any) -> dict[str, Any]:
    return ask(lambda database: database.document(function, **values))


def _act(function: LiteralString, **values: Any) -> None:
    timeline.show_act(_ask(function, **values))
