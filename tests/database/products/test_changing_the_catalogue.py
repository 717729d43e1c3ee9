"""What `thetis products` calls, and what it is told when a value cannot be."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.database import Database
from tests.support.everything import everything
from tests.support.shopify import COURSE, order

NEW = {"slug": "deep_course", "name": "Deep", "category": "course"}


def add(database: Database, **values: Any) -> None:
    arguments = {**NEW, **values}
    query = sql.SQL("select public.add_product({})").format(
        sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in arguments
        )
    )
    with database.as_role("service_role") as service:
        service.execute(query, arguments)


def product(database: Database, slug: str = NEW["slug"]) -> dict[str, Any]:
    [row] = [row for row in database.call("list_products") if row["slug"] == slug]
    return row


def test_a_new_product_grants_access_for_ever(database: Database) -> None:
    add(database, shopify_product_id="77")

    assert product(database) == {**NEW, "access_period": None, "shopify_product_ids": ["77"]}


def test_a_period_that_is_not_given_stays(database: Database) -> None:
    add(database, access_period="1 year")
    add(database, name="Deeper", category="other")

    assert product(database)["access_period"] == "1 year"
    assert (product(database)["name"], product(database)["category"]) == ("Deeper", "other")


def test_for_ever_takes_the_period_away(database: Database) -> None:
    add(database, access_period="90 days")
    add(database, access_period="for ever")

    assert product(database)["access_period"] is None


def test_a_period_replaces_another(database: Database) -> None:
    add(database, access_period="90 days")
    add(database, access_period="2 years")

    assert product(database)["access_period"] == "2 years"


def test_ids_are_added_one_by_one_and_each_once(database: Database) -> None:
    for shopify_id in ("77", "78", "77"):
        add(database, shopify_product_id=shopify_id)

    assert product(database)["shopify_product_ids"] == ["77", "78"]


WORDS = "lower case letters, digits and underscores, beginning with a letter"
PERIOD = 'access period: say for example "1 year", "90 days" or "for ever"'
LENGTH = "access period: must be longer than nothing, and 1000 years at most"
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "a slug with a capital": ({"slug": "Deep"}, f"slug: {WORDS}"),
    "a slug with a hyphen": ({"slug": "deep-course"}, f"slug: {WORDS}"),
    "a slug with a line break": ({"slug": "deep\n"}, f"slug: {WORDS}"),
    "an empty slug": ({"slug": ""}, f"slug: {WORDS}"),
    "no slug": ({"slug": None}, "slug, name and category must be given"),
    "a blank name": ({"name": "  "}, "name: must not be blank"),
    "no name": ({"name": None}, "slug, name and category must be given"),
    "a category with a space": ({"category": "a course"}, f"category: {WORDS}"),
    "no category": ({"category": None}, "slug, name and category must be given"),
    "a gid": (
        {"shopify_product_id": "gid://shopify/Product/7"},
        "Shopify product id: a number of 19 digits at most",
    ),
    "an id of zero": (
        {"shopify_product_id": "0"},
        "Shopify product id: a number of 19 digits at most",
    ),
    "an empty id": (
        {"shopify_product_id": ""},
        "Shopify product id: a number of 19 digits at most",
    ),
    "a period in other words": ({"access_period": "a while"}, PERIOD),
    "an empty period": ({"access_period": ""}, PERIOD),
    "a period beyond what can be written": ({"access_period": "99999999999 years"}, PERIOD),
    "a period that goes back": ({"access_period": "-1 year"}, LENGTH),
    "a period of nothing": ({"access_period": "0 days"}, LENGTH),
    "a period beyond all dates": ({"access_period": "300000 years"}, LENGTH),
}


@pytest.mark.parametrize("fault", MALFORMED)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_malformed_value_is_refused_in_plain_words_and_changes_nothing(
    database: Database, fault: str, *, is_new: bool
) -> None:
    values, sentence = MALFORMED[fault]
    if not is_new:
        add(database, access_period="1 year", shopify_product_id="77")
    before = everything(database)
    with pytest.raises(psycopg.Error) as refused:
        add(database, **values)

    assert refused.value.sqlstate == "TH004"
    assert refused.value.diag.message_primary == sentence
    assert everything(database) == before


def test_an_id_of_another_product_is_refused_and_changes_nothing(database: Database) -> None:
    add(database, shopify_product_id="77")
    before = everything(database)
    with pytest.raises(psycopg.Error) as refused:
        add(database, slug="other_course", shopify_product_id="77")

    assert refused.value.sqlstate == "TH001"
    assert refused.value.diag.message_primary == "Shopify product 77 is already deep_course"
    assert everything(database) == before


def removed(database: Database, shopify_id: str) -> str | None:
    [row] = database.call("remove_shopify_product", shopify_id)
    slug: str | None = row["remove_shopify_product"]
    return slug


def test_an_id_can_be_removed_and_says_what_it_meant(database: Database) -> None:
    add(database, shopify_product_id="77")

    assert removed(database, "77") == "deep_course"
    assert product(database)["shopify_product_ids"] == []
    assert removed(database, "77") is None


def test_orders_of_a_removed_id_are_no_longer_ours_and_purchases_stay(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")
    database.record_orders(order(1, COURSE))
    [shopify_id] = product(database, COURSE)["shopify_product_ids"]
    removed(database, shopify_id)

    assert database.record_orders(order(2, COURSE)) == ["ignored"]
    assert database.record_orders(order(1, COURSE)) == ["unchanged"]
    assert database.accounts.has_access(ada, COURSE)


def test_an_order_removed_from_the_catalogue_can_still_be_cancelled(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    [shopify_id] = product(database, COURSE)["shopify_product_ids"]
    removed(database, shopify_id)

    cancelled = order(1, COURSE, cancelled_at="2026-11-20T10:00:00Z")
    assert database.record_orders(cancelled) == ["recorded"]
    assert [row["status"] for row in database.purchases(1)] == ["cancelled"]


def test_a_product_that_somebody_bought_is_not_removed(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    with pytest.raises(psycopg.Error) as refused:
        database.call("remove_product", COURSE)

    assert refused.value.sqlstate == "TH002"
    assert refused.value.diag.message_primary == f"there are purchases of {COURSE}"


@pytest.mark.parametrize("function", ["remove_shopify_product", "remove_product"])
@pytest.mark.parametrize("value", ["nothing", "", None])
def test_what_is_not_there_is_not_removed(
    database: Database, function: str, value: str | None
) -> None:
    before = everything(database)
    [row] = database.call(function, value)

    assert not row[function]
    assert everything(database) == before
