"""What the migrations bring and what only a local database wants besides."""

from __future__ import annotations

from devtools import migrations
from tests.support.cluster import SUPABASE
from tests.support.database import Database, Row

KNOWN = "20261123001600"


def catalogue(database: Database) -> dict[str, tuple[str, list[str]]]:
    """Category and Shopify ids of each product."""
    rows = database.call("list_products")
    return {row["slug"]: (row["category"], row["shopify_product_ids"]) for row in rows}


def everything(database: Database) -> list[Row]:
    tables = (
        "public.products",
        "thetis.shopify_products",
        "public.purchases",
        "thetis.orders",
        "thetis.order_lines",
        "thetis.notifications",
    )
    return [row for table in tables for row in database.rows(f"table {table} order by 1, 2")]


def test_production_has_the_five_products_and_the_two_known_ids(bare_database: Database) -> None:
    migrations.apply(bare_database.url, SUPABASE)

    assert catalogue(bare_database) == {
        "essentials_course": ("course", []),
        "standard_course": ("course", ["9846187786568"]),
        "premium_course": ("course", ["9846188081480"]),
        "professionals_course": ("course", []),
        "splint": ("device", []),
    }
    assert bare_database.rows("table public.purchases") == []


def test_a_catalogue_that_was_there_first_is_not_touched(bare_database: Database) -> None:
    migrations.apply(bare_database.url, SUPABASE, upto="20261123001500")
    bare_database.execute(
        "insert into public.products (slug, name, category)"
        " values ('splint', 'Night Splint', 'orthosis'), ('standard', 'Standard', 'course')"
    )
    bare_database.map_product("9846187786568", "standard")

    migrations.apply(bare_database.url, SUPABASE, upto=KNOWN)

    known = catalogue(bare_database)
    assert known["splint"] == ("orthosis", [])
    assert known["standard"] == ("course", ["9846187786568"])
    assert known["standard_course"] == ("course", [])


def test_the_seed_gives_every_product_an_id_and_some_people_purchases(
    bare_database: Database,
) -> None:
    migrations.apply(bare_database.url, SUPABASE)
    migrations.seed(bare_database.url, SUPABASE)

    assert all(ids for _, ids in catalogue(bare_database).values())
    statuses = {row["status"] for row in bare_database.rows("table public.purchases")}
    assert statuses == {"active", "refunded", "cancelled"}
    assert bare_database.rows("table thetis.notifications") == []


def test_the_seed_again_changes_nothing(bare_database: Database) -> None:
    migrations.apply(bare_database.url, SUPABASE)
    migrations.seed(bare_database.url, SUPABASE)
    before = everything(bare_database)

    migrations.seed(bare_database.url, SUPABASE)

    assert everything(bare_database) == before
