"""`thetis-dev preview`: what customers get after an order, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from devtools import knock_workflow, sample_order
from devtools.knock_workflow import WorkflowError, WorkflowRun
from devtools.migrations import MigrationError
from devtools.platform import PlatformError
from devtools.sample_order import CUSTOMER, ORDER_NUMBER, SampleOrder
from thetis.emails import Brand, Email, claim_code, course_access
from thetis.errors import DatabaseError
from thetis.providers.knock import trigger_data

BRAND = Brand(
    shop_name="The shop",
    support_email="help@example.com",
    shop_address="1 Example Street, Exampleton",
)

VARIABLES = {
    "shop_name": BRAND.shop_name,
    "support_email": BRAND.support_email,
    "shop_address": BRAND.shop_address or "",
    "brand_color": BRAND.color,
    "brand_text_color": BRAND.text_color,
    "logo_url": BRAND.logo_url or "",
    "course_app_url": "https://courses.example.com",
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
    help="A slug, or slug=category for a product that the catalogue does not have; repeat for more."
    "  [default: splint and standard_course]",
)
@click.option(
    "--given-back",
    "lost",
    multiple=True,
    help="SLUG=DAYS: a product that goes back so many days after the order; repeat for more.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    default="preview.html",
    show_default=True,
    help="The page to write.",
)
def preview(ordered: tuple[str, ...], lost: tuple[str, ...], out: Path) -> None:
    """Show what a customer gets after an order of these products: one page, to be opened offline.

    The database decides what that is: one of its own, filled by the migrations, that lives for
    some seconds. The page shows the workflow in knock/ and our own course email. Nothing is sent.
    """
    try:
        products = [slug_and_category(each) for each in dict.fromkeys(ordered)]
        given_back = dict(slug_and_days(each) for each in lost)
        order = sample_order.record(folder("supabase", "migrations"), products)
        out.write_text(page(folder("knock", "workflows"), order, given_back), encoding="utf-8")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--product or --given-back") from None
    except (PlatformError, MigrationError, DatabaseError, WorkflowError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"wrote {out}")


def folder(name: str, content: str) -> Path:
    """The folder of the working directory, or else of the checkout we run from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[1]):
        if (root / name / content).is_dir():
            return root / name
    raise click.ClickException(f"there is no {name}/{content} here: run this in the checkout")


def slug_and_category(named: str) -> tuple[str, str]:
    """The category is "" when it is that of the catalogue."""
    slug, equals, category = named.partition("=")
    if not slug or (equals and not category):
        raise ValueError(f"{named!r} is neither a slug nor slug=category")
    return slug, category


def slug_and_days(named: str) -> tuple[str, timedelta]:
    slug, _, days = named.partition("=")
    try:
        return slug, timedelta(days=float(days))
    except (ValueError, OverflowError):
        raise ValueError(f"{named!r} is not slug=days, such as splint=2") from None


def page(
    knock_dir: Path, order: SampleOrder, given_back: Mapping[str, timedelta] | None = None
) -> str:
    """The whole page, which loads nothing. `given_back`: which product goes back, and when."""
    facts, lost = order.without_account["post_purchase"], given_back or {}
    ended = {
        each["id"]: lost[each["product"]] for each in facts["purchases"] if each["product"] in lost
    }
    run = knock_workflow.render(knock_dir, trigger_data(facts), VARIABLES, ended)
    mails = [*_course_emails(order), *_knock_emails(run)]
    days = [(after.days, list(each)) for after, each in groupby(mails, lambda mail: mail.after)]
    return _templates.get_template("preview.html").render(
        products=order.products,
        branch=run.branch,
        order_number=ORDER_NUMBER,
        days=days,
        asked_for=_code_email(),
        number_of_emails=len({(mail.sender, mail.name) for mail in mails}),
        has_versions=any(mail.case for mail in mails),
    )


def _course_emails(order: SampleOrder) -> Iterator[Mail]:
    """Both versions of the course email, if the order has one."""
    versions = (("without", order.without_account), ("with", order.with_account))
    for case, payloads in versions:
        if "course_access" not in payloads:
            continue
        email = course_access(payloads["course_access"], VARIABLES["course_app_url"], BRAND)
        yield _by_resend(email, "Course access", f"{case} an account")


def _code_email() -> Mail:
    """It follows from no order: who is signed in asks for it."""
    payload = {"email": CUSTOMER, "code": "042917", "minutes": 15}
    return _by_resend(claim_code(payload, BRAND), "Code for another address", "who asks for it")


def _by_resend(email: Email, name: str, case: str) -> Mail:
    return Mail(
        after=timedelta(),
        sender="Resend",
        name=name,
        case=case,
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
