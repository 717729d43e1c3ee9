"""What the commands share by which people act for a customer: who, why, and what is told of it.

Each act is written into the audit log, so each says who and why.
"""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, time
from typing import Any, TypeVar

import click

from thetis.cli.session import ask
from thetis.model import Act
from thetis.operators import Operators

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])

DONE = {
    "grant": "granted",
    "revoke": "revoked",
    "restore": "restored",
    "transfer": "transferred",
    "extend": "extended",
}
MESSAGES = {
    "course_access": "the course email",
    "post_purchase": "the workflow",
    "post_purchase_update": "the update of the workflow",
    "post_purchase_cancel": "the end of the workflow",
    "forget_recipient": "the deletion at Knock",
    "claim_code": "the code",
}


def ask_as(operator: str, question: Callable[[Operators], Awaitable[Answer]]) -> Answer:
    """The answer of the database, which is asked in this name."""
    return ask(lambda database: question(Operators(database, operator)))


def _who(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    if value is None:
        try:
            value = getpass.getuser()
        except (OSError, KeyError, ImportError):
            value = ""  # a user without a name, as in many containers
    if not value.strip():
        raise click.UsageError("nobody knows who you are: say --as NAME")
    return value


def _not_blank(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("must not be blank")
    return value


operator_option = click.option(
    "--as",
    "operator",
    metavar="NAME",
    callback=_who,
    help="Who you are; it is written down.  [default: the system's user]",
)
reason_option = click.option(
    "--reason", required=True, callback=_not_blank, help="Why; it is written down."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would happen.")
expect_option = click.option(
    "--expect", metavar="ADDRESS", help="Whose it has to be; if it is not theirs, it is refused."
)


def written_down(command: Command) -> Command:
    """The options that every act has."""
    for option in (operator_option, dry_run_option, reason_option):
        command = option(command)
    return command


class Until(click.ParamType[str]):
    """The end of a day, a moment, or `forever`, as Postgres reads it."""

    name = "date"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "forever":
            return "infinity"
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; one looks like 2027-11-20, or forever", param, ctx)
        if moment.time() == time() and "T" not in value and " " not in value:
            moment = moment.replace(hour=23, minute=59, second=59)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def tell(act: Act) -> None:
    """Print what an act changed, or would change."""
    if act.outcome == "unchanged" and act.action != "grant":  # a grant is never asked for twice
        click.echo("nothing to do: it is so already")
        for purchase in act.after:
            click.echo(f"  {_name(purchase)}: {state(purchase)}")
        return
    verb = f"would {act.action}" if act.dry_run else DONE[act.action]
    before = {purchase["id"]: purchase for purchase in act.before}
    for purchase in act.after:
        earlier = before.get(purchase["id"])
        is_made_up = act.dry_run and earlier is None
        name = "" if is_made_up else f" (purchase {purchase['id']})"
        click.echo(f"{verb} {_name(purchase)}{name}")
        if earlier:
            click.echo(f"  before: {state(earlier)}")
        click.echo(f"  {'after' if act.dry_run else 'now'}:".ljust(10) + state(purchase))
    if not act.after:
        click.echo(f"{verb} the order, of which there is no purchase yet")
    for line in _messages(act):
        click.echo(line)


def _messages(act: Act) -> Iterator[str]:
    would_be = "would be " if act.dry_run else ""
    for message in act.messages:
        kind = MESSAGES.get(message["kind"], message["kind"])
        address = f" to {message['address']}" if message["address"] else ""
        yield f"{would_be}{message['change']}: {kind}{address}"
    if not act.messages:
        yield f"no message {'would go' if act.dry_run else 'goes'} out"


def _name(purchase: dict[str, Any]) -> str:
    number = purchase["order_number"]
    return f"{purchase['product']} of order #{number}" if number else str(purchase["product"])


def state(purchase: dict[str, Any]) -> str:
    """Whose it is, how it stands, and until when."""
    account = purchase["user_id"]
    owner = f"account {account}" if account else "no account yet"
    address = purchase["address"] or "no address"
    return f"{address} ({owner}), {purchase['status']}, {end(purchase['expires_at'])}"


def end(moment: str | None) -> str:
    return f"until {day(moment)}" if moment and moment != "infinity" else "for ever"


def day(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).date().isoformat()


def minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M}"
