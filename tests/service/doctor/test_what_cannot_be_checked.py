"""What no API tells is not passed: the doctor says how a person finds it out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.service.doctor.world import ORDER, Json, World


def unknown(found: dict[str, Json]) -> set[str]:
    """Those that say so themselves; not those that they block."""
    assert not [each for each in found.values() if each["verdict"] in {"warn", "fail"}]
    return {
        name
        for name, each in found.items()
        if each["verdict"] == "cannot be checked" and each["blocked_by"] is None
    }


def test_without_tokens_two_things_are_left_to_a_person(world: World) -> None:
    world.environment |= {"SUPABASE_ACCESS_TOKEN": "", "KNOCK_SERVICE_TOKEN": ""}

    found = world.checks()

    assert unknown(found) == {"auth.management", "knock.service_token"}
    assert "SMTP Settings" in found["auth.management"]["remedy"]
    assert "committed and active" in found["knock.service_token"]["remedy"]
    for name in ("auth.mail_server", "auth.mail_limit", "auth.sessions"):
        assert found[name]["blocked_by"] == "auth.management"
    for name in ("knock.post_purchase", "knock.review_request", "knock.channels"):
        assert found[name]["blocked_by"] == "knock.service_token"


def test_a_key_that_may_only_send_may_send(world: World) -> None:
    world.accounts.may_only_send = True

    found = world.checks()

    assert found["resend.key"]["verdict"] == "pass"
    assert unknown(found) == {"resend.domain", "resend.webhook", "resend.suppressions"}
    assert found["resend.domain"]["words"] == "this key may only send"
    assert "Domains" in found["resend.domain"]["remedy"]


def test_without_the_admin_api_the_webhooks_are_looked_at_by_hand(world: World) -> None:
    for name in ("SHOP", "CLIENT_ID", "CLIENT_SECRET", "BASE_URL"):
        world.environment[f"SHOPIFY_{name}"] = ""

    found = world.checks()

    assert unknown(found) == {"shopify.app"}
    assert "Settings > Notifications > Webhooks" in found["shopify.app"]["remedy"]


def a_shop_without_orders(world: World) -> None:
    world.shop.remove(ORDER)


def webhooks_made_by_hand(world: World) -> None:
    world.shop.webhooks.clear()


def an_old_app(world: World) -> None:
    world.environment |= {"SHOPIFY_CLIENT_ID": "", "SHOPIFY_ADMIN_TOKEN": world.shop.admin_token}


@pytest.mark.parametrize(
    ("change", "expected", "remedy"),
    [
        (a_shop_without_orders, {"shopify.customers", "shopify.pulse"}, "once there is an order"),
        (webhooks_made_by_hand, {"shopify.webhooks"}, "shopify.app.toml"),
        (an_old_app, {"shopify.secret"}, "API secret key"),
    ],
)
def test_what_shopify_does_not_show(
    world: World, change: Callable[[World], None], expected: set[str], remedy: str
) -> None:
    change(world)

    found = world.checks()

    assert unknown(found) == expected
    for name in expected:
        assert remedy in found[name]["remedy"]
