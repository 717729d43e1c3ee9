from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from thetis.settings import DatabaseSettings, ServiceSettings, load

Settings = TypeVar("Settings", bound=DatabaseSettings)

ENOUGH = {
    "DATABASE_URL": "postgresql://postgres:a-password@db.example.com:5432/postgres",
    "KNOCK_API_KEY": "sk_knock",
    "RESEND_API_KEY": "re_resend",
    "EMAIL_FROM": "Courses <courses@example.com>",
    "SHOP_NAME": "The shop",
    "SUPPORT_EMAIL": "help@example.com",
    "COURSE_APP_URL": "https://learn.example.com",
    "SHOPIFY_WEBHOOK_SECRETS": "shpss_webhooks",
}
"""An environment in which the service starts."""

From = Callable[..., ServiceSettings]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str | None]], None]:
    """Sets these variables, and no other setting; None leaves one out."""

    def put(variables: dict[str, str | None]) -> None:
        for name in ServiceSettings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in variables.items():
            if value is not None:
                monkeypatch.setenv(name, value)

    return put


@pytest.fixture
def settings_from(environment: Callable[[dict[str, str | None]], None]) -> From:
    """The settings of an environment that has enough, but for these changes."""

    def read(**changes: str | None) -> ServiceSettings:
        environment({**ENOUGH, **changes})
        return load(ServiceSettings)

    return read
