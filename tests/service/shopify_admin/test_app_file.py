"""deploy/shopify/shopify.app.toml asks for what the service reads, and what the commands make."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.support.docs import ROOT
from thetis import subscriptions
from thetis.app import create_app
from thetis.providers.shopify_admin import ALL_ORDERS_SCOPE, DISPUTES_SCOPE, REQUIRED_SCOPES
from thetis.shopify import TOPICS
from thetis.shopify_settings import ShopifySettings


@pytest.fixture(scope="module")
def app_file() -> dict[str, Any]:
    return tomllib.loads((ROOT / "deploy/shopify/shopify.app.toml").read_text(encoding="utf-8"))


def _topics(app_file: dict[str, Any], kind: str) -> list[str]:
    held = app_file["webhooks"]["subscriptions"]
    return [topic for each in held for topic in each.get(kind, ())]


def test_it_has_the_topics_that_the_command_makes(app_file: dict[str, Any]) -> None:
    wanted = subscriptions.wanted_topics({DISPUTES_SCOPE})
    assert _topics(app_file, "topics") == list(wanted)


def test_it_has_the_compliance_topics_that_no_command_can_make(app_file: dict[str, Any]) -> None:
    assert _topics(app_file, "compliance_topics") == list(subscriptions.COMPLIANCE_TOPICS)


def test_every_topic_of_orders_and_of_compliance_is_one_that_the_service_reads() -> None:
    ours = {*subscriptions.ORDER_TOPICS, *subscriptions.COMPLIANCE_TOPICS}
    assert set(TOPICS) - set(subscriptions.DISPUTE_TOPICS) == ours


def test_it_sends_them_to_the_route_of_the_service(app_file: dict[str, Any]) -> None:
    held = app_file["webhooks"]["subscriptions"]
    assert {each["uri"] for each in held} == {subscriptions.PATH}
    routes = {getattr(each, "path", None) for each in create_app(None).routes}  # type: ignore[arg-type]
    assert subscriptions.PATH in routes


def test_it_leaves_no_field_and_no_delivery_out(app_file: dict[str, Any]) -> None:
    for each in app_file["webhooks"]["subscriptions"]:
        assert set(each) <= {"topics", "compliance_topics", "uri"}


def test_it_asks_for_the_scopes_that_we_use(app_file: dict[str, Any]) -> None:
    asked = app_file["access_scopes"]["scopes"].split(",")
    assert set(asked) == {*REQUIRED_SCOPES, ALL_ORDERS_SCOPE, DISPUTES_SCOPE}


def test_its_version_is_the_one_that_is_asked_by_default(app_file: dict[str, Any]) -> None:
    default = ShopifySettings.model_fields["shopify_api_version"].default
    assert app_file["webhooks"]["api_version"] == default
