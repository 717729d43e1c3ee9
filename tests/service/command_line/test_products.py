"""`thetis products`: a new product is data, and nothing in it can be changed by accident."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.database import Database
from tests.support.program import thetis
from tests.support.shopify import COURSE, order


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
        (("Work Shop", "--name", "W", "--category", "course"), "slug_is_lower_snake_case"),
        (("workshop", "--name", " ", "--category", "course"), "name_is_not_blank"),
        (("workshop", "--name", "W", "--category", "A Course"), "category_is_lower_snake_case"),
        (
            ("workshop", "--name", "W", "--category", "course", "--shopify-id", "gid://1"),
            "shopify_product_id_is_a_number",
        ),
        (
            ("workshop", "--name", "W", "--category", "course", "--access-period", "soon"),
            "invalid input syntax for type interval",
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

    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: the database says: ") and words in refused.stderr
    assert listed(database) == before


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
