"""`thetis-dev preview`: what customers get after an order, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from devtools import knock_workflow
from devtools.knock_workflow import WorkflowRun
from thetis.cli.shopify_payloads import SAMPLE_PRODUCTS
from thetis.emails import course_access

CATEGORIES: Mapping[str, str] = {
    slug: "device" if slug == "splint" else "course" for slug in SAMPLE_PRODUCTS
}
"""As the migrations fill the catalogue: a preview needs no database."""

ORDER_NUMBER = "1001"
CUSTOMER = "customer@example.com"
COURSE_APP_URL = "https://courses.example.com"
VARIABLES: Mapping[str, str] = {
    "shop_name": "The shop",
    "course_app_url": COURSE_APP_URL,
    "splint_review_url": "https://shop.example.com/splint-review",
}
"""Made up: the real ones are in the Knock environment."""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, kw_only=True)
class Product:
    slug: str
    name: str
    category: str


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One email of the page, whoever sends it; `case` says who gets it, where that differs."""

    after: timedelta
    sender: str
    name: str
    case: str
    subject: str
    preheader: str
    html: str
    text: str


@click.command()
@click.option(
    "--product",
    "ordered",
    multiple=True,
    default=("splint", "standard_course"),
    help="A slug, or slug=category for a product that is not known here; repeat for more."
    "  [default: splint and standard_course]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    default="preview.html",
    show_default=True,
    help="The page to write.",
)
def preview(ordered: tuple[str, ...], out: Path) -> None:
    """Show what a customer gets after an order of these products: one page, to be opened offline.

    It reads the workflow in knock/ and our own course email. It asks no database and sends nothing.
    """
    try:
        products = [product(each) for each in dict.fromkeys(ordered)]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--product") from None
    try:
        out.write_text(page(knock_dir(), products), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"wrote {out}")


def knock_dir() -> Path:
    """The knock folder of the working directory, or else of the checkout we run from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[1]):
        if (root / "knock" / "workflows").is_dir():
            return root / "knock"
    raise click.ClickException("there is no knock/workflows here: run this in the checkout")


def product(named: str) -> Product:
    slug, _, category = named.partition("=")
    category = category or CATEGORIES.get(slug, "")
    if not (slug and category):
        known = ", ".join(CATEGORIES)
        raise ValueError(f"{named!r} is neither slug=category nor one of {known}")
    sample = SAMPLE_PRODUCTS.get(slug)
    name = sample.title if sample else slug.replace("_", " ").title()
    return Product(slug=slug, name=name, category=category)


def trigger_data(products: list[Product]) -> dict[str, Any]:
    """What the database would owe Knock for an order of these."""
    return {
        "order_number": ORDER_NUMBER,
        "products_ordered": sorted({product.slug for product in products}),
        "categories_ordered": sorted({product.category for product in products}),
    }


def page(knock: Path, products: list[Product]) -> str:
    """The whole page, which loads nothing."""
    run = render(knock, trigger_data(products))
    mails = [*_course_emails(products), *_knock_emails(run)]
    days = [(after.days, list(each)) for after, each in groupby(mails, lambda mail: mail.after)]
    return _templates.get_template("preview.html").render(
        products=products,
        branch=run.branch,
        order_number=ORDER_NUMBER,
        days=days,
        number_of_emails=len({(mail.sender, mail.name) for mail in mails}),
        has_versions=any(mail.case for mail in mails),
    )


def render(knock: Path, data: Mapping[str, Any]) -> WorkflowRun:
    try:
        return knock_workflow.render(knock, data, VARIABLES)
    except knock_workflow.WorkflowError as error:
        raise click.ClickException(str(error)) from None


def _course_emails(products: list[Product]) -> Iterator[Mail]:
    """Both variants of the course email, if the order holds a course."""
    courses = [
        {"slug": product.slug, "name": product.name}
        for product in sorted(products, key=lambda product: product.slug)
        if product.category == "course"
    ]
    for has_account in (False, True) if courses else ():
        payload = {
            "to": CUSTOMER,
            "order_number": ORDER_NUMBER,
            "has_account": has_account,
            "courses": courses,
        }
        email = course_access(payload, COURSE_APP_URL)
        yield Mail(
            after=timedelta(),
            sender="Resend",
            name="Course access",
            case="with an account" if has_account else "without an account",
            subject=email.subject,
            preheader=email.preheader,
            html=email.html,
            text=email.text,
        )


def _knock_emails(run: WorkflowRun) -> Iterator[Mail]:
    for message in run.messages:
        yield Mail(
            after=message.after,
            sender="Knock",
            name=message.name,
            case="",
            subject=message.subject,
            preheader=message.preheader,
            html=message.html,
            text=message.text,
        )
