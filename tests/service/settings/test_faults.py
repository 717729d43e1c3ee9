"""An environment that is not good enough stops the start, with one message that names it all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.service.settings.conftest import ENOUGH, From
from tests.support.supabase_api import token
from thetis.errors import SettingsError
from thetis.settings import DatabaseSettings, ServiceSettings, load
from thetis.shopify_settings import AdminSettings

Environment = Callable[[dict[str, str | None]], None]

ADDRESS = "an http or https address, such as https://learn.example.com"
NO_WAY = "set DATABASE_URL, or both SUPABASE_URL and SUPABASE_SECRET_KEY"


def _fault(settings_from: From, **changes: str | None) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_from(**changes)
    return str(caught.value)


def test_everything_that_is_missing_is_named_at_once(environment: Environment) -> None:
    environment({})
    with pytest.raises(SettingsError) as caught:
        load(ServiceSettings)

    assert str(caught.value).splitlines() == [
        "settings are missing or malformed:",
        f"  SUPABASE_SECRET_KEY: {NO_WAY}",
        "  KNOCK_API_KEY: is not set; must be a secret of printable ASCII without spaces",
        "  RESEND_API_KEY: is not set; must be a secret of printable ASCII without spaces",
        "  EMAIL_FROM: is not set; must be a sender, such as Courses <courses@example.com>",
        "  SHOP_NAME: is not set; must be one line of text",
        "  SUPPORT_EMAIL: is not set; must be an address, such as help@example.com",
        f"  COURSE_APP_URL: is not set; must be {ADDRESS}",
        (
            "  SHOPIFY_WEBHOOK_SECRETS: is not set; must be one or more secrets, separated by"
            " commas, unless SHOPIFY_CLIENT_SECRET is set"
        ),
    ]


def test_what_is_missing_and_what_is_malformed_are_named_together(settings_from: From) -> None:
    message = _fault(
        settings_from, KNOCK_API_KEY=None, COURSE_APP_URL="learn", MAX_BODY_BYTES="many"
    )
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == [
        "KNOCK_API_KEY",
        "COURSE_APP_URL",
        "MAX_BODY_BYTES",
    ]


@pytest.mark.parametrize("name", sorted(ENOUGH))
@pytest.mark.parametrize("value", [None, ""])
def test_what_has_no_default_is_required(settings_from: From, name: str, value: str | None) -> None:
    message = _fault(settings_from, **{name: value})
    assert name in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    "half",
    [
        {},
        {"SUPABASE_URL": "https://p.example.com"},
        {"SUPABASE_SECRET_KEY": "sb_secret_x"},
        {"SUPABASE_URL": "https://p.example.com", "SUPABASE_SECRET_KEY": ""},
    ],
)
def test_half_a_way_to_the_database_is_none(
    environment: Environment, half: dict[str, str | None]
) -> None:
    environment(half)
    with pytest.raises(SettingsError, match=NO_WAY):
        load(DatabaseSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres//user:hidden@host/name"),
        ("DATABASE_URL", "https://hidden.example.com"),
        ("DATABASE_URL", "   "),
        ("SUPABASE_URL", "hidden.supabase.co"),
        ("SUPABASE_URL", "postgresql://hidden.supabase.co"),
        ("SUPABASE_SECRET_KEY", "hidden with a space"),
        ("SUPABASE_SECRET_KEY", "hidden-ü"),
        ("KNOCK_API_KEY", "hidden\n"),
        ("KNOCK_API_KEY", "  "),
        ("KNOCK_API_KEY", "hidden\u2019s"),
        ("KNOCK_BASE_URL", "hidden"),
        ("RESEND_API_KEY", "\thidden"),
        ("RESEND_API_KEY", "hidden\x7f"),
        ("RESEND_BASE_URL", "file:///hidden"),
        ("EMAIL_FROM", "hidden"),
        ("EMAIL_FROM", "Hidden <>"),
        ("EMAIL_FROM", "a@example.com\r\nBcc: hidden@example.com"),
        ("COURSE_APP_URL", "//hidden.example.com"),
        ("COURSE_APP_URL", "javascript:hidden"),
        ("SHOPIFY_WEBHOOK_SECRETS", " , ,"),
        ("SHOPIFY_WEBHOOK_SECRETS", "good,hidden-ü"),
        ("SHOPIFY_WEBHOOK_SECRETS", "good,hidden one"),
        ("RESEND_WEBHOOK_SECRETS", " , ,"),
        ("RESEND_WEBHOOK_SECRETS", "hidden"),
        ("RESEND_WEBHOOK_SECRETS", "whsec_hidden!"),
        ("RESEND_WEBHOOK_SECRETS", "whsec_"),
        ("RESEND_WEBHOOK_SECRETS", "whsec_aGVsbG8=,hidden"),
        ("SHOP_NAME", "The shop\r\nBcc: hidden@example.com"),
        ("SHOP_ADDRESS", "1 Hidden\nStreet"),
        ("SUPPORT_EMAIL", "hidden"),
        ("SUPPORT_EMAIL", "a@example.com,hidden@example.com"),
        ("SUPPORT_EMAIL", "a@example.com\nhidden"),
        ("BRAND_COLOR", "hidden"),
        ("BRAND_COLOR", "#12345"),
        ("BRAND_COLOR", "#1463a5;hidden"),
        ("LOGO_URL", "http://example.com/hidden.png"),
        ("LOGO_URL", "javascript:hidden"),
        ("DATABASE_TIMEOUT_SECONDS", "0"),
        ("DATABASE_TIMEOUT_SECONDS", "-1"),
        ("DATABASE_TIMEOUT_SECONDS", "inf"),
        ("DATABASE_TIMEOUT_SECONDS", "nan"),
        ("DATABASE_TIMEOUT_SECONDS", "hidden"),
        ("LOG_LEVEL", "hidden"),
        ("LOG_FORMAT", "hidden"),
        ("SEND_TIMEOUT_SECONDS", "0"),
        ("SEND_TIMEOUT_SECONDS", "inf"),
        ("LEASE_SECONDS", "29"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "60.5"),
        ("POLL_SECONDS", "0"),
        ("POLL_SECONDS", "inf"),
        ("MAX_BODY_BYTES", "0"),
        ("MAX_BODY_BYTES", "8 MiB"),
        ("BACKLOG_LIMIT_SECONDS", "-5"),
        ("TEST_ORDERS", "hidden"),
        ("SHOPIFY_API_VERSION", "hidden"),
        ("SHOPIFY_API_VERSION", "2026-05"),
        ("SHOPIFY_API_VERSION", "2026-01"),
        ("SHOPIFY_BASE_URL", "hidden"),
        ("SHOPIFY_CLIENT_SECRET", "hidden one"),
        ("PUBLIC_URL", "http://hidden.example.com"),
        ("PUBLIC_URL", "https://hidden.example.com/webhooks/shopify"),
        ("PUBLIC_URL", "hidden"),
    ],
)
def test_a_malformed_value_is_named_and_not_repeated(
    settings_from: From, name: str, value: str
) -> None:
    message = _fault(settings_from, **{name: value})

    assert f"  {name}: must be " in message
    assert len(message.splitlines()) == 2
    assert "hidden" not in message.lower()
    assert not re.search("Input|String|[Vv]alue error|Field|pydantic|url_", message)


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("MAX_BODY_BYTES", "8 MiB", "a whole number above 0, such as 60"),
        ("POLL_SECONDS", "fast", "a number of seconds above 0, such as 2.5"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("TEST_ORDERS", "yes", "grant or ignore"),
        ("EMAIL_FROM", "Courses", "a sender, such as Courses <courses@example.com>"),
        ("DATABASE_URL", "db", "a libpq URI, such as postgresql://user:password@host:5432/name"),
        ("COURSE_APP_URL", "learn", ADDRESS),
    ],
)
def test_a_malformed_value_is_told_what_it_should_look_like(
    settings_from: From, name: str, value: str, form: str
) -> None:
    assert _fault(settings_from, **{name: value}).splitlines()[1] == f"  {name}: must be {form}"


def test_a_lease_outlasts_a_send_that_takes_its_time(settings_from: From) -> None:
    words = "LEASE_SECONDS: must be at least twice SEND_TIMEOUT_SECONDS"
    assert words in _fault(settings_from, SEND_TIMEOUT_SECONDS="31")
    assert words in _fault(settings_from, SEND_TIMEOUT_SECONDS="2", LEASE_SECONDS="3")
    assert settings_from(SEND_TIMEOUT_SECONDS="2", LEASE_SECONDS="4").lease_seconds == 4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SHOPIFY_SHOP": "example-shop.myshopify.com"}, "set both SHOPIFY_CLIENT_ID and"),
        (
            {"SHOPIFY_SHOP": "example-shop.myshopify.com", "SHOPIFY_CLIENT_ID": "abc"},
            "set both SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET, or SHOPIFY_ADMIN_TOKEN",
        ),
        (
            {"SHOPIFY_SHOP": "example-shop.myshopify.com", "SHOPIFY_CLIENT_SECRET": "shpss_x"},
            "set both SHOPIFY_CLIENT_ID and",
        ),
        ({"SHOPIFY_ADMIN_TOKEN": "shpat_x"}, "set SHOPIFY_SHOP as well"),
        (
            {"SHOPIFY_CLIENT_ID": "abc", "SHOPIFY_CLIENT_SECRET": "shpss_x"},
            "set SHOPIFY_SHOP as well",
        ),
        (
            {"SHOPIFY_ADMIN_TOKEN": "shpat_x", "SHOPIFY_CLIENT_ID": "abc"},
            "set either SHOPIFY_ADMIN_TOKEN or SHOPIFY_CLIENT_ID, and not both",
        ),
    ],
)
def test_half_a_way_to_the_admin_api_is_none(
    settings_from: From, given: dict[str, str], words: str
) -> None:
    assert f"  SHOPIFY_ADMIN_TOKEN: {words}" in _fault(settings_from, **given)


@pytest.mark.parametrize(
    "shop", ["hidden.example.com", "https://hidden.myshopify.com", "hidden/.myshopify.com", "a"]
)
def test_a_shop_is_named_as_shopify_does(settings_from: From, shop: str) -> None:
    message = _fault(settings_from, SHOPIFY_SHOP=shop, SHOPIFY_ADMIN_TOKEN="shpat_x")
    assert message.splitlines()[1:] == [
        "  SHOPIFY_SHOP: must be the shop's name.myshopify.com, such as example-shop.myshopify.com"
    ]


def test_a_command_that_needs_the_admin_api_names_all_that_is_missing(
    environment: Environment,
) -> None:
    environment({})
    with pytest.raises(SettingsError) as caught:
        load(AdminSettings)
    assert str(caught.value).splitlines()[1:] == [
        (
            "  SHOPIFY_SHOP: is not set; must be the shop's name.myshopify.com, such as"
            " example-shop.myshopify.com"
        ),
        (
            "  SHOPIFY_ADMIN_TOKEN: set both SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET, or"
            " SHOPIFY_ADMIN_TOKEN"
        ),
    ]


def test_a_secret_is_never_shown(settings_from: From) -> None:
    settings = settings_from(
        SUPABASE_URL="https://p.example.com",
        SUPABASE_SECRET_KEY="sb_secret_x",
        SHOPIFY_SHOP="example-shop.myshopify.com",
        SHOPIFY_CLIENT_ID="abc",
        SHOPIFY_CLIENT_SECRET="shpss_client",
    )
    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    secrets = ("a-password", "sk_knock", "re_resend", "shpss_webhooks", "sb_secret_x")
    for secret in (*secrets, "shpss_client"):
        assert secret not in shown


def test_a_setting_has_no_default_that_could_pass_for_a_secret() -> None:
    for name, field in ServiceSettings.model_fields.items():
        if name.endswith(("_key", "_secret", "_secrets", "_token")) or name == "database_url":
            assert field.is_required() or field.default is None


@pytest.mark.parametrize(
    "key", ["sb_publishable_x", token("anon"), token("authenticated", sub="a-user")]
)
def test_a_key_that_is_for_browsers_is_refused(settings_from: From, key: str) -> None:
    message = _fault(settings_from, SUPABASE_URL="https://p.example.com", SUPABASE_SECRET_KEY=key)

    assert "SUPABASE_SECRET_KEY: " in message
    assert "not a public one" in message
    assert key not in message


@pytest.mark.parametrize(
    "key", ["sb_secret_x", token("service_role"), "a.b.c", "e30.e30.e30", "e30.W10.e30"]
)
def test_a_key_that_is_for_servers_or_cannot_be_read_is_taken(
    settings_from: From, key: str
) -> None:
    settings = settings_from(SUPABASE_URL="https://p.example.com", SUPABASE_SECRET_KEY=key)

    assert settings.supabase_secret_key is not None
    assert settings.supabase_secret_key.get_secret_value() == key
