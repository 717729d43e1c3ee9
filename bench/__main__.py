"""`make bench` and `make bench-scale`."""

from __future__ import annotations

import time

import click

from bench import access, bulk, database, floor, outbox, queues, small, webhooks
from bench.report import Report

PARTS = ("webhooks", "floor", "outbox", "queues", "small", "bulk", "access")


@click.command()
@click.option("--scale", is_flag=True, help="Ten million purchases and 200,000 webhooks.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Some parts; repeat.")
def main(*, scale: bool, only: tuple[str, ...]) -> None:
    """Measure, and print Markdown for docs/PERFORMANCE.md."""
    started, report = time.monotonic(), Report()
    parts = only or (("small", "access") if scale else PARTS)
    with database.postgres() as at:
        database.fill(at)
        if "webhooks" in parts:
            webhooks.measure(at, report)
        if "floor" in parts:
            floor.measure(at, report)
        if "outbox" in parts:
            outbox.measure(at, report)
        if "queues" in parts:
            queues.measure(at, report)
        if "small" in parts:
            small.measure(at, report, webhooks=200_000 if scale else 10_000)
        if "bulk" in parts:
            bulk.measure(at, report)
    if "access" in parts:
        access.measure(report, (10_000, 1_000_000, *((10_000_000,) if scale else ())))
    click.echo(report.markdown())
    report.say(f"took {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
