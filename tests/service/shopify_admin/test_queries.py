"""What we ask is what Shopify's own schema has, in every version that it serves."""

from __future__ import annotations

import pytest
from graphql import TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, validate, visit

from devtools.fake_shopify import LIVING_VERSIONS
from devtools.fake_shopify.execution import SCHEMAS, Api, api, schema_file
from thetis.providers import shopify_queries, shopify_subscriptions
from thetis.providers.shopify_admin import REQUIRED_SCOPES
from thetis.shopify_settings import ShopifySettings


def _documents(module: object) -> dict[str, str]:
    return {
        name: text
        for name, text in vars(module).items()
        if name.isupper() and not name.startswith("_") and "Thetis" in str(text)
    }


QUERIES = _documents(shopify_queries)
OF_WEBHOOKS = _documents(shopify_subscriptions)

NAMED_SINCE = "2026-04"
"""Before it, a webhook subscription has no name; the settings take no older version."""


def each_version_with(documents: dict[str, str]) -> list[tuple[str, str]]:
    return [(version, name) for version in (*LIVING_VERSIONS, "unstable") for name in documents]


def _faults(version: str, text: str) -> list[str]:
    return [each.message for each in validate(api(version).schema, parse(text))]


def test_all_that_we_ask_is_looked_at() -> None:
    assert len(QUERIES) == 9
    assert set(OF_WEBHOOKS) == {"LIST", "CREATE", "UPDATE", "DELETE"}


@pytest.mark.parametrize(("version", "name"), each_version_with(QUERIES))
def test_every_living_version_understands_what_we_ask(version: str, name: str) -> None:
    assert _faults(version, QUERIES[name]) == []


@pytest.mark.parametrize(("version", "name"), each_version_with(OF_WEBHOOKS))
def test_every_version_that_the_settings_take_understands_what_we_ask_of_webhooks(
    version: str, name: str
) -> None:
    faults = _faults(version, OF_WEBHOOKS[name])
    if version < NAMED_SINCE and name != "DELETE":
        assert faults == ["Cannot query field 'name' on type 'WebhookSubscription'."]
    else:
        assert faults == []


def test_a_version_that_has_no_names_is_not_taken_by_the_settings() -> None:
    ShopifySettings(shopify_api_version=NAMED_SINCE)
    with pytest.raises(ValueError, match="2026-04 or later"):
        ShopifySettings(shopify_api_version="2026-01")


def test_the_version_that_is_asked_by_default_is_the_newest_that_is_served() -> None:
    assert ShopifySettings.model_fields["shopify_api_version"].default == LIVING_VERSIONS[-1]
    assert schema_file(LIVING_VERSIONS[-1]).exists()


def test_the_stand_in_serves_no_version_whose_schema_is_not_there() -> None:
    held = {path.name.removeprefix("admin_")[: len("2026-10")] for path in SCHEMAS.glob("admin_*")}
    assert set(LIVING_VERSIONS) <= held


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_the_scopes_that_we_require_are_those_that_shopify_names(name: str) -> None:
    """Of each type and field that an order or a product is asked for, by Shopify's own list."""
    served = api("2026-10")
    for kind, scopes in _needed(served, QUERIES[name]).items():
        assert scopes & REQUIRED_SCOPES, kind


def _needed(served: Api, text: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    info = TypeInfo(served.schema)

    class Fields(Visitor):
        def enter_field(self, *_: object) -> None:
            kind = get_named_type(info.get_type())
            name = str(kind).removesuffix("Connection")
            needed = served.access.get((name, None))
            if needed is not None:
                found[name] = needed[0]

    visit(parse(text), TypeInfoVisitor(info, Fields()))
    return found


def test_a_word_that_shopify_does_not_have_would_be_noticed() -> None:
    assert _faults("2026-10", "{ shop { nam } }") == [
        "Cannot query field 'nam' on type 'Shop'. Did you mean 'name'?"
    ]
