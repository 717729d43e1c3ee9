"""The `thetis` command: what somebody who deploys needs, one file for each group of commands."""

from __future__ import annotations

from pathlib import Path

import click

from thetis.cli.customer import customer
from thetis.cli.doctor import doctor
from thetis.cli.env_file import read_into_environment
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
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    envvar="THETIS_ENV_FILE",
    show_envvar=True,
    expose_value=False,
    callback=read_into_environment,
    metavar="PATH",
    help="Read settings from this file too, such as `deploy/.env`. What the environment has counts"
    " for more.",
)
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
