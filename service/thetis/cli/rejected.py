"""`thetis rejected`: webhooks that could not be used, kept until somebody has mended the cause."""

from __future__ import annotations

import sys

import click

from thetis.cli.session import ask
from thetis.database import Database
from thetis.webhooks import WebhookRecorder

TIMEOUT = 60.0
"""Seconds. Nobody waits as impatiently as Shopify here."""


@click.group()
def rejected() -> None:
    """Authentic webhooks that could not be used, and that are kept whole."""


@rejected.command("list")
@click.option("--all", "is_all", is_flag=True, help="Those that were replayed, too.")
def list_rejected(*, is_all: bool) -> None:
    """Print one line for each, the oldest first."""
    for each in ask(lambda database: database.list_rejected_webhooks(include_replayed=is_all)):
        state = f"replayed {each.replayed_at}" if each.replayed_at else "not replayed"
        click.echo(f"{each.id}\t{each.received_at}\t{each.topic}\t{state}\t{each.reason}")


@rejected.command()
@click.argument("rejected_id", type=int)
def show(rejected_id: int) -> None:
    """Print the body, byte for byte. It holds personal data."""
    body = ask(lambda database: database.rejected_webhook_body(rejected_id))
    if body is None:
        raise click.ClickException(f"there is no rejected webhook {rejected_id}")
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


@rejected.command()
@click.argument("rejected_ids", type=int, nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that were not replayed yet.")
def replay(rejected_ids: tuple[int, ...], *, is_all: bool) -> None:
    """Handle them again, after the cause was mended. Exits with 1 if one is rejected again."""
    if bool(rejected_ids) == is_all:
        raise click.UsageError("name the webhooks, or say --all")
    outcomes = ask(lambda database: _replay(database, rejected_ids))
    for rejected_id, outcome in outcomes:
        click.echo(f"{rejected_id}\t{outcome}")
    if any(outcome in {"rejected", "missing"} for _, outcome in outcomes):
        raise SystemExit(1)


async def _replay(database: Database, ids: tuple[int, ...]) -> list[tuple[int, str]]:
    kept = {each.id: each for each in await database.list_rejected_webhooks(include_replayed=True)}
    chosen = ids or [each.id for each in kept.values() if each.replayed_at is None]
    recorder = WebhookRecorder(database, timeout=TIMEOUT)
    outcomes: list[tuple[int, str]] = []
    for each_id in chosen:
        body = await database.rejected_webhook_body(each_id)
        if body is None or each_id not in kept:
            outcomes.append((each_id, "missing"))
            continue
        outcome = await recorder.record(kept[each_id].topic, kept[each_id].webhook_id, body)
        if outcome != "rejected":
            await database.mark_webhook_replayed(each_id)
        outcomes.append((each_id, outcome))
    return outcomes
