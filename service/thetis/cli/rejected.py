"""`thetis rejected`: webhooks that could not be used, kept until somebody has mended the cause."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import click

from thetis.cli.session import ask
from thetis.database import Database
from thetis.deliveries import TOPIC, DeliveryRecorder
from thetis.model import RejectedWebhook, WebhookOutcome
from thetis.webhooks import WebhookRecorder


@click.group()
def rejected() -> None:
    """Authentic webhooks that could not be used, and that are kept whole."""


@rejected.command("list")
@click.option("--all", "is_all", is_flag=True, help="Those that were replayed, too.")
def list_rejected(*, is_all: bool) -> None:
    """Print one line for each rejected webhook, the oldest first."""

    async def print_all(database: Database) -> None:
        async for each in _rejected(database, include_replayed=is_all):
            state = f"replayed {each.replayed_at}" if each.replayed_at else "not replayed"
            click.echo(f"{each.id}\t{each.received_at}\t{each.topic}\t{state}\t{each.reason}")

    ask(print_all)


async def _rejected(
    database: Database, *, include_replayed: bool
) -> AsyncIterator[RejectedWebhook]:
    """All, page by page."""
    after_id = 0
    while page := await database.list_rejected_webhooks(
        include_replayed=include_replayed, after_id=after_id
    ):
        for each in page:
            yield each
        after_id = page[-1].id


@rejected.command()
@click.argument("rejected_id", type=int)
def show(rejected_id: int) -> None:
    """Print the body of a rejected webhook, byte for byte. It holds personal data.

    REJECTED_ID is the id that `thetis rejected list` prints.
    """
    kept = ask(lambda database: database.get_rejected_webhook(rejected_id))
    if kept is None or kept.body is None:
        raise click.ClickException(f"there is no rejected webhook {rejected_id}")
    sys.stdout.buffer.write(kept.body)
    sys.stdout.buffer.flush()


@rejected.command()
@click.argument("rejected_ids", type=int, nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that were not replayed yet.")
def replay(rejected_ids: tuple[int, ...], *, is_all: bool) -> None:
    """Handle rejected webhooks again, and print the outcome of each.

    Exits with 1 if one is rejected again, or is not there.
    """
    if bool(rejected_ids) == is_all:
        raise click.UsageError("name the webhooks, or say --all")
    if not ask(lambda database: _replay_each(database, rejected_ids)):
        raise SystemExit(1)


async def _replay_each(database: Database, ids: tuple[int, ...]) -> bool:
    """Whether none is missing or was rejected again."""
    recorder = WebhookRecorder(database)
    is_all_well = True
    async for each_id in _chosen(database, ids):
        outcome = await _replay(database, recorder, each_id)
        click.echo(f"{each_id}\t{outcome}")
        is_all_well &= outcome not in {WebhookOutcome.REJECTED, "missing"}
    return is_all_well


async def _chosen(database: Database, ids: tuple[int, ...]) -> AsyncIterator[int]:
    """These, or else all that were not replayed yet."""
    for each_id in ids:
        yield each_id
    if not ids:
        async for each in _rejected(database, include_replayed=False):
            yield each.id


async def _replay(database: Database, recorder: WebhookRecorder, rejected_id: int) -> str:
    kept = await database.get_rejected_webhook(rejected_id)
    if kept is None or kept.body is None:
        return "missing"
    if kept.topic == TOPIC:
        received = await DeliveryRecorder(database).record(kept.body, kept.webhook_id)
        outcome = received.outcome
    else:
        recorded = await recorder.record(
            kept.topic, kept.webhook_id, kept.body, received_at=kept.received_at
        )
        outcome = recorded.outcome
    if outcome is not WebhookOutcome.REJECTED:
        await database.mark_webhook_replayed(rejected_id)
    return outcome
