"""What the environment says is what the service does."""

from __future__ import annotations

from collections.abc import Callable

import pydantic
import pytest

from tests.service.settings.conftest import ENOUGH, From
from thetis.providers.shopify_tokens import AdminToken, ClientCredentials
from thetis.settings import DatabaseSettings, ServiceSettings, WorkerSettings, load

Environment = Callable[[dict[str, str | None]], None]


def test_what_has_a_default_may_be_left_out(settings_from: From) -> None:
    settings = settings_from()

    assert settings.knock_base_url == "https://api.knock.app"
    assert settings.resend_base_url == "https://api.resend.com"
    assert settings.database_timeout_seconds == 4.0
    assert (settings.log_level, settings.log_format) == ("info", "json")
    assert (settings.lease_seconds, settings.poll_seconds) == (60, 1.0)
    assert settings.send_timeout_seconds == 15.0
    assert settings.max_body_bytes == 8 * 1024 * 1024
    assert settings.backlog_limit_seconds == 900.0
    assert settings.test_orders == "grant"
    assert settings.supabase_url is None
    assert settings.supabase_secret_key is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SUPABASE_URL", "https://project.supabase.co/", "https://project.supabase.co"),
        ("KNOCK_BASE_URL", "http://localhost:9000", "http://localhost:9000"),
        ("RESEND_BASE_URL", "https://resend.example.com/v2/", "https://resend.example.com/v2"),
        ("COURSE_APP_URL", "https://learn.example.com/app/", "https://learn.example.com/app"),
        ("EMAIL_FROM", "courses@example.com", "courses@example.com"),
        ("EMAIL_FROM", "Kürse <courses@example.com>", "Kürse <courses@example.com>"),
        ("DATABASE_TIMEOUT_SECONDS", "2.5", 2.5),
        ("TEST_ORDERS", "ignore", "ignore"),
        ("LOG_LEVEL", "debug", "debug"),
        ("LOG_FORMAT", "console", "console"),
        ("SEND_TIMEOUT_SECONDS", "2.5", 2.5),
        ("LEASE_SECONDS", "30", 30),
        ("POLL_SECONDS", "0.1", 0.1),
        ("MAX_BODY_BYTES", "1024", 1024),
        ("BACKLOG_LIMIT_SECONDS", "60", 60.0),
    ],
)
def test_each_setting_is_read(settings_from: From, name: str, text: str, value: object) -> None:
    assert getattr(settings_from(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "KNOCK_API_KEY", "RESEND_API_KEY", "SUPABASE_SECRET_KEY"]
)
def test_each_secret_is_read(settings_from: From, name: str) -> None:
    value = ENOUGH["DATABASE_URL"] if name == "DATABASE_URL" else "another"
    secret = getattr(settings_from(**{name: value}), name.lower())
    assert isinstance(secret, pydantic.SecretStr)
    assert secret.get_secret_value() == value


def test_several_webhook_secrets_are_separated_by_commas(settings_from: From) -> None:
    settings = settings_from(SHOPIFY_WEBHOOK_SECRETS=" new , old,,")
    assert settings.webhook_secrets == ("new", "old")


def test_the_client_secret_of_the_app_verifies_webhooks_too(settings_from: From) -> None:
    both = settings_from(SHOPIFY_CLIENT_SECRET="shpss_client")
    assert both.webhook_secrets == ("shpss_webhooks", "shpss_client")

    alone = settings_from(SHOPIFY_CLIENT_SECRET="shpss_client", SHOPIFY_WEBHOOK_SECRETS=None)
    assert alone.webhook_secrets == ("shpss_client",)


SHOP = {"SHOPIFY_SHOP": "example-shop.myshopify.com"}


def test_the_admin_api_is_at_the_shop_unless_it_is_said_where(settings_from: From) -> None:
    there = settings_from(**SHOP, SHOPIFY_ADMIN_TOKEN="shpat_x")
    assert there.shopify_url == "https://example-shop.myshopify.com"
    elsewhere = settings_from(
        **SHOP, SHOPIFY_ADMIN_TOKEN="shpat_x", SHOPIFY_BASE_URL="http://127.0.0.1:9000/"
    )
    assert elsewhere.shopify_url == "http://127.0.0.1:9000"


def test_either_way_into_the_admin_api_is_enough_and_none_is_needed(settings_from: From) -> None:
    assert settings_from().shopify_credentials is None
    assert settings_from(SHOPIFY_CLIENT_SECRET="shpss_x").shopify_credentials is None
    by_token = settings_from(**SHOP, SHOPIFY_ADMIN_TOKEN="shpat_x")
    assert by_token.shopify_credentials == AdminToken(token="shpat_x")
    by_client = settings_from(**SHOP, SHOPIFY_CLIENT_ID="abc", SHOPIFY_CLIENT_SECRET="shpss_x")
    assert by_client.shopify_credentials == ClientCredentials(
        client_id="abc", client_secret="shpss_x"
    )


def test_a_public_address_on_this_machine_is_for_trying_things_out(settings_from: From) -> None:
    for url in ("http://127.0.0.1:8000", "http://localhost:8000", "https://thetis.example.com"):
        assert settings_from(PUBLIC_URL=f"{url}/").public_url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@/postgres?host=/tmp/a%20folder",
        "postgres://user:p%C3%A4ss@pooler.example.com:6543/postgres?sslmode=require",
        "host=db.example.com dbname=postgres user=postgres password='with space'",
    ],
)
def test_every_form_that_libpq_takes_is_a_database_url(settings_from: From, url: str) -> None:
    given = settings_from(DATABASE_URL=url).database_url
    assert given is not None and given.get_secret_value() == url


def test_an_empty_variable_is_one_that_is_not_set(settings_from: From) -> None:
    """As container orchestrators pass on what nobody filled in."""
    settings = settings_from(
        SUPABASE_URL="", SUPABASE_SECRET_KEY="", KNOCK_BASE_URL="", LOG_LEVEL=""
    )
    assert settings == settings_from()


def test_what_is_given_comes_before_the_environment(environment: Environment) -> None:
    environment({"DATABASE_URL": ENOUGH["DATABASE_URL"], "LOG_LEVEL": "debug"})
    assert load(DatabaseSettings, log_level="error").log_level == "error"


def test_settings_cannot_be_changed_later(settings_from: From) -> None:
    settings = settings_from()
    with pytest.raises(pydantic.ValidationError):
        settings.log_level = "debug"


def test_each_command_asks_for_no_more_than_it_needs(environment: Environment) -> None:
    environment({"DATABASE_URL": ENOUGH["DATABASE_URL"]})
    assert load(DatabaseSettings)
    environment({name: text for name, text in ENOUGH.items() if not name.startswith("SHOPIFY")})
    assert load(WorkerSettings)
    environment(dict(ENOUGH))
    assert load(ServiceSettings)


@pytest.mark.parametrize(
    "way",
    [
        {"DATABASE_URL": ENOUGH["DATABASE_URL"]},
        {"SUPABASE_URL": "https://p.example.com", "SUPABASE_SECRET_KEY": "sb_secret_x"},
        {"DATABASE_URL": ENOUGH["DATABASE_URL"], "SUPABASE_URL": "https://p.example.com"},
    ],
)
def test_one_way_to_the_database_is_enough(
    environment: Environment, way: dict[str, str | None]
) -> None:
    environment(way)
    assert load(DatabaseSettings)
