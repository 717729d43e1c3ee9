"""`make demo`: a customer's story on a real Postgres and the real service, over real HTTP.

Every sentence that is printed with a tick was checked; the exit status says whether all held.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from devtools import migrations, platform
from devtools.accounts import Accounts
from devtools.cli import supabase_dir
from devtools.fake_providers import FakeProviders, ReceivedRequest, readable, running
from thetis.cli import shopify_payloads

SECRET = "demo-webhook-secret"  # noqa: S105 - lives as long as the demo
PATIENCE = 20.0
"""Seconds to wait for something that happens by itself."""


class NotAsToldError(Exception):
    """Something was not as the story says."""


class Story:
    """The stage: a database, a running service, and what Knock and Resend received."""

    def __init__(
        self, database_url: str, accounts: Accounts, service: str, seen: FakeProviders
    ) -> None:
        self._database = psycopg.connect(database_url, autocommit=True)
        self.accounts = accounts
        self._webhooks = f"{service}/webhooks/shopify"
        self._seen = seen
        self._shown = 0

    def chapter(self, title: str) -> None:
        print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")

    def check(self, claim: str, *, holds: bool) -> None:
        print(f"  {'✓' if holds else '✗'} {claim}")
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
            print(
                f"    {request.method} {request.path}" + (f"  Idempotency-Key: {key}" * bool(key))
            )
            print(textwrap.indent(readable(request), "    │ ", lambda _: True))
        self._shown = len(self._seen.effects)

    def show_purchases(self) -> None:
        rows = self._database.execute(
            "select shopify_order_number, shopify_customer_email, product_slug, status,"
            " case when user_id is null then 'nobody yet' else left(user_id::text, 8) end"
            " from public.purchases where purchased_at > now() - interval '1 day'"
            " order by created_at, product_slug"
        ).fetchall()
        header = ("order", "email", "product", "status", "user")
        print("    " + "  ".join(name.ljust(22) for name in header).rstrip())
        for row in rows:
            print("    " + "  ".join(str(value).ljust(22) for value in row).rstrip())


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
    print("  … Knock asks for five seconds between a trigger and its cancellation")
    story.eventually(
        "Knock was asked to cancel the run of that order, and only of that one",
        lambda: (
            [each.body["cancellation_key"] for each in story.received("/cancel")] == [str(first)]
        ),
    )
    story.show_received()
    story.show_purchases()


@contextmanager
def stage() -> Iterator[Story]:
    """Platform, stand-in and service, all gone at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thetis-demo-")))
        database = platform.start(folder)
        stack.callback(platform.stop, folder)
        migrations.apply(database.database_url, supabase_dir())
        migrations.seed(database.database_url, supabase_dir())
        seen = FakeProviders()
        providers = stack.enter_context(running(seen))
        service = stack.enter_context(_service(database.database_url, providers))
        accounts = stack.enter_context(Accounts(database.admin_url))
        yield Story(database.database_url, accounts, service, seen)


@contextmanager
def _service(database_url: str, providers: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": database_url,
        "SHOPIFY_WEBHOOK_SECRETS": SECRET,
        "KNOCK_API_KEY": "demo",
        "KNOCK_BASE_URL": providers,
        "RESEND_API_KEY": "demo",
        "RESEND_BASE_URL": providers,
        "EMAIL_FROM": "The shop <shop@example.com>",
        "COURSE_APP_URL": "https://courses.example.com",
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "thetis", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **settings})  # noqa: S603 - our own
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise NotAsToldError("the service did not become ready")


def main() -> None:
    started = time.monotonic()
    print("Starting Postgres, the service, and a stand-in for Knock and Resend …")
    try:
        with stage() as story:
            tell(story)
    except NotAsToldError as claim:
        sys.exit(f"\nNot as told: {claim}")
    print(f"\nAll of it was checked, in {time.monotonic() - started:.0f} seconds.")


if __name__ == "__main__":
    main()
