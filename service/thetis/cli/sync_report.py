"""What `thetis backfill` and `thetis reconcile` say at their end."""

from __future__ import annotations

from collections.abc import Mapping

import click

from thetis.model import WebhookOutcome
from thetis.sync_state import SyncState
from thetis.syncing import Counts

WORDS = {
    WebhookOutcome.RECORDED: "something was new",
    WebhookOutcome.UNCHANGED: "nothing was new",
    WebhookOutcome.IGNORED: "nothing of ours in it",
    WebhookOutcome.REJECTED: "cannot be used",
}
SHOWN = 50
"""Rejected orders that are named one by one."""


def told_as_of(sync: SyncState) -> str:
    """Of which time it is."""
    first = "the beginning" if sync.since.year <= 2006 else f"{sync.since:%Y-%m-%d %H:%M}"
    again = f", again from {sync.reached:%Y-%m-%d %H:%M}" if sync.state == "resumed" else ""
    return f"orders changed from {first} to {sync.until:%Y-%m-%d %H:%M} UTC{again}"


def tell(counts: Counts, *, dry_run: bool, words: Mapping[WebhookOutcome, str] = WORDS) -> None:
    """Print the table, and exit with 1 if an order is rejected."""
    width = len(f"{counts.seen:,}")
    if dry_run:
        click.echo("nothing is changed; without --dry-run it would be")
    click.echo(f"{'seen':<10} {counts.seen:>{width},}")
    for outcome, meaning in words.items():
        click.echo(f"{outcome:<10} {counts.outcomes[outcome]:>{width},}  {meaning}")
    for order, reason in counts.rejected[:SHOWN]:
        click.echo(f"  order {order}: {reason}")
    if len(counts.rejected) > SHOWN:
        click.echo(f"  … and {len(counts.rejected) - SHOWN} more")
    if counts.outcomes[WebhookOutcome.REJECTED]:
        raise SystemExit(1)
