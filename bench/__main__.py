"""`make bench` and `make bench-scale`."""

from __future__ import annotations

import time

import click

from bench import stage, webhooks
from bench.report import Report


@click.command()
def main() -> None:
    """Measure, and print Markdown."""
    started, report = time.monotonic(), Report()
    with stage.postgres() as at:
        stage.fill(at)
        webhooks.measure(at, report)
    click.echo(report.markdown())
    report.say(f"took {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
