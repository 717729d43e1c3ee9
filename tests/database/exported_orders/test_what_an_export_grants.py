"""An export of Shopify's admin names no line of an order: what it tells stands until Shopify tells
of the lines itself, and never beside them.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, Json, days_ago, line, order, refund

BOUGHT = days_ago(400)


def exported(order_id: int, *slugs: str, **fields: Any) -> Json:
    """A paid order of an export."""
    at = fields.pop("made_at", BOUGHT).isoformat()
    return {
        "id": str(order_id),
        "order_number": str(order_id),
        "email": "ada@example.com",
        "financial_status": "paid",
        "total_outstanding": "0.00",
        "cancelled_at": None,
        "created_at": at,
        "updated_at": at,
        "paid_back": "0.00",
        "lines": [{"slug": slug, "quantity": 1} for slug in slugs],
        **fields,
    }


def record(database: Database, *orders: Json, dry_run: bool = False) -> list[str]:
    rows = database.call("record_exported_orders", list(orders), dry_run)
    return [" ".join(filter(None, (row["outcome"], row["reason"]))) for row in rows]


def told(order_id: int, *lines: str | Json, **fields: Any) -> Json:
    """The same order, as the API tells it."""
    return order(order_id, *lines, made_at=BOUGHT, **fields)


def statuses(database: Database, order_id: int = 1) -> list[tuple[str, str]]:
    return sorted((row["product_slug"], row["status"]) for row in database.purchases(order_id))


def test_a_paid_order_grants_access_and_causes_no_message(database: Database) -> None:
    ada = database.accounts.sign_up("ada@example.com")

    assert record(database, exported(1, COURSE, SPLINT)) == ["recorded"]

    assert statuses(database) == [(SPLINT, "active"), (COURSE, "active")]
    assert database.accounts.has_access(ada, COURSE)
    assert database.rows("select from thetis.notifications") == []


def test_it_waits_for_an_account_like_any_purchase(database: Database) -> None:
    record(database, exported(1, COURSE))
    ada = database.accounts.sign_up("ada@example.com")

    assert database.accounts.has_access(ada, COURSE)


def test_the_same_export_again_changes_nothing(database: Database) -> None:
    record(database, exported(1, COURSE, COURSE))
    before = database.purchases()

    assert record(database, exported(1, COURSE, COURSE)) == ["unchanged"]
    assert database.purchases() == before
    assert len(before) == 2


def test_a_dry_run_says_the_same_and_changes_nothing(database: Database) -> None:
    orders = [exported(1, COURSE), exported(2, COURSE, email=None), exported(3)]
    would_be = record(database, *orders, dry_run=True)

    assert database.purchases() == database.rows("select from thetis.orders") == []
    assert would_be == record(database, *orders)


@pytest.mark.parametrize(
    "fields",
    [
        {"financial_status": "pending", "total_outstanding": "10.00"},
        {"financial_status": "voided"},
        {"financial_status": "refunded", "paid_back": "10.00"},
        {"cancelled_at": BOUGHT.isoformat()},
        {"financial_status": "partially_refunded", "total_outstanding": "5.00"},
    ],
)
def test_what_is_not_paid_or_is_over_grants_nothing(database: Database, fields: Json) -> None:
    assert record(database, exported(1, COURSE, **fields)) == ["ignored"]
    assert database.purchases() == []


def test_what_was_paid_back_in_part_is_for_a_person_to_look_at(database: Database) -> None:
    part = exported(1, COURSE, financial_status="partially_refunded", paid_back="5.00")

    assert record(database, part) == [
        "rejected a part was paid back, and an export does not say of what"
    ]
    assert database.purchases() == []


def test_of_what_shopify_has_told_itself_nothing_is_asked(database: Database) -> None:
    database.record_orders(told(1, COURSE))
    part = exported(1, COURSE, financial_status="partially_refunded", paid_back="5.00")

    assert record(database, part, exported(2, COURSE)) == ["unchanged", "recorded"]
    assert statuses(database) == [(COURSE, "active")]


def test_an_order_without_an_address_is_rejected_until_one_is_told(database: Database) -> None:
    assert record(database, exported(1, COURSE, email=None)) == ["rejected no email address"]
    assert record(database, exported(1, COURSE)) == ["recorded"]
    assert statuses(database) == [(COURSE, "active")]


def test_a_new_order_is_left_to_the_api_so_that_its_messages_are_sent(database: Database) -> None:
    assert record(database, exported(1, COURSE, made_at=days_ago(1))) == ["ignored"]
    assert database.record_orders(order(1, COURSE, made_at=days_ago(1))) == ["recorded"]
    assert database.notifications(1) != {}


def test_a_product_that_is_not_in_the_catalogue_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="there is no product gym"):
        record(database, exported(1, "gym"))


@pytest.mark.parametrize("is_told_first", [True, False])
def test_told_by_the_api_as_well_it_is_one_purchase(
    database: Database, *, is_told_first: bool
) -> None:
    def tell() -> None:
        assert database.record_orders(told(1, COURSE, SPLINT)) == ["recorded"]

    if is_told_first:
        tell()
    record(database, exported(1, COURSE, SPLINT))
    if not is_told_first:
        tell()

    assert statuses(database) == [(SPLINT, "active"), (COURSE, "active")]
    assert {row["shopify_line_item_id"] for row in database.purchases()} == {
        str(line(1, slug)["id"]) for slug in (COURSE, SPLINT)
    }
    assert database.record_orders(told(1, COURSE, SPLINT)) == ["unchanged"]
    assert record(database, exported(1, COURSE, SPLINT)) == ["unchanged"]


def test_the_purchase_stays_the_one_that_it_was(database: Database) -> None:
    """What an operator has said of it is said of its id."""
    record(database, exported(1, COURSE))
    [before] = database.purchases()
    database.call("revoke_purchase", before["id"], "charged back", "ada@example.com", "sue")

    database.record_orders(told(1, COURSE))

    [after] = database.purchases()
    assert (after["id"], after["status"]) == (before["id"], "cancelled")


def test_two_lines_of_a_product_become_the_two_that_are_told(database: Database) -> None:
    record(database, exported(1, COURSE, COURSE))
    again = line(1, COURSE) | {"id": 77}

    database.record_orders(told(1, COURSE, again))

    assert statuses(database) == [(COURSE, "active")] * 2
    database.record_refunds(
        {"id": 9, "order_id": 1, "refund_line_items": [{"line_item_id": 77, "quantity": 1}]}
    )
    assert statuses(database) == [(COURSE, "active"), (COURSE, "refunded")]


def test_a_refund_of_its_line_ends_it_once_the_line_is_told(database: Database) -> None:
    record(database, exported(1, COURSE, SPLINT))
    database.record_orders(
        told(
            1,
            line(1, COURSE, current_quantity=0),
            SPLINT,
            refunds=[refund(9, 1, **{COURSE: 1})],
            financial_status="partially_refunded",
        )
    )

    assert statuses(database) == [(SPLINT, "active"), (COURSE, "refunded")]


@pytest.mark.parametrize(
    ("end", "becomes"),
    [
        ({"cancelled_at": days_ago(300).isoformat()}, "cancelled"),
        ({"financial_status": "refunded", "total_outstanding": "0.00"}, "refunded"),
    ],
)
@pytest.mark.parametrize("product_id", [None, 424242])
def test_it_ends_with_its_order_also_where_the_line_has_no_product_of_ours(
    database: Database, end: Json, becomes: str, product_id: int | None
) -> None:
    record(database, exported(1, COURSE))
    event = told(1, line(1, COURSE, product_id=product_id), **end)

    assert database.record_orders(event) == ["recorded"]
    assert statuses(database) == [(COURSE, becomes)]
    assert database.record_orders(event) == ["unchanged"]


def test_a_later_export_in_which_it_is_over_ends_it(database: Database) -> None:
    record(database, exported(1, COURSE), exported(2, COURSE))
    refunded = exported(1, COURSE, financial_status="refunded", paid_back="10.00")
    cancelled = exported(2, COURSE, cancelled_at=days_ago(9).isoformat())

    assert record(database, refunded, cancelled) == ["recorded"] * 2
    assert statuses(database, 1) + statuses(database, 2) == [
        (COURSE, "refunded"),
        (COURSE, "cancelled"),
    ]


def test_a_deleted_product_that_only_the_export_names_is_granted_once(database: Database) -> None:
    database.record_orders(told(1, line(1, COURSE, product_id=None)))

    assert record(database, exported(1, COURSE)) == ["recorded"]
    database.record_orders(told(1, line(1, COURSE, product_id=None), tags="vip"))
    assert statuses(database) == [(COURSE, "active")]


def test_an_address_that_was_corrected_since_is_kept(database: Database) -> None:
    corrected = told(1, COURSE, email="grace@example.com", updated_at=days_ago(1).isoformat())
    database.record_orders(corrected)
    record(database, exported(1, COURSE))

    assert [row["shopify_customer_email"] for row in database.purchases()] == ["grace@example.com"]


def test_an_order_that_was_paid_after_a_void_stays_paid(database: Database) -> None:
    voided = told(1, COURSE, financial_status="voided")
    paid = told(1, COURSE, updated_at=days_ago(398).isoformat())
    database.record_orders(voided, paid)

    record(database, exported(1, COURSE, updated_at=days_ago(398).isoformat()))

    assert statuses(database) == [(COURSE, "active")]


def test_access_ends_with_its_period(database: Database) -> None:
    database.execute("update public.products set access_period = '1 year' where slug = %s", PREMIUM)
    ada = database.accounts.sign_up("ada@example.com")
    record(database, exported(1, PREMIUM), exported(2, PREMIUM, made_at=days_ago(100)))

    assert database.accounts.has_access(ada, PREMIUM)
    ends = [row["expires_at"] for row in database.purchases()]
    assert all(ends) and ends[0] < ends[1]


def test_the_order_of_somebody_erased_grants_nothing(database: Database) -> None:
    database.call("forget_customer", "ada@example.com", "ada@example.com asked", "sue")
    record(database, exported(1, COURSE))

    assert [row["shopify_customer_email"] for row in database.purchases()] in ([], [""])
    ada = database.accounts.sign_up("ada@example.com")
    assert not database.accounts.has_access(ada, COURSE)
