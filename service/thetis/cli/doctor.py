"""`thetis doctor`: is everything set up right?"""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys

import click

from thetis import logs
from thetis.doctor import report
from thetis.doctor.diagnosis import diagnose
from thetis.doctor.known import Known

WIDEST = 100


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object, for programs.")
@click.option(
    "--live",
    "is_live",
    is_flag=True,
    help="Also send one signed test webhook through the public address, and follow it to the"
    " database. It is about an order that nobody has, and grants nothing.",
)
def doctor(*, is_json: bool, is_live: bool) -> None:
    """Check the whole set-up: settings, database, Auth, Shopify, Knock, Resend, addresses.

    Each check passes, warns, fails or cannot be checked, and says where it is mended. Changes
    nothing. Exits with 1 if a check fails.
    """
    logs.configure("error", "console")
    logging.disable(logging.CRITICAL)  # what a library would log, a check finds and says
    results = asyncio.run(diagnose(Known(), is_live=is_live))
    if is_json:
        click.echo(report.as_json(results))
    else:
        width = min(shutil.get_terminal_size().columns, WIDEST)
        for line in report.lines(results, width=width, encoding=sys.stdout.encoding):
            click.echo(line)
    if report.has_failed(results):
        raise SystemExit(1)
