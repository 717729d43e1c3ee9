"""`thetis webhooks`: what Shopify is to tell us, made and mended by a command."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from devtools.fake_shopify import FakeShop, running
from tests.support.program import thetis

HERE = "https://thetis.example.com"
MADE_TOGETHER = 7


@pytest.fixture
def shop() -> FakeShop:
    return FakeShop()


@pytest.fixture
def base_url(shop: FakeShop) -> Iterator[str]:
    with running(shop) as url:
        yield url


class Command:
    def __init__(self, shop: FakeShop, base_url: str) -> None:
        self.environment = {
            "SHOPIFY_SHOP": shop.domain,
            "SHOPIFY_BASE_URL": base_url,
            "SHOPIFY_CLIENT_ID": shop.client_id,
            "SHOPIFY_CLIENT_SECRET": shop.client_secret,
            "PUBLIC_URL": HERE,
        }

    def __call__(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return thetis("webhooks", *arguments, **{**self.environment, **changes})

    def states(self, *arguments: str, **changes: str) -> dict[str, str]:
        """What is said of each topic."""
        done = self(*arguments, **changes)
        assert done.returncode == 0, done.stderr
        rows = [line.split(maxsplit=3) for line in done.stdout.splitlines()[1:]]
        return {row[0]: row[-1] for row in rows}


@pytest.fixture
def command(shop: FakeShop, base_url: str) -> Command:
    return Command(shop, base_url)


def test_they_are_created_once_and_then_are_right(command: Command, shop: FakeShop) -> None:
    assert set(command.states("create").values()) == {"created"}
    assert len(shop.webhooks) == MADE_TOGETHER
    held = {(each["name"], each["uri"]) for each in shop.webhooks.values()}
    assert ("thetis-orders-paid", f"{HERE}/webhooks/shopify") in held

    assert set(command.states("create").values()) == {"was right"}
    assert set(command.states("list").values()) == {"right"}
    assert len(shop.webhooks) == MADE_TOGETHER


def test_the_table_has_a_column_for_each_thing(command: Command, shop: FakeShop) -> None:
    shop.scopes.remove("read_shopify_payments_disputes")
    done = command("create")
    assert done.stdout.splitlines()[0].split() == ["TOPIC", "NAME", "ADDRESS", "STATE"]
    starts = {line.index("https://") for line in done.stdout.splitlines()[1:]}
    assert starts == {done.stdout.index("ADDRESS")}


def test_disputes_are_left_out_without_their_scope_and_that_is_said(
    command: Command, shop: FakeShop
) -> None:
    shop.scopes.remove("read_shopify_payments_disputes")

    done = command("create")

    assert "disputes" not in done.stdout
    assert len(shop.webhooks) == MADE_TOGETHER - 2
    assert done.stderr == (
        "Note: disputes/create and disputes/update need the scope"
        " read_shopify_payments_disputes, which the app does not have.\n"
    )


def test_what_is_wrong_is_mended_and_named(command: Command, shop: FakeShop) -> None:
    command("create")
    for each in shop.webhooks.values():
        if each["topic"] == "ORDERS_PAID":
            each.update(uri="https://old.example.com/webhooks/shopify", includeFields=["id"])

    wrong = "other address, leaves fields out (include_fields)"
    assert command.states("list")["orders/paid"] == wrong
    assert command.states("create", "--dry-run")["orders/paid"] == f"would be mended: {wrong}"
    assert command.states("create")["orders/paid"] == f"mended: {wrong}"
    assert command.states("list")["orders/paid"] == "right"


def test_a_dry_run_changes_nothing(command: Command, shop: FakeShop) -> None:
    assert set(command.states("create", "--dry-run").values()) == {"would be created"}
    assert shop.webhooks == {}

    command("create")
    assert set(command.states("delete", "--dry-run").values()) == {"would be deleted"}
    assert len(shop.webhooks) == MADE_TOGETHER


def test_a_list_names_what_is_missing_and_what_is_not_ours(
    command: Command, shop: FakeShop
) -> None:
    command("create")
    [paid] = [key for key, each in shop.webhooks.items() if each["topic"] == "ORDERS_PAID"]
    del shop.webhooks[paid]
    key = "gid://shopify/WebhookSubscription/1"
    shop.webhooks[key] = {
        "id": key,
        "topic": "PRODUCTS_UPDATE",
        "uri": "https://reports.example.com/",
        "name": "reports",
        "filter": None,
        "includeFields": ["id"],
        "format": "JSON",
    }

    states = command.states("list")

    assert (states["orders/paid"], states["products/update"]) == ("missing", "not ours")


def test_only_ours_are_deleted(command: Command, shop: FakeShop) -> None:
    command("create")
    key = "gid://shopify/WebhookSubscription/1"
    theirs = {**next(iter(shop.webhooks.values())), "id": key, "name": "reports"}
    shop.webhooks[key] = {**theirs, "uri": "https://reports.example.com/"}

    assert set(command.states("delete").values()) == {"deleted"}

    assert list(shop.webhooks) == [key]
    assert command("delete").stdout == "There are none.\n"


def test_a_list_and_a_deletion_do_without_the_public_address(
    command: Command, shop: FakeShop
) -> None:
    command("create")
    assert set(command.states("list", PUBLIC_URL="").values()) == {"right"}
    command("delete", PUBLIC_URL="")
    assert shop.webhooks == {}


def test_a_version_that_the_app_sets_is_named_because_no_command_can_mend_it(
    command: Command, shop: FakeShop
) -> None:
    shop.webhook_version = "2025-10"
    command("create")
    assert command("create").stderr == (
        "Note: webhooks are told in version 2025-10 of the API, and not in 2026-10: that is set"
        " with the app, in the Dev Dashboard.\n"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PUBLIC_URL": ""}, "PUBLIC_URL: is not set; must be an https address without a path"),
        ({"PUBLIC_URL": "http://thetis.example.com"}, "PUBLIC_URL: must be an https address"),
        ({"SHOPIFY_SHOP": ""}, "SHOPIFY_SHOP: is not set; must be the shop's name.myshopify.com"),
        ({"SHOPIFY_SHOP": "shop.example.com"}, "SHOPIFY_SHOP: must be the shop's name"),
        ({"SHOPIFY_CLIENT_SECRET": ""}, "set both SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(
    command: Command, changes: dict[str, str], words: str
) -> None:
    done = command("create", **changes)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"SHOPIFY_CLIENT_SECRET": "shpss_wrong"},
            (
                "Error: shopify gave no token (400 invalid_client: The client secret is wrong)\n"
                "SHOPIFY_CLIENT_SECRET is not that of the app, or it is not installed\n"
            ),
        ),
        (
            {"SHOPIFY_CLIENT_ID": "", "SHOPIFY_ADMIN_TOKEN": "shpat_old"},
            (
                "Error: shopify 401 [API] Invalid API key or access token (unrecognized login or"
                " wrong password)\n"
                "SHOPIFY_ADMIN_TOKEN is not of this shop, or the app was removed from it\n"
            ),
        ),
        (
            {"SHOPIFY_BASE_URL": "http://127.0.0.1:1"},
            (
                "Error: shopify did not answer (ConnectError)\n"
                "is SHOPIFY_SHOP right, and does this machine reach the internet?\n"
            ),
        ),
    ],
)
def test_a_refusal_is_told_plainly_with_what_to_mend(
    command: Command, changes: dict[str, str], words: str
) -> None:
    done = command("list", **changes)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", words)


def test_what_shopify_says_against_a_webhook_is_told(command: Command, shop: FakeShop) -> None:
    shop.scopes -= {"read_orders"}
    done = command("create")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "Error: shopify: You do not have permission to create or update webhooks with orders/create"
    )


def test_an_admin_token_does_as_well(command: Command, shop: FakeShop) -> None:
    changes = {"SHOPIFY_CLIENT_ID": "", "SHOPIFY_ADMIN_TOKEN": shop.admin_token}
    assert set(command.states("create", **changes).values()) == {"created"}
