"""The `thetis` command: what somebody who deploys needs, one file for each group of commands."""

from __future__ import annotations

import click

from thetis.cli.customer import customer
from thetis.cli.doctor import doctor
from thetis.cli.messages import messages
from thetis.cli.products import products
from thetis.cli.rejected import rejected
from thetis.cli.serve import serve, worker
from thetis.cli.simulate import simulate
from thetis.cli.staff import staff
from thetis.cli.sync import backfill, reconcile
from thetis.cli.webhooks import webhooks


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="thetis")
def main() -> None:
    """Shopify orders in, course access and post-purchase messages out."""


for command in (
    serve,
    worker,
    doctor,
    webhooks,
    backfill,
    reconcile,
    customer,
    products,
    rejected,
    messages,
    staff,
    simulate,
):
    main.add_command(command)
