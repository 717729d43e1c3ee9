"""Puts the parts together from settings: the one place where constructors meet the environment."""

from __future__ import annotations

from functools import partial
from typing import overload

from starlette.applications import Starlette

from thetis.app import Parts, WorkerParts, create_app, create_worker_app
from thetis.database import Database
from thetis.deliveries import DeliveryRecorder
from thetis.emails import Brand
from thetis.metrics import Metrics
from thetis.preflight import check_email_confirmation
from thetis.providers.knock import KnockSender
from thetis.providers.resend import ResendSender
from thetis.providers.shopify_admin import ShopifyAdmin
from thetis.reconciling import Reconciling
from thetis.settings import DatabaseSettings, ServiceSettings, WorkerSettings
from thetis.shopify_settings import AdminSettings, ShopifySettings
from thetis.transports import transport
from thetis.webhooks import WebhookRecorder
from thetis.worker import Worker

SHOPIFY_TIMEOUT = 30.0
"""Seconds for one request to the Admin API, which may take a while for a page of large orders."""


def database(settings: DatabaseSettings) -> Database:
    return Database(
        transport(settings),
        timeout=settings.database_timeout_seconds,
        test_orders=settings.test_orders,
    )


def worker(settings: WorkerSettings, to: Database, metrics: Metrics) -> Worker:
    """Must be called where an event loop runs: the senders keep connections."""
    knock = KnockSender(
        api_key=settings.knock_api_key.get_secret_value(),
        base_url=settings.knock_base_url,
        timeout=settings.send_timeout_seconds,
    )
    resend = ResendSender(
        api_key=settings.resend_api_key.get_secret_value(),
        base_url=settings.resend_base_url,
        email_from=settings.email_from,
        course_app_url=settings.course_app_url,
        brand=Brand(
            shop_name=settings.shop_name,
            support_email=settings.support_email,
            shop_address=settings.shop_address,
            color=settings.brand_color,
            logo_url=settings.logo_url,
        ),
        timeout=settings.send_timeout_seconds,
        max_per_second=settings.resend_requests_per_second,
    )
    return Worker(
        to,
        [knock, resend],
        metrics,
        lease_seconds=settings.lease_seconds,
        poll_seconds=settings.poll_seconds,
        concurrency=settings.dispatch_concurrency,
        disputes=settings.disputes,
        chores=_reconciling(settings, to, metrics),
    )


def _reconciling(settings: WorkerSettings, to: Database, metrics: Metrics) -> list[Reconciling]:
    shop = shopify_admin(settings) if settings.reconcile_minutes else None
    if shop is None:
        return []
    return [
        Reconciling(
            to,
            shop,
            metrics,
            minutes=settings.reconcile_minutes,
            test_orders=settings.test_orders,
        )
    ]


@overload
def shopify_admin(settings: AdminSettings) -> ShopifyAdmin: ...


@overload
def shopify_admin(settings: ShopifySettings) -> ShopifyAdmin | None: ...


def shopify_admin(settings: ShopifySettings) -> ShopifyAdmin | None:
    """None when SHOPIFY_SHOP is not set. Must be called where an event loop runs."""
    credentials = settings.shopify_credentials
    if credentials is None:
        return None
    return ShopifyAdmin(
        base_url=settings.shopify_url,
        credentials=credentials,
        api_version=settings.shopify_api_version,
        timeout=SHOPIFY_TIMEOUT,
    )


def worker_app(settings: WorkerSettings) -> Starlette:
    """A worker alone, and what watches it."""
    metrics, to = Metrics(), database(settings)
    sending = worker(settings, to, metrics)
    return create_worker_app(WorkerParts(database=to, worker=sending, metrics=metrics))


def app(settings: ServiceSettings) -> Starlette:
    """The whole service."""
    return create_app(parts(settings))


def parts(settings: ServiceSettings) -> Parts:
    """Must be called where an event loop runs, as `worker`."""
    metrics = Metrics()
    to = database(settings)
    return Parts(
        database=to,
        worker=worker(settings, to, metrics),
        metrics=metrics,
        preflight=partial(check_email_confirmation, settings),
        recorder=WebhookRecorder(to),
        deliveries=DeliveryRecorder(to),
        secrets=settings.webhook_secrets,
        resend_secrets=tuple(
            each.get_secret_value() for each in settings.resend_webhook_secrets or ()
        ),
        max_body_bytes=settings.max_body_bytes,
        backlog_limit_seconds=settings.backlog_limit_seconds,
    )
