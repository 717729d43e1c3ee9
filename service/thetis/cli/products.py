"""`thetis products`: the catalogue, what the shop sells that grants access or owes a message."""

from __future__ import annotations

import click

from thetis.cli.session import ask


@click.group()
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
