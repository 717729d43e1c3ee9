"""`thetis simulate`: what Shopify would send, signed as Shopify signs it."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import click
import httpx

from thetis.cli import shopify_disputes, shopify_payloads
from thetis.cli.shopify_disputes import DISPUTE_STATUSES, FIRST_STATUS
from thetis.shopify import TOPICS

WEBHOOK_PATH = "/webhooks/shopify"


SIMULATED = sorted(topic for topic, kind in TOPICS.items() if kind != "privacy")


@click.command()
@click.argument("topic", type=click.Choice(SIMULATED))
@click.option("--url", required=True, help="Where the service is; the path may be left out.")
@click.option(
    "--secret", required=True, help="SHOPIFY_CLIENT_SECRET, or one of SHOPIFY_WEBHOOK_SECRETS."
)
@click.option(
    "--email", default="customer@example.com", show_default=True, help="The customer's address."
)
@click.option(
    "--product",
    "names",
    multiple=True,
    help="A slug, or a Shopify product id; repeat for more lines.  [default: standard_course]",
)
@click.option("--order-id", type=click.IntRange(1, 2**63 - 1), help="[default: a new order]")
@click.option(
    "--dispute-status",
    type=click.Choice(DISPUTE_STATUSES),
    help="Of disputes/*.  [default: needs_response, or won for disputes/update]",
)
@click.option("--inquiry", "is_inquiry", is_flag=True, help="Of disputes/*: no chargeback.")
@click.option("--test", "is_test", is_flag=True, help="Mark the order as a test, as Shopify does.")
def simulate(
    *,
    topic: str,
    url: str,
    secret: str,
    email: str,
    names: tuple[str, ...],
    order_id: int | None,
    dispute_status: str | None,
    is_inquiry: bool,
    is_test: bool,
) -> None:
    """Send one realistic Shopify webhook of this TOPIC to a running service.

    Calls with the same --order-id and --product are about the same order and line items, or about
    the same dispute of it.
    """
    if TOPICS[topic] != "order" and order_id is None:
        done = "refunded" if TOPICS[topic] == "refund" else "disputed"
        raise click.UsageError(f"{topic} needs --order-id: which order is {done}?")
    order_id = order_id or shopify_payloads.new_order_id()
    if TOPICS[topic] == "dispute":
        payload = shopify_disputes.dispute(
            order_id=order_id,
            status=dispute_status or FIRST_STATUS[topic],
            is_inquiry=is_inquiry,
            at=datetime.now(UTC),
        )
    else:
        payload = _payload(topic, order_id, email, names)
    if is_test and TOPICS[topic] == "order":
        payload["test"] = True
    body = shopify_payloads.encode(payload)
    try:
        response = shopify_payloads.send(topic, _webhook_url(url), secret, body)
    except httpx.UnsupportedProtocol:
        words = f"{url} must begin with http:// or https://"
        raise click.BadParameter(words, param_hint="--url") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        reason = type(error).__name__
        raise click.ClickException(f"the service at {url} does not answer ({reason})") from None
    click.echo(f"{topic} of order {order_id}: {response.status_code} {response.text}")
    if not response.is_success:
        raise SystemExit(1)


def _payload(
    topic: str, order_id: int, email: str, names: tuple[str, ...]
) -> shopify_payloads.Json:
    try:
        products = [shopify_payloads.find_product(name) for name in names or ("standard_course",)]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--product") from None
    now = datetime.now(UTC)
    if TOPICS[topic] == "refund":
        return shopify_payloads.refund(order_id=order_id, products=products, at=now)
    return shopify_payloads.order(topic, order_id=order_id, email=email, products=products, at=now)


def _webhook_url(url: str) -> str:
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + WEBHOOK_PATH
