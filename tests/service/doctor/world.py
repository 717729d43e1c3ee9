"""Every party of a set-up, running: Postgres, the Supabase API, our service, and stand-ins for
Shopify, Knock, Resend, Supabase's Management API and the course app.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from devtools import fake_shopify
from devtools.fake_accounts import FakeAccounts
from devtools.fake_providers import FakeProviders
from devtools.fake_providers import running as running_fake_providers
from devtools.fake_shopify import FakeShop
from devtools.loopback import serving
from tests.service.doctor import stand_ins
from tests.support import supabase_api
from tests.support.database import Database
from tests.support.program import thetis
from tests.support.service import SECRET, Service, eventually
from tests.support.service import running as running_service
from tests.support.supabase_api import SupabaseApi
from thetis.cli import shopify_payloads
from thetis.deliveries import STATES
from thetis.doctor import report
from thetis.doctor.checks import Result
from thetis.doctor.diagnosis import diagnose
from thetis.doctor.known import Known
from thetis.providers.shopify_subscriptions import as_enum
from thetis.subscriptions import address, name_of, wanted_topics

Json = dict[str, Any]

KEY = "re_made_up"
"""At Knock and at Resend."""

ORDER = 5992405700101
"""The newest of the shop."""

RESEND_SECRET = "whsec_bWFkZS11cC1zZWNyZXQtb2Ytb3Vycw=="


@dataclass(kw_only=True)
class World:
    """What a test changes here, the doctor finds."""

    environment: dict[str, str]
    database: Database
    api: SupabaseApi
    service: Service
    accounts: FakeAccounts
    shop: FakeShop
    auth: Json
    config: Json
    course_app: dict[str, int]
    """The status of each page."""
    other: Database = field(init=False, repr=False)
    """A database of the same release that nobody uses."""

    def command(self, *options: str) -> subprocess.CompletedProcess[str]:
        """`thetis doctor` as a process."""
        return thetis("doctor", *options, **self._given())

    def _given(self) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if value}

    def checks(self, *, is_live: bool = False) -> dict[str, Json]:
        """What the doctor finds, by check, as a program reads it."""
        told = json.loads(report.as_json(self.results(is_live=is_live)))
        return {each["check"]: each for each in told["checks"]}

    def results(self, *, is_live: bool = False) -> list[Result]:
        """What the doctor finds, in this process: a process of its own takes a second more."""
        with patch.dict(os.environ, self._given(), clear=True):
            return asyncio.run(diagnose(Known(), is_live=is_live))

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Whatever is changed, but for the databases, is as it was in the end."""
        held: tuple[Any, ...] = (self.environment, self.auth, self.config, self.course_app)
        was = [copy.deepcopy(each) for each in held]
        accounts, shop = copy.deepcopy(vars(self.accounts)), _kept(self.shop)
        yield
        for each, earlier in zip(held, was, strict=True):
            each.clear()
            each.update(earlier)
        for name, value in accounts.items():
            _put_back(self.accounts, name, value)
        for name, value in shop.items():
            setattr(self.shop, name, value)


def _put_back(owner: object, name: str, value: Any) -> None:
    """In place, where the server holds it."""
    held = getattr(owner, name)
    if isinstance(held, list):
        held[:] = value
    elif isinstance(held, dict):
        held.clear()
        held.update(value)
    else:
        setattr(owner, name, value)


def _kept(shop: FakeShop) -> Json:
    return {
        name: copy.deepcopy(value)
        for name, value in vars(shop).items()
        if name not in {"lock", "now", "received", "_numbers"}
    }


@contextmanager
def running(database: Database) -> Iterator[World]:
    """Nothing in it is wrong."""
    auth, config, course_app = (
        copy.deepcopy(stand_ins.AUTH_SETTINGS),
        {**stand_ins.AUTH_CONFIG},
        {"/claim": 200},
    )
    providers, shop = FakeProviders(api_key=KEY), FakeShop()
    with ExitStack() as stack:
        api = stack.enter_context(
            supabase_api.serving(database, {"/auth/v1/settings": auth}),
        )
        elsewhere = stack.enter_context(
            serving(stand_ins.elsewhere(config, course_app), "elsewhere")
        )
        secrets = f"{SECRET},{shop.client_secret}"
        service = stack.enter_context(
            running_service(
                {"database_url": database.url},
                shopify_webhook_secrets=secrets,
                resend_webhook_secrets=RESEND_SECRET,
                poll_seconds=0.05,
            )
        )
        providers_url = stack.enter_context(running_fake_providers(providers))
        shop_url = stack.enter_context(fake_shopify.running(shop))
        world = World(
            environment={
                "DATABASE_URL": database.url,
                "SUPABASE_URL": api.url,
                "SUPABASE_SECRET_KEY": api.secret_key,
                "SUPABASE_ACCESS_TOKEN": stand_ins.ACCESS_TOKEN,
                "SUPABASE_MANAGEMENT_URL": elsewhere,
                "SUPABASE_PROJECT_REF": stand_ins.REF,
                "TEST_ORDERS": "ignore",
                "SHOPIFY_SHOP": shop.domain,
                "SHOPIFY_BASE_URL": shop_url,
                "SHOPIFY_CLIENT_ID": shop.client_id,
                "SHOPIFY_CLIENT_SECRET": shop.client_secret,
                "SHOPIFY_WEBHOOK_SECRETS": SECRET,
                "PUBLIC_URL": service.url,
                "KNOCK_API_KEY": KEY,
                "KNOCK_BASE_URL": providers_url,
                "KNOCK_MANAGEMENT_URL": providers_url,
                "KNOCK_SERVICE_TOKEN": providers.accounts.service_token,
                "RESEND_API_KEY": KEY,
                "RESEND_BASE_URL": providers_url,
                "RESEND_WEBHOOK_SECRETS": RESEND_SECRET,
                "EMAIL_FROM": "Courses <courses@example.com>",
                "SHOP_NAME": "The shop",
                "SUPPORT_EMAIL": "help@example.com",
                "COURSE_APP_URL": elsewhere,
            },
            database=database,
            api=api,
            service=service,
            accounts=providers.accounts,
            shop=shop,
            auth=auth,
            config=config,
            course_app=course_app,
        )
        config["uri_allow_list"] = f"{elsewhere}/**"
        _set_up(world)
        yield world


def _set_up(world: World) -> None:
    url = world.service.url
    world.accounts.add_webhook(f"{url}/webhooks/resend", list(STATES), RESEND_SECRET)
    for number, topic in enumerate(wanted_topics(world.shop.scopes)):
        key = f"gid://shopify/WebhookSubscription/{number}"
        world.shop.webhooks[key] = {
            "id": key,
            "topic": as_enum(topic),
            "uri": address(url),
            "name": name_of(topic),
            "filter": None,
            "includeFields": [],
            "format": "JSON",
        }
    bought = shopify_payloads.order(
        "orders/paid",
        order_id=ORDER,
        email="ada@example.com",
        products=[shopify_payloads.find_product("standard_course")],
        at=datetime.now(UTC),
    )
    world.shop.put(bought)
    assert world.service.outcome("orders/paid", bought) == "recorded"
    heard = "select count(*) from thetis.webhook_heartbeats"
    eventually(lambda: world.database.value(heard) == 1)
