"""`thetis backfill` and `thetis reconcile`: orders of which no webhook told."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import click

from thetis import wiring
from thetis.cli.exported import backfill_from_export, mapping
from thetis.cli.session import ask_with
from thetis.cli.sync_report import tell, told_as_of
from thetis.database import Database
from thetis.errors import SyncBusy
from thetis.providers.shopify_admin import ALL_ORDERS_SCOPE, ShopifyAdmin
from thetis.settings import SyncSettings
from thetis.syncing import SHOWN_FOR, Counts, Progress, Syncing, new_holder
from thetis.syncs import OrderSyncs

COUNTED = 25_000
"""Shopify counts orders no further."""

BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)
"""Shopify is no older."""


class Day(click.ParamType[datetime]):
    """The beginning of a day in UTC, or its end; or a moment."""

    name = "date"

    def __init__(self, *, is_end: bool = False) -> None:
        self._is_end = is_end

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; one looks like 2026-11-20", param, ctx)
        if self._is_end and len(value) == len("2026-11-20"):
            moment = moment.replace(hour=23, minute=59, second=59)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.option("--since", type=Day(), help="Orders changed from this day on.  [default: all]")
@click.option("--until", type=Day(is_end=True), help="… to the end of this one.  [default: now]")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option(
    "--csv",
    "file",
    type=click.Path(dir_okay=False),
    help="Read an order export of Shopify's admin instead of asking Shopify.",
)
@click.option(
    "--map",
    "slugs",
    multiple=True,
    metavar="LINE=SLUG",
    callback=mapping,
    help="With --csv: which product a line with this SKU or name is. May be given many times.",
)
def backfill(
    since: datetime | None,
    until: datetime | None,
    *,
    dry_run: bool,
    file: str | None,
    slugs: dict[str, str],
) -> None:
    """Record orders of which no webhook told: from before the installation, or of an outage.

    Recording an order twice changes nothing. If it is interrupted, run it again with the same
    dates: it goes on where it was. Exits with 1 if an order is rejected.
    """
    if file is not None:
        if since or until:
            raise click.UsageError("--csv reads the whole file: leave --since and --until out")
        backfill_from_export(file, slugs, dry_run=dry_run)
        return
    if slugs:
        raise click.UsageError("--map is for the lines of --csv")
    if since and since >= (until or datetime.now(UTC)):
        raise click.UsageError("--since must be before --until, and not in the future")

    async def run(database: Database, chosen: SyncSettings) -> Counts:
        shop = wiring.shopify_admin(chosen)
        try:
            await _warn_of_what_is_not_shown(shop, since)
            syncing = _syncing(shop, database, chosen)
            with _Bar() as bar:
                if dry_run:
                    first, last = since or BEGINNING, until or datetime.now(UTC)
                    return await syncing.preview(first, last, bar.watch)
                return await syncing.run("backfill", since, until, bar.watch)
        finally:
            await shop.close()

    with _interruptions("backfill"):
        tell(ask_with(SyncSettings, run), dry_run=dry_run)


@click.command()
def reconcile() -> None:
    """Record what changed since the last reconcile, and no webhook told.

    The worker does it by itself every `RECONCILE_MINUTES`. The first one goes back three days.
    Exits with 1 if an order is rejected.
    """

    async def run(database: Database, chosen: SyncSettings) -> Counts:
        shop = wiring.shopify_admin(chosen)
        try:
            with _Bar() as bar:
                syncing = _syncing(shop, database, chosen)
                return await syncing.run("reconcile", None, None, bar.watch)
        finally:
            await shop.close()

    with _interruptions("reconcile"):
        tell(ask_with(SyncSettings, run), dry_run=False)


def _syncing(shop: ShopifyAdmin, database: Database, chosen: SyncSettings) -> Syncing:
    syncs = OrderSyncs(database, holder=new_holder(), test_orders=chosen.test_orders)
    return Syncing(shop, syncs)


async def _warn_of_what_is_not_shown(shop: ShopifyAdmin, since: datetime | None) -> None:
    shown_since = datetime.now(UTC) - SHOWN_FOR
    if ALL_ORDERS_SCOPE in await shop.scopes():
        click.echo("Shopify shows this app all orders.")
    elif since and since >= shown_since:
        click.echo("Shopify shows this app the orders of the last 60 days.")
    else:
        click.echo(
            f"WARNING: Shopify shows this app only orders made since {shown_since.date()}. For"
            f" older ones let the app have the scope {ALL_ORDERS_SCOPE}, or read an export with"
            " --csv.",
            err=True,
        )


@contextmanager
def _interruptions(purpose: str) -> Iterator[None]:
    try:
        yield
    except SyncBusy as busy:
        raise click.ClickException(
            f"another {purpose} is at work, or was killed: if so, this goes on with it in"
            f" {busy.seconds:.0f} seconds"
        ) from None
    except KeyboardInterrupt:
        click.echo(f"\nstopped; what was recorded stays, and `thetis {purpose}` goes on from there")
        raise SystemExit(1) from None


class _Bar:
    """Shows how far it is, how fast, and how long it takes; nothing where nobody watches."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._began = time.monotonic()

    def watch(self, progress: Progress) -> None:
        if self._bar is None:
            click.echo(told_as_of(progress.sync))
            length = progress.total if progress.total <= COUNTED else None
            self._bar = click.progressbar(
                length=length,
                show_pos=True,
                item_show_func=self._rate,
                file=sys.stderr,
                hidden=not sys.stderr.isatty(),
            ).__enter__()
        elif self._bar.length is not None:
            # an order that was changed meanwhile comes again
            self._bar.length = max(self._bar.length, progress.done)
        self._bar.update(progress.done - self._bar.pos, progress.done)

    def _rate(self, done: int | None) -> str:
        elapsed = time.monotonic() - self._began
        return f"{(done or 0) / elapsed:.0f} orders a second" if elapsed else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)
