"""`thetis products`: a new product is data, and nothing in it can be changed by accident."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.support.database import Database
from tests.support.program import thetis
from tests.support.shopify import COURSE, order
from thetis.cli.products import product_id


def products(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    return thetis("products", *arguments, DATABASE_URL=database.url)


def listed(database: Database) -> dict[str, list[str]]:
    """The other columns of each product, by its slug."""
    lines = products(database, "list").stdout.splitlines()
    return {slug: rest for slug, *rest in (line.split("\t") for line in lines)}


def test_a_product_is_added_changed_and_given_a_further_id(database: Database) -> None:
    add = ("add", "workshop", "--name", "Workshop", "--category", "course")

    assert products(database, *add).stdout == "workshop is in the catalogue.\n"
    assert listed(database)["workshop"] == ["Workshop", "course", "for ever", "no Shopify id yet"]

    products(database, *add, "--shopify-id", "11", "--access-period", "1 year")
    products(database, *add, "--shopify-id", "12", "--access-period", "1 year")
    assert listed(database)["workshop"] == ["Workshop", "course", "1 year", "11, 12"]


def test_the_next_order_of_a_new_product_grants_it(database: Database) -> None:
    user_id = database.accounts.sign_up("ada@example.com")
    bought = order(1, {"id": 5, "product_id": 4242, "quantity": 1})
    assert database.record_orders(bought) == ["ignored"]

    products(
        database, "add", "workshop", "--name", "Workshop", "--category", "course",
        "--shopify-id", "4242",
    )  # fmt: skip
    assert database.record_orders(bought) == ["recorded"]

    assert database.accounts.has_access(user_id, "workshop")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Work Shop", "--name", "W", "--category", "course"), "slug"),
        (("workshop", "--name", " ", "--category", "course"), "name"),
        (("workshop", "--name", "W", "--category", "A Course"), "category"),
        (
            ("workshop", "--name", "W", "--category", "course", "--access-period", "soon"),
            "access period",
        ),
        (
            ("workshop", "--name", "W", "--category", "course", "--shopify-id", "9846187786568"),
            "Shopify product 9846187786568 is already standard_course",
        ),
    ],
)
def test_what_is_no_product_is_refused_with_the_reason_and_changes_nothing(
    database: Database, arguments: tuple[str, ...], words: str
) -> None:
    before = listed(database)

    refused = products(database, "add", *arguments)

    assert (refused.returncode, refused.stdout) == (1, "")
    [line] = refused.stderr.splitlines()
    assert line.startswith("Error: ") and words in line
    assert not re.search("_is_|constraint|syntax|TH004", line)
    assert listed(database) == before


WORKSHOP = ("add", "workshop", "--name", "Workshop", "--category", "course")


@pytest.mark.parametrize(
    "spelling",
    [
        "4242",
        " 4242 ",
        "gid://shopify/Product/4242",
        "https://admin.shopify.com/store/a-shop/products/4242",
        "https://admin.shopify.com/store/a-shop/products/4242?view=edit#media",
        "https://a-shop.myshopify.com/admin/products/4242",
        "https://a-shop.myshopify.com/admin/products/4242/",
    ],
)
def test_a_shopify_id_may_be_copied_from_wherever_it_stands(spelling: str) -> None:
    assert product_id(spelling) == "4242"


def test_an_id_is_given_and_removed_again(database: Database) -> None:
    gid = "gid://shopify/Product/4242"
    assert products(database, *WORKSHOP, "--shopify-id", gid).returncode == 0
    assert listed(database)["workshop"][-1] == "4242"

    removed = products(database, "remove-id", "https://a-shop.myshopify.com/admin/products/4242")
    assert removed.stdout == "The Shopify id 4242 no longer means workshop.\n"
    assert listed(database)["workshop"][-1] == "no Shopify id yet"


@pytest.mark.parametrize(
    ("spelling", "words"),
    [
        ("gid://shopify/ProductVariant/4242", "is a variant"),
        ("https://admin.shopify.com/store/a/products/1/variants/4242", "is a variant"),
        ("gid://shopify/Order/4242", "is of Order, and not a product"),
        ("https://admin.shopify.com/store/a/orders/4242", "is of orders, and not a product"),
        ("https://a-shop.example.com/products/a-course", "looks like 9846187786568, gid://"),
        ("the course", "looks like"),
        ("0", "looks like"),
        ("9" * 19, "looks like"),
        ("", "looks like"),
    ],
)
def test_what_is_no_products_id_is_explained(spelling: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        product_id(spelling)


@pytest.mark.parametrize("command", [(*WORKSHOP, "--shopify-id"), ("remove-id",)])
def test_a_wrong_id_ends_the_command_before_it_asks_the_database(command: tuple[str, ...]) -> None:
    refused = thetis("products", *command, "gid://shopify/ProductVariant/4242")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is a variant, and not the product" in " ".join(refused.stderr.split())


def test_an_id_that_means_nothing_cannot_be_removed(database: Database) -> None:
    refused = products(database, "remove-id", "4242")

    assert refused.returncode == 1
    assert refused.stderr == "Error: no product has the Shopify id 4242\n"


def test_a_category_without_a_branch_is_warned_of_and_added(database: Database) -> None:
    added = products(database, "add", "towel", "--name", "Towel", "--category", "textile")

    assert (added.returncode, added.stdout) == (0, "towel is in the catalogue.\n")
    assert "no branch for the category textile, only for course, device" in added.stderr
    assert products(database, *WORKSHOP).stderr == ""


def test_an_access_period_that_is_not_given_stays(database: Database) -> None:
    products(database, *WORKSHOP, "--access-period", "1 year")
    products(database, *WORKSHOP, "--shopify-id", "4242")
    assert listed(database)["workshop"][2] == "1 year"

    products(database, *WORKSHOP, "--access-period", "for ever")
    assert listed(database)["workshop"][2] == "for ever"


def test_what_nobody_bought_can_be_removed_and_what_somebody_bought_cannot(
    database: Database,
) -> None:
    database.record_orders(order(1, COURSE))

    assert products(database, "remove", "premium_course").returncode == 0
    assert "premium_course" not in listed(database)

    bought = products(database, "remove", COURSE)
    assert bought.returncode == 1 and f"there are purchases of {COURSE}" in bought.stderr
    assert COURSE in listed(database)

    unknown = products(database, "remove", "premium_course")
    assert unknown.returncode == 1 and "there is no product premium_course" in unknown.stderr
