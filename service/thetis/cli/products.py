"""`thetis products`: the catalogue, what the shop sells that grants access or sends something."""

from __future__ import annotations

import re

import click

from thetis.cli.session import ask
from thetis.providers.knock import BRANCHED_CATEGORIES

_ADMIN_URL = re.compile(
    r"https://(admin\.shopify\.com/store/[^/?#]+|[^/?#]+\.myshopify\.com/admin)"
    r"/(?P<kind>[a-z_]+)/(?P<id>[0-9]+)(/(?P<more>[^?#]*))?([?#].*)?"
)
_GID = re.compile(r"gid://shopify/(?P<kind>[A-Za-z]+)/(?P<id>[0-9]+)")


_EXAMPLES = (
    "9846187786568, gid://shopify/Product/9846187786568"
    " or https://admin.shopify.com/store/NAME/products/9846187786568"
)


def product_id(text: str) -> str:
    """The digits of a product's id, of its gid, or in the address of its page in the admin.

    Raises ValueError for anything else, with a message for the person who typed it.
    """
    given = text.strip()
    found = _GID.fullmatch(given) or _ADMIN_URL.fullmatch(given)
    if "variant" in given.lower():
        raise ValueError(f"{given} is a variant, and not the product that it belongs to")
    if found and found["kind"].lower() not in {"product", "products"}:
        raise ValueError(f"{given} is of {found['kind']}, and not a product")
    digits = found["id"] if found else given
    if not re.fullmatch("[1-9][0-9]{0,18}", digits) or int(digits) >= 2**63:
        raise ValueError(f"{given!r} is no product id; one looks like {_EXAMPLES}")
    return digits


def _product_id(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    try:
        return None if value is None else product_id(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def products() -> None:
    """The catalogue: what the shop sells that grants access or sends something."""


@products.command("list")
def list_products() -> None:
    """Print every product with its Shopify product ids."""
    for product in ask(lambda database: database.list_products()):
        period = product.access_period or "for ever"
        ids = ", ".join(product.shopify_product_ids) or "no Shopify id yet"
        click.echo(f"{product.slug}\t{product.name}\t{product.category}\t{period}\t{ids}")


@products.command()
def unmapped() -> None:
    """Print what was sold and is not in the catalogue: its buyers wait, if it should be.

    One line for each Shopify product, the last sold first: its id, in how many orders, and when it
    was first and last sold. `thetis products add SLUG --shopify-id ID` adds it.
    """
    for each in ask(lambda database: database.list_unmapped_products(max_count=500)):
        words = (each.shopify_product_id, each.order_count, each.first_sold_at, each.last_sold_at)
        click.echo("\t".join(map(str, words)))


@products.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As the customer reads it.")
@click.option("--category", required=True, help="course, device, ...: decides the messages.")
@click.option(
    "--shopify-id",
    callback=_product_id,
    help="The product's id in Shopify, its gid or its admin page; may be added later.",
)
@click.option(
    "--access-period",
    help="For example '1 year', or 'for ever'.  [default: as it is; for ever if new]",
)
def add_product(
    slug: str, name: str, category: str, shopify_id: str | None, access_period: str | None
) -> None:
    """Add a product, change one, or give one a Shopify id or a further one.

    SLUG is our name for it, such as `splint`: lower case letters, digits and underscores.
    """
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
    if category not in BRANCHED_CATEGORIES:
        usual = ", ".join(sorted(BRANCHED_CATEGORIES))
        click.echo(
            f"Note: the Knock workflow has no branch for the category {category}, only for {usual}:"
            " its buyers get the default branch.",
            err=True,
        )


@products.command("remove")
@click.argument("slug")
def remove_product(slug: str) -> None:
    """Remove a product that nobody has bought."""
    if not ask(lambda database: database.remove_product(slug)):
        raise click.ClickException(f"there is no product {slug}")
    click.echo(f"{slug} is no longer in the catalogue.")


@products.command("remove-id")
@click.argument("shopify_id", callback=_product_id)
def remove_id(shopify_id: str) -> None:
    """Let a Shopify product mean none of ours. What was bought of it stays."""
    slug = ask(lambda database: database.remove_shopify_product(shopify_id))
    if slug is None:
        raise click.ClickException(f"no product has the Shopify id {shopify_id}")
    click.echo(f"The Shopify id {shopify_id} no longer means {slug}.")
