from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from devtools.fake_providers import FakeProviders, Provider, running
from thetis.database import Notification
from thetis.providers import Sender, SendFailure
from thetis.providers.knock import KnockSender
from thetis.providers.resend import ResendSender

KEY = "a-key-that-must-not-leak"
ADDRESS = "ada.lovelace@example.com"

_PAYLOADS: dict[str, dict[str, Any]] = {
    "knock.trigger": {
        "workflow": "post-purchase",
        "recipient": {"id": ADDRESS, "email": ADDRESS},
        "cancellation_key": "6001",
        "data": {
            "order_number": "1001",
            "products_ordered": ["splint", "standard_course"],
            "categories_ordered": ["course", "device"],
        },
    },
    "knock.cancel": {
        "workflow": "post-purchase",
        "recipients": [ADDRESS],
        "cancellation_key": "6001",
    },
    "resend.course_access": {
        "to": ADDRESS,
        "order_number": "1001",
        "has_account": False,
        "courses": [{"slug": "standard_course", "name": "Standard Course"}],
    },
}


def notification(kind: str, **changes: Any) -> Notification:
    return Notification(
        id="0b6f6e0e-7d0c-4d51-9f3e-0a4c8f0d1e11",
        kind=kind,
        attempt=1,
        shopify_order_id="6001",
        payload={**_PAYLOADS[kind], **changes},
    )


@dataclass(frozen=True, kw_only=True)
class Post:
    """A provider, reachable at `base_url`, and what it takes to send it one notification."""

    provider: Provider
    base_url: str
    timeout: float = 10.0

    def sender(self) -> Sender:
        if self.provider == "knock":
            return KnockSender(api_key=KEY, base_url=self.base_url, timeout=self.timeout)
        return ResendSender(
            api_key=KEY,
            base_url=self.base_url,
            email_from="Courses <courses@example.com>",
            course_app_url="https://learn.example.com/",
            timeout=self.timeout,
        )

    def send(self, *notifications: Notification) -> None:
        """Send these, or the provider's usual one, in order."""
        usual = "knock.trigger" if self.provider == "knock" else "resend.course_access"

        async def all_of_them() -> None:
            sender = self.sender()
            try:
                for each in notifications or [notification(usual)]:
                    await sender.send(each)
            finally:
                await sender.close()

        asyncio.run(all_of_them())

    def failure(self) -> SendFailure:
        """Send the usual notification, which has to fail."""
        with pytest.raises(SendFailure) as caught:
            self.send()
        return caught.value


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[FakeProviders, str]]:
    fake_providers = FakeProviders(api_key=KEY)
    with running(fake_providers) as base_url:
        yield fake_providers, base_url


@pytest.fixture
def fake_providers(served: tuple[FakeProviders, str]) -> FakeProviders:
    served[0].clear()
    return served[0]


@pytest.fixture
def base_url(served: tuple[FakeProviders, str]) -> str:
    return served[1]


@pytest.fixture
def knock(fake_providers: FakeProviders, base_url: str) -> Post:
    return Post(provider="knock", base_url=base_url)


@pytest.fixture
def resend(fake_providers: FakeProviders, base_url: str) -> Post:
    return Post(provider="resend", base_url=base_url)


@pytest.fixture(params=["knock", "resend"])
def post(request: pytest.FixtureRequest, fake_providers: FakeProviders, base_url: str) -> Post:
    return Post(provider=request.param, base_url=base_url)
