"""The `thetis` command."""

from __future__ import annotations

import asyncio
import signal

import click
import uvicorn

from service import logs, settings, wiring
from service.asking import ask, load_or_exit
from service.local.commands import dev, local
from service.local.preview import preview
from service.local.simulate import simulate
from service.metrics import Metrics
from service.rejected import rejected


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="thetis")
def main() -> None:
    """Shopify orders in, course access and post-purchase messages out."""


main.add_command(dev)
main.add_command(local)
main.add_command(preview)
main.add_command(rejected)
main.add_command(simulate)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
def serve(host: str, port: int) -> None:
    """Receive webhooks, and send what is owed."""
    chosen = load_or_exit(settings.ServiceSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    uvicorn.run(
        lambda: wiring.app(chosen),
        factory=True,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=30,
    )


@main.command()
def worker() -> None:
    """Only send what is owed; any number of workers may run."""
    chosen = load_or_exit(settings.WorkerSettings)
    logs.configure(chosen.log_level, chosen.log_format)
    asyncio.run(_work(chosen))


async def _work(chosen: settings.WorkerSettings) -> None:
    database = wiring.database(chosen)
    dispatcher = wiring.dispatcher(chosen, database, Metrics())
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, dispatcher.stop)
    await database.open()
    await dispatcher.run()
    await database.close()


@main.group()
def products() -> None:
    """The catalogue: what the shop sells that grants access or owes a message."""


@products.command("list")
def list_products() -> None:
    """Print every product with its Shopify product ids."""
    for product in ask(lambda database: database.list_products()):
        period = product.access_period or "for ever"
        ids = ", ".join(product.shopify_product_ids) or "no Shopify id yet"
        click.echo(f"{product.slug}\t{product.name}\t{product.category}\t{period}\t{ids}")


@products.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As the customer reads it.")
@click.option("--category", required=True, help="course, device, ...: decides the messages.")
@click.option("--shopify-id", help="The product's id in Shopify; may be added later.")
@click.option("--access-period", help="For example '1 year'; without it, for ever.")
def add_product(
    slug: str, name: str, category: str, shopify_id: str | None, access_period: str | None
) -> None:
    """Add a product, change one, or give one a (further) Shopify id."""
    ask(
        lambda database: database.add_product(
            slug=slug,
            name=name,
            category=category,
            shopify_product_id=shopify_id,
            access_period=access_period,
        )
    )
    click.echo(f"{slug} is in the catalogue.")


@products.command("remove")
@click.argument("slug")
def remove_product(slug: str) -> None:
    """Remove a product that nobody has bought."""
    if not ask(lambda database: database.remove_product(slug)):
        raise click.ClickException(f"there is no product {slug}")
    click.echo(f"{slug} is no longer in the catalogue.")
