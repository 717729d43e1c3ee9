"""What can be wrong at Shopify, Knock and Resend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta

from tests.service.doctor.planting import Fault, Plant, both, setting, statement
from tests.service.doctor.world import ORDER, World
from thetis.cli import shopify_payloads


def a_webhook(**changes: object) -> Plant:
    """The first of those at Shopify."""

    def planted(world: World) -> None:
        next(iter(world.shop.webhooks.values())).update(changes)

    return planted


def astray(world: World) -> None:
    for each in world.shop.webhooks.values():
        each |= {"uri": "https://old.example.com/webhooks/shopify", "name": None}


def one_webhook_less(world: World) -> None:
    [refunds] = [
        key for key, each in world.shop.webhooks.items() if each["topic"] == "REFUNDS_CREATE"
    ]
    del world.shop.webhooks[refunds]


def a_newer_order(world: World, *, email: str = "ada@example.com", minutes: int = 60) -> None:
    made_at = datetime.now(UTC) + timedelta(minutes=minutes)
    newest = shopify_payloads.order(
        "orders/paid",
        order_id=5992405700199,
        email=email,
        products=[shopify_payloads.find_product("standard_course")],
        at=made_at,
    )
    world.shop.put({**newest, **({} if email else {"customer": None, "contact_email": None})})


def no_webhook_for_days(world: World) -> AbstractContextManager[None] | None:
    return statement(
        "update thetis.webhook_heartbeats set received_at = received_at - interval '3 days'",
        "update thetis.webhook_heartbeats set received_at = received_at + interval '3 days'",
    )(world)


@contextmanager
def an_hour_ago(world: World) -> Iterator[None]:
    """The order and its webhook both came before, so that silence is not mere quiet."""
    world.shop.remove(ORDER)
    a_newer_order(world, minutes=-60)
    with no_webhook_for_days(world) or nullcontext():
        yield


def workflow(key: str, **changes: object) -> Plant:
    return lambda world: world.accounts.workflows[key].update(changes)


def channel(**changes: object) -> Plant:
    """For production."""

    def planted(world: World) -> None:
        for each in world.accounts.channels.values():
            each["environment_settings"]["production"].update(changes)

    return planted


def without_a_workflow(world: World) -> None:
    del world.accounts.workflows["post-purchase"]


def domain(**changes: object) -> Plant:
    return lambda world: world.accounts.domains[0].update(changes)


def resend_webhook(**changes: object) -> Plant:
    return lambda world: world.accounts.webhooks[0].update(changes)


def a_suppressed_customer(world: World) -> None:
    world.accounts.suppress("ada@example.com", "bounce", datetime.now(UTC).isoformat())


def scopes(*lacking: str) -> Plant:
    return lambda world: world.shop.scopes.difference_update(lacking)


def withheld(world: World) -> None:
    world.shop.is_email_withheld = True


def no_product(world: World) -> None:
    world.shop.deleted_products = set(world.shop.products)


FAULTS: dict[str, Fault] = {
    # Shopify
    "a wrong client secret": Fault(
        plant=setting(SHOPIFY_CLIENT_SECRET="shpss_old"),
        check="shopify.app", words="invalid_client", remedy="SHOPIFY_CLIENT_SECRET",
        also=frozenset({"addresses.secrets"}),
    ),
    "an API version that has ended": Fault(
        plant=both(
            setting(SHOPIFY_API_VERSION="2026-04"),
            lambda world: setattr(world.shop, "versions", ("2026-07", "2026-10")),
        ),
        check="shopify.version", words="2026-07 answered", remedy="SHOPIFY_API_VERSION",
    ),
    "a scope is missing": Fault(
        plant=scopes("read_products"),
        check="shopify.scopes", words="read_products", remedy="release one with these scopes",
    ),
    "old orders are not seen": Fault(
        plant=scopes("read_all_orders"),
        check="shopify.scopes", words="60 days", remedy="read_all_orders", verdict="warn",
    ),
    "addresses are kept back": Fault(
        plant=withheld,
        check="shopify.customers", words="keeps them back", remedy="protected customer data",
    ),
    "an order without an address": Fault(
        plant=lambda world: a_newer_order(world, email="", minutes=0),
        check="shopify.customers", words="has none", remedy="protected customer data",
        verdict="warn",
    ),
    "a topic is not subscribed": Fault(
        plant=one_webhook_less,
        check="shopify.webhooks", words="none tells refunds/create",
        remedy="thetis webhooks create",
    ),
    "webhooks go elsewhere": Fault(
        plant=astray,
        check="shopify.webhooks", words="lead to https://old.example.com/webhooks/shopify",
        remedy="thetis webhooks create",
    ),
    "one webhook goes elsewhere": Fault(
        plant=a_webhook(uri="https://old.example.com/webhooks/shopify"),
        check="shopify.webhooks", words="orders/create: other address",
        remedy="thetis webhooks create",
    ),
    "fields are left out": Fault(
        plant=a_webhook(includeFields=["id"]),
        check="shopify.webhooks", words="include_fields", remedy="thetis webhooks create",
    ),
    "a filter": Fault(
        plant=a_webhook(filter="total_price:>=100"),
        check="shopify.webhooks", words="filter", remedy="thetis webhooks create",
    ),
    "webhooks in a version that has ended": Fault(
        plant=lambda world: setattr(world.shop, "webhook_version", "2025-07"),
        check="shopify.webhooks", words="2025-07", remedy="newer webhook API version",
        verdict="warn",
    ),
    "silence": Fault(
        plant=an_hour_ago,
        check="shopify.pulse", words="but the newest webhook of", remedy="thetis webhooks list",
    ),
    "a slip in a product id": Fault(
        plant=no_product,
        check="shopify.catalogue", words="ids do not exist", remedy="thetis products",
    ),
    # Knock
    "a wrong key of Knock's": Fault(
        plant=setting(KNOCK_API_KEY="sk_old"),
        check="knock.key", words="does not take KNOCK_API_KEY", remedy="API keys",
    ),
    "a public key of Knock's": Fault(
        plant=setting(KNOCK_API_KEY="pk_made_up"),
        check="knock.key", words="public key", remedy="secret key",
    ),
    "a wrong service token": Fault(
        plant=setting(KNOCK_SERVICE_TOKEN="knock_st_old"),
        check="knock.service_token", words="KNOCK_SERVICE_TOKEN", remedy="Service tokens",
    ),
    "a workflow is not committed": Fault(
        plant=without_a_workflow,
        check="knock.post_purchase", words="is not committed in production",
        remedy="knock push",
    ),
    "a workflow is switched off": Fault(
        plant=workflow("review-request", active=False),
        check="knock.review_request", words="is not active", remedy="switch it on",
    ),
    "a workflow has a fault": Fault(
        plant=workflow("post-purchase", valid=False),
        check="knock.post_purchase", words="invalid", remedy="Workflows > post-purchase",
    ),
    "a channel is not set up": Fault(
        plant=channel(is_valid=False),
        check="knock.channels", words="not set up completely", remedy="Channels and sources",
    ),
    "a channel in sandbox mode": Fault(
        plant=channel(is_sandbox=True),
        check="knock.channels", words="nothing is delivered", remedy="Channels", verdict="warn",
    ),
    # Resend
    "a wrong key of Resend's": Fault(
        plant=setting(RESEND_API_KEY="re_old"),
        check="resend.key", words="does not take RESEND_API_KEY", remedy="API Keys",
    ),
    "another domain": Fault(
        plant=setting(EMAIL_FROM="Courses <courses@example.org>"),
        check="resend.domain", words="example.org, of EMAIL_FROM, is not at Resend",
        remedy="DNS records",
    ),
    "a mailbox as a sender": Fault(
        plant=setting(EMAIL_FROM="courses@gmail.com"),
        check="resend.domain", words="nobody can send as gmail.com", remedy="of your own",
    ),
    "a domain that waits for its records": Fault(
        plant=domain(status="pending"),
        check="resend.domain", words="not verified: pending", remedy="DNS records",
    ),
    "nobody hears of bounces": Fault(
        plant=lambda world: world.accounts.webhooks.clear(),
        check="resend.webhook", words="none is at our address", remedy="Webhooks: add",
    ),
    "bounces are not told": Fault(
        plant=resend_webhook(events=["email.sent"]),
        check="resend.webhook", words="email.bounced", remedy="Resend: Webhooks",
    ),
    "a webhook of Resend's is disabled": Fault(
        plant=resend_webhook(status="disabled"),
        check="resend.webhook", words="is disabled", remedy="enable it",
    ),
    "another signing secret": Fault(
        plant=resend_webhook(signing_secret="whsec_YW5vdGhlcg=="),
        check="resend.webhook", words="secret", remedy="copy it",
    ),
    "a customer who gets no email": Fault(
        plant=a_suppressed_customer,
        check="resend.suppressions", words="1 by bounce", remedy="Suppressions", verdict="warn",
    ),
}  # fmt: skip
