"""The story that `thetis-dev demo` tells: what happens to two customers, each claim checked."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
import httpx
import psycopg

from devtools.accounts import Accounts
from devtools.fake_providers import FakeProviders, ReceivedRequest, readable
from thetis.cli import shopify_payloads

SECRET = "demo-webhook-secret"  # noqa: S105 - lives as long as the demo
PATIENCE = 20.0
"""Seconds to wait for something that happens by itself."""


class NotAsToldError(Exception):
    """Something was not as the story says."""


class Story:
    """Where it happens: a database, a running service, and what Knock and Resend received."""

    def __init__(
        self, database_url: str, accounts: Accounts, service: str, seen: FakeProviders
    ) -> None:
        self._database = psycopg.connect(database_url, autocommit=True)
        self.accounts = accounts
        self._webhooks = f"{service}/webhooks/shopify"
        self._seen = seen
        self._shown = 0

    def chapter(self, title: str) -> None:
        click.secho(f"\n{title}", bold=True)

    def check(self, claim: str, *, holds: bool) -> None:
        click.echo(f"  {'✓' if holds else '✗'} {claim}")
        if not holds:
            raise NotAsToldError(claim)

    def eventually(self, claim: str, holds: Callable[[], bool]) -> None:
        """For what the worker does in its own time."""
        deadline = time.monotonic() + PATIENCE
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.check(claim, holds=holds())

    def shopify_sends(self, topic: str, payload: shopify_payloads.Json, outcome: str) -> None:
        body = shopify_payloads.encode(payload)
        response = shopify_payloads.send(topic, self._webhooks, SECRET, body)
        answer = f"{response.status_code} {response.text}"
        as_told = response.status_code == httpx.codes.OK and response.json()["outcome"] == outcome
        self.check(
            f"Shopify sends {topic} ({len(body)} bytes) and is answered {answer}", holds=as_told
        )

    def order(self, topic: str, order_id: int, email: str, *slugs: str) -> shopify_payloads.Json:
        products = [shopify_payloads.SAMPLE_PRODUCTS[slug] for slug in slugs]
        return shopify_payloads.order(
            topic, order_id=order_id, email=email, products=products, at=datetime.now(UTC)
        )

    def received(self, path: str, **fields: Any) -> list[ReceivedRequest]:
        """What customers would notice, of this path and with these fields in the body."""
        return [
            request
            for request in list(self._seen.effects)
            if request.path.endswith(path)
            and all(request.body.get(name) == value for name, value in fields.items())
        ]

    def show_received(self) -> None:
        for request in self._seen.effects[self._shown :]:
            key = request.idempotency_key
            click.echo(
                f"    {request.method} {request.path}" + (f"  Idempotency-Key: {key}" * bool(key))
            )
            click.echo(textwrap.indent(readable(request), "    │ ", lambda _: True))
        self._shown = len(self._seen.effects)

    def show_purchases(self) -> None:
        rows = self._database.execute(
            "select shopify_order_number, shopify_customer_email, product_slug, status,"
            " case when user_id is null then 'nobody yet' else left(user_id::text, 8) end"
            " from public.purchases where purchased_at > now() - interval '1 day'"
            " order by created_at, product_slug"
        ).fetchall()
        header = ("order", "email", "product", "status", "user")
        click.echo("    " + "  ".join(name.ljust(22) for name in header).rstrip())
        for row in rows:
            click.echo("    " + "  ".join(str(value).ljust(22) for value in row).rstrip())


def tell(story: Story) -> None:
    """The story itself."""
    ines, first = "ines@example.com", shopify_payloads.new_order_id()
    story.chapter("1. Ines, who has no account, buys the Standard Course")
    bought = story.order("orders/paid", first, "Ines@Example.com", "standard_course")
    story.shopify_sends("orders/paid", bought, "recorded")
    story.show_purchases()
    story.eventually(
        "Knock was asked to start post-purchase",
        lambda: bool(story.received("/trigger", cancellation_key=str(first))),
    )
    story.eventually(
        "Resend was asked to send the course email", lambda: bool(story.received("/emails"))
    )
    story.show_received()

    story.chapter("2. Shopify, as it does, sends the same webhook again")
    story.shopify_sends("orders/paid", bought, "unchanged")

    story.chapter("3. Ines signs up with the address she used at checkout")
    ines_id = story.accounts.sign_up(ines, confirmed=False)
    story.check(
        "before she confirms the address she has no access",
        holds=not story.accounts.has_access(ines_id, "standard_course"),
    )
    story.accounts.confirm(ines_id)
    story.check(
        "once confirmed, has_access('standard_course') is true",
        holds=story.accounts.has_access(ines_id, "standard_course"),
    )
    story.show_purchases()

    story.chapter("4. Somebody else has an account, too")
    stranger = story.accounts.sign_up("stranger@example.com")
    story.check(
        "they have no access", holds=not story.accounts.has_access(stranger, "standard_course")
    )
    story.check("they see no purchases", holds=story.accounts.purchases(stranger) == [])

    second, third = shopify_payloads.new_order_id(), shopify_payloads.new_order_id()
    story.chapter("5. Ines, now a customer with an account, buys a splint")
    story.shopify_sends(
        "orders/paid", story.order("orders/paid", second, ines, "splint"), "recorded"
    )
    story.check("it is hers at once", holds=story.accounts.has_access(ines_id, "splint"))

    story.chapter("6. Noor buys both in one order")
    both = story.order("orders/paid", third, "noor@example.com", "splint", "premium_course")
    story.shopify_sends("orders/paid", both, "recorded")
    story.eventually(
        "Knock was told of both products in one trigger",
        lambda: (
            [
                request.body["data"]["products_ordered"]
                for request in story.received("/trigger", cancellation_key=str(third))
            ]
            == [["premium_course", "splint"]]
        ),
    )
    story.eventually("each order started one run", lambda: len(story.received("/trigger")) == 3)
    story.eventually("two course emails in all", lambda: len(story.received("/emails")) == 2)
    story.show_received()

    story.chapter("7. Ines sends the course back")
    product = shopify_payloads.SAMPLE_PRODUCTS["standard_course"]
    refund = shopify_payloads.refund(order_id=first, products=[product], at=datetime.now(UTC))
    story.shopify_sends("refunds/create", refund, "recorded")
    story.check("access is gone", holds=not story.accounts.has_access(ines_id, "standard_course"))
    story.check("the splint is still hers", holds=story.accounts.has_access(ines_id, "splint"))
    click.echo("  … Knock asks for five seconds between a trigger and its cancellation")
    story.eventually(
        "Knock was asked to cancel the run of that order, and only of that one",
        lambda: (
            [each.body["cancellation_key"] for each in story.received("/cancel")] == [str(first)]
        ),
    )
    story.show_received()
    story.show_purchases()
