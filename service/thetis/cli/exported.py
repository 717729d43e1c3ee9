"""`thetis backfill --csv`: orders from an export of Shopify's admin."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import click

from thetis.cli.session import ask
from thetis.cli.sync_report import WORDS, tell
from thetis.database import Database
from thetis.errors import UnusablePayload
from thetis.model import WebhookOutcome
from thetis.order_export import Export, read_export
from thetis.syncing import Counts, new_holder
from thetis.syncs import OrderSyncs

BATCH = 200
"""Orders in one call: few enough for its time."""

_NOTHING = "nothing of ours in it, or nothing to give: not paid, over, or new"
_WORDS = {**WORDS, WebhookOutcome.IGNORED: _NOTHING}

SHOWN = 20
"""Lines without a product that are named, the most frequent first."""


def mapping(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> dict[str, str]:
    """Which product a line is."""
    slugs: dict[str, str] = {}
    for each in value:
        line, _, slug = each.rpartition("=")
        if not (line.strip() and slug.strip()):
            raise click.BadParameter(f"{each!r} is not LINE=SLUG")
        slugs[line.strip()] = slug.strip()
    return slugs


def backfill_from_export(path: str, slugs: dict[str, str], *, dry_run: bool) -> None:
    """Record what the file says, and print what became of it."""
    export = _read(path, slugs)
    if not slugs:
        raise click.UsageError(
            "say which of its lines is which product, with --map 'LINE=SLUG'. It has"
            + "".join(f"\n  {line}" for line in _lines(export))
        )
    counts = ask(lambda database: _record(database, export, dry_run=dry_run))
    for line in _lines(export):
        click.echo(f"not mapped, and so not recorded: {line}")
    tell(counts, dry_run=dry_run, words=_WORDS)


def _read(path: str, slugs: dict[str, str]) -> Export:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return read_export(file, slugs)
    except UnusablePayload as error:
        words = f"{path} is no order export of Shopify's admin: {error.reason}"
        raise click.ClickException(words) from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None


def _lines(export: Export) -> list[str]:
    shown = [f"{name} ({total})" for name, total in export.unmapped.most_common(SHOWN)]
    more = len(export.unmapped) - len(shown)
    return [*shown, *([f"… and {more} more"] if more > 0 else [])]


async def _record(database: Database, export: Export, *, dry_run: bool) -> Counts:
    syncs = OrderSyncs(database, holder=new_holder())
    counts = Counts(seen=len(export.orders) + len(export.faults), rejected=[*export.faults])
    counts.outcomes[WebhookOutcome.REJECTED] = len(export.faults)
    names = {each["id"]: each["order_number"] for each in export.orders}
    orders = iter(export.orders)
    with click.progressbar(
        length=len(export.orders), show_pos=True, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        while batch := list(islice(orders, BATCH)):
            for each in await syncs.record_exported_orders(batch, dry_run=dry_run):
                counts.outcomes[each.outcome] += 1
                if each.outcome is WebhookOutcome.REJECTED:
                    order_id = each.shopify_order_id or ""
                    name = names.get(order_id) or order_id
                    counts.rejected.append((name, each.reason or "no reason given"))
            bar.update(len(batch))
    return counts
