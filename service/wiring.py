"""Puts the parts together from settings: the one place where constructors meet the environment."""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette

from service.app import Parts, create_app
from service.database import Database
from service.dispatcher import Dispatcher
from service.metrics import Metrics
from service.preflight import check_email_confirmation
from service.senders.knock import KnockSender
from service.senders.resend import ResendSender
from service.settings import DatabaseSettings, ServiceSettings, WorkerSettings
from service.transports import transport
from service.webhooks import Intake


def database(settings: DatabaseSettings) -> Database:
    return Database(transport(settings), timeout=settings.database_timeout_seconds)


def dispatcher(settings: WorkerSettings, to: Database, metrics: Metrics) -> Dispatcher:
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
        timeout=settings.send_timeout_seconds,
    )
    return Dispatcher(
        to,
        [knock, resend],
        metrics,
        lease_seconds=settings.lease_seconds,
        poll_seconds=settings.poll_seconds,
    )


def app(settings: ServiceSettings) -> Starlette:
    """The whole service."""
    return create_app(parts(settings))


def parts(settings: ServiceSettings) -> Parts:
    """Must be called where an event loop runs, as `dispatcher`."""
    metrics = Metrics()
    to = database(settings)
    return Parts(
        database=to,
        dispatcher=dispatcher(settings, to, metrics),
        metrics=metrics,
        preflight=partial(check_email_confirmation, settings),
        intake=Intake(to, timeout=settings.database_timeout_seconds),
        secrets=tuple(each.get_secret_value() for each in settings.shopify_webhook_secrets),
        max_body_bytes=settings.max_body_bytes,
        backlog_limit_seconds=settings.backlog_limit_seconds,
    )
