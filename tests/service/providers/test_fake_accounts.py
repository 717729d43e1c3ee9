"""What the fakes tell of an account is what the vendors' APIs tell, by the schemas they publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from devtools.fake_providers import FakeProviders, running
from tests.support.published import KNOCK, KNOCK_MANAGEMENT, RESEND

KEY = "re_made_up"


@pytest.fixture
def providers() -> FakeProviders:
    return FakeProviders(api_key=KEY)


@pytest.fixture
def url(providers: FakeProviders) -> Iterator[str]:
    with running(providers) as served:
        yield served


def read(url: str, path: str, key: str = KEY) -> Any:
    answer = httpx.get(url + path, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/whoami", "WhoamiResponse"),
        ("/v1/workflows/post-purchase?environment=production", "ShowWorkflowResponse"),
        ("/v1/workflows/review-request?environment=production", "ShowWorkflowResponse"),
        ("/v1/channels/{channel}", "Channel"),
    ],
)
def test_knock_tells_whoever_has_a_service_token(
    providers: FakeProviders, url: str, path: str, schema: str
) -> None:
    [channel] = providers.accounts.channels
    told = read(url, path.format(channel=channel), providers.accounts.service_token)
    assert KNOCK_MANAGEMENT.faults(schema, told) == []


def test_knock_tells_nobody_else(url: str) -> None:
    for path in ("/v1/whoami", "/v1/workflows/post-purchase?environment=production"):
        assert httpx.get(url + path, headers={"authorization": f"Bearer {KEY}"}).status_code == 401


def test_a_secret_key_of_knock_reads_objects(url: str) -> None:
    assert KNOCK.faults("ListObjectsResponse", read(url, "/v1/objects/orders")) == []
    other = {"authorization": "Bearer sk_other"}
    assert httpx.get(f"{url}/v1/objects/orders", headers=other).status_code == 401


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/domains", "ListDomainsResponse"),
        ("/webhooks", "ListWebhooksResponse"),
        ("/webhooks/{webhook}", "GetWebhookResponse"),
        ("/suppressions", "ListSuppressionsResponseSuccess"),
    ],
)
def test_resend_tells_whoever_has_full_access(
    providers: FakeProviders, url: str, path: str, schema: str
) -> None:
    accounts = providers.accounts
    accounts.add_webhook("https://example.com/webhooks/resend", ["email.sent"], "whsec_c2VjcmV0")
    accounts.suppress("ada@example.com", "bounce", "2026-11-01T10:00:00Z")
    told = read(url, path.format(webhook=accounts.webhooks[0]["id"]))
    assert RESEND.faults(schema, told) == []


def test_a_key_that_may_only_send_is_told_so(providers: FakeProviders, url: str) -> None:
    providers.accounts.may_only_send = True
    answer = httpx.get(f"{url}/domains", headers={"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["name"]) == (401, "restricted_api_key")


def test_a_long_list_comes_in_pages(providers: FakeProviders, url: str) -> None:
    for number in range(7):
        providers.accounts.suppress(f"{number}@example.com", "bounce", "2026-11-01T10:00:00Z")
    page = read(url, "/suppressions?limit=4")
    rest = read(url, f"/suppressions?limit=4&after={page['data'][-1]['id']}")
    assert (page["has_more"], rest["has_more"]) == (True, False)
    told = [each["email"] for each in (*page["data"], *rest["data"])]
    assert told == [f"{number}@example.com" for number in range(7)]
