"""`thetis messages`: what customers are sent, and how to send it again safely."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import click

from thetis.cli.acting import ask_as, dry_run_option, operator_option, written_down
from thetis.cli.session import ask
from thetis.database import Database
from thetis.model import ListedNotification, Resent, Retried
from thetis.operators import Operators

STATES = ("pending", "sent", "skipped", "dead")

RETRIED_AT_ONCE = 500

_ORDER = "The order's number, with or without #, or its Shopify id."


@click.group()
def messages() -> None:
    """What customers are sent, and how to send it again."""


@messages.command("list")
@click.option("--order", help=_ORDER)
@click.option(
    "--status",
    type=click.Choice(STATES),
    help="Only these.  [default: dead; of an order, all]",
)
def list_messages(order: str | None, status: str | None) -> None:
    """Print one line for each message, the latest first: the dead ones, or those of an order.

    Of an email that was sent, what became of it: delivered, bounced, suppressed, and so on.
    """

    async def print_all(database: Database) -> None:
        async for each in _listed(database, order, status):
            number = f"#{each.order_number}" if each.order_number else each.shopify_order_id
            when = each.settled_at or f"due {each.due_at}"
            state = each.delivery or each.status
            why = each.delivery_reason or each.last_error
            words = (each.id, each.kind, state, number, each.email, when, why)
            click.echo("\t".join(word or "-" for word in words))

    ask(print_all)


@messages.command()
@click.argument("message_id", type=click.UUID)
def show(message_id: object) -> None:
    """Print all that is stored of one message, as JSON. It holds personal data.

    MESSAGE_ID is the id that `thetis messages list` prints.
    """
    found = ask(lambda database: database.get_notification(str(message_id)))
    if found is None:
        raise click.ClickException(f"there is no message {message_id}")
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@messages.command()
@click.argument("message_ids", type=click.UUID, nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that are dead.")
@click.option("--reason", help="Why, if it is worth writing down.")
@dry_run_option
@operator_option
def retry(
    message_ids: tuple[object, ...],
    reason: str | None,
    operator: str,
    *,
    is_all: bool,
    dry_run: bool,
) -> None:
    """Try messages again that were given up, where nobody can get one twice; print what became of
    each.

    One that was refused is sent with what is true now. One of which nobody knows whether it arrived
    is repeated as it was, for as long as the provider recognises that. Exits with 1 if one is
    refused.
    """
    if bool(message_ids) == is_all:
        raise click.UsageError("name the messages, or say --all")
    ids = [str(each) for each in message_ids]

    async def try_again(database: Database) -> list[Retried]:
        """These, or else all that are dead; so many at a time, because Supabase's API keeps silent
        about what became of any after the thousandth.
        """
        operators = Operators(database, operator)
        chosen = ids or [each.id async for each in _listed(database, None, "dead")]
        results: list[Retried] = []
        for start in range(0, len(chosen), RETRIED_AT_ONCE):
            some = chosen[start : start + RETRIED_AT_ONCE]
            results += await operators.retry_notifications(some, reason=reason, dry_run=dry_run)
        return results

    results = ask(try_again)
    for each in results:
        click.echo(
            f"{each.id}\t{_outcome(each.outcome, dry_run=dry_run)}\t{each.refusal or ''}".rstrip()
        )
    if any(each.outcome == "refused" for each in results):
        raise SystemExit(1)


@messages.command()
@click.option("--order", required=True, help=_ORDER)
@click.option(
    "--kind",
    type=click.Choice(["course_access", "post_purchase"]),
    default="course_access",
    show_default=True,
    help="The course email, or the workflow with its welcome.",
)
@written_down
def resend(order: str, kind: str, reason: str, operator: str, *, dry_run: bool) -> None:
    """Send an order's customer again what they were told: what is still active, to the address that
    the order has now.

    It is a new message, so whoever got the first gets a second. Exits with 1 if it is refused.
    """
    results = ask_as(
        operator,
        lambda operators: operators.resend_notification(
            order=order, kind=kind, reason=reason, dry_run=dry_run
        ),
    )
    for each in results:
        click.echo(_resent(each, dry_run=dry_run))
    if any(each.outcome == "refused" for each in results):
        raise SystemExit(1)


def _resent(result: Resent, *, dry_run: bool) -> str:
    if result.outcome == "refused":
        return f"refused: {result.refusal}"
    name = "" if dry_run else f" as {result.id}"
    return f"{_outcome(result.outcome, dry_run=dry_run)} for {result.email}{name}"


def _outcome(word: str, *, dry_run: bool) -> str:
    return f"would be {word}" if dry_run and word != "refused" else word


async def _listed(
    database: Database, order: str | None, state: str | None
) -> AsyncIterator[ListedNotification]:
    """All, page by page."""
    state = state if state or order else "dead"
    before_id = None
    while page := await database.list_notifications(order=order, state=state, before_id=before_id):
        for each in page:
            yield each
        before_id = page[-1].id
