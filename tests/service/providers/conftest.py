from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from devtools.fake_providers import FakeProviders, Provider, running
from thetis.emails import Brand
from thetis.errors import SendFailure
from thetis.model import Notification
from thetis.providers import Sender
from thetis.providers.knock import KnockSender
from thetis.providers.resend import ResendSender

KEY = "a-key-that-must-not-leak"
ADDRESS = "ada.lovelace@example.com"
BRAND = Brand(shop_name="Example & Daughters", support_email="help@example.com")

PURCHASES = [
    {
        "id": "5a1f1e9e-2f53-4a6b-9f0c-0a1b2c3d4e5f",
        "product": "splint",
        "category": "device",
    },
    {
        "id": "c0ffee00-2f53-4a6b-9f0c-0a1b2c3d4e5f",
        "product": "standard_course",
        "category": "course",
    },
]

_PAYLOADS: dict[str, dict[str, Any]] = {
    "post_purchase": {
        "order_id": "6001",
        "order_number": "1001",
        "email": ADDRESS,
        "run": 1,
        "is_addition": False,
        "products": ["splint", "standard_course"],
        "categories": ["course", "device"],
        "purchases": PURCHASES,
    },
    "post_purchase_update": {"order_id": "6001", "ended": [PURCHASES[0]["id"]]},
    "post_purchase_cancel": {"order_id": "6001", "run": 1, "email": ADDRESS},
    "forget_recipient": {"email": ADDRESS, "runs": []},
    "course_access": {
        "email": ADDRESS,
        "order_number": "1001",
        "has_account": False,
        "is_addition": False,
        "courses": [{"slug": "standard_course", "name": "Standard Course"}],
    },
    "claim_code": {"email": ADDRESS, "code": "042917", "minutes": 15},
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
            brand=BRAND,
            timeout=self.timeout,
        )

    def usual(self) -> Notification:
        return notification("post_purchase" if self.provider == "knock" else "course_access")

    def send(self, *notifications: Notification) -> None:
        """Send these, or the provider's usual one, in order."""

        async def all_of_them() -> None:
            sender = self.sender()
            try:
                for each in notifications or [self.usual()]:
                    await sender.send(each)
            finally:
                await sender.close()

        asyncio.run(all_of_them())

    def failure(self, *notifications: Notification) -> SendFailure:
        """Send these, or the provider's usual one, which has to fail."""
        with pytest.raises(SendFailure) as caught:
            self.send(*notifications)
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


@dataclass(frozen=True, kw_only=True)
class Send:
    """One kind of notification, and the provider that it goes to."""

    post: Post
    notification: Notification

    def succeed(self) -> None:
        self.post.send(self.notification)

    def fail(self) -> SendFailure:
        return self.post.failure(self.notification)


@pytest.fixture(params=_PAYLOADS)
def each_send(request: pytest.FixtureRequest, fake_providers: FakeProviders, base_url: str) -> Send:
    """For each kind of notification."""
    is_email = request.param in ResendSender.kinds
    provider: Provider = "resend" if is_email else "knock"
    post = Post(provider=provider, base_url=base_url)
    return Send(post=post, notification=notification(request.param))


@pytest.fixture(params=["knock", "resend"])
def post(request: pytest.FixtureRequest, fake_providers: FakeProviders, base_url: str) -> Post:
    return Post(provider=request.param, base_url=base_url)
