from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, days_ago, order, refund


@pytest.fixture
def ada(database: Database) -> str:
    return database.accounts.sign_up("ada@example.com")


def test_a_purchase_gives_access_to_its_product_alone(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE))

    assert database.accounts.has_access(ada, COURSE)
    assert not database.accounts.has_access(ada, PREMIUM)
    assert not database.accounts.has_access(ada, "standard")


def test_without_a_purchase_there_is_no_access(database: Database, ada: str) -> None:
    assert not database.accounts.has_access(ada, COURSE)


def test_access_bought_twice_survives_the_loss_of_one(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))

    database.record_refunds(refund(5, 1, **{COURSE: 1}))
    assert database.accounts.has_access(ada, COURSE)
    database.record_orders(order(2, COURSE, cancelled_at="2026-11-20T10:00:00Z"))
    assert not database.accounts.has_access(ada, COURSE)


def test_what_is_bought_again_after_a_loss_gives_access_again(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, financial_status="refunded"))
    assert not database.accounts.has_access(ada, COURSE)

    database.record_orders(order(2, COURSE))
    assert database.accounts.has_access(ada, COURSE)


@pytest.mark.parametrize("status", ["expired", "cancelled", "refunded"])
def test_only_an_active_purchase_gives_access(database: Database, ada: str, status: str) -> None:
    database.record_orders(order(1, COURSE))
    database.execute("update public.purchases set status = %s", status)

    assert not database.accounts.has_access(ada, COURSE)


def test_a_product_without_a_period_gives_access_for_ever(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, made_at=days_ago(5000)))

    assert database.purchases(1)[0]["expires_at"] is None
    assert database.accounts.has_access(ada, COURSE)


@pytest.mark.parametrize(("age", "has_access"), [(364, True), (366, False)])
def test_a_period_runs_from_the_day_of_the_purchase(
    database: Database, ada: str, age: int, *, has_access: bool
) -> None:
    database.execute(
        "update public.products set access_period = '365 days' where slug = %s", COURSE
    )
    database.record_orders(order(1, COURSE, made_at=days_ago(age)))

    assert database.accounts.has_access(ada, COURSE) is has_access


def test_a_purchase_that_has_run_out_does_not_spoil_one_that_has_not(
    database: Database, ada: str
) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))
    database.execute(
        "update public.purchases set expires_at = now() - interval '1 second'"
        " where shopify_order_id = '1'"
    )

    assert database.accounts.has_access(ada, COURSE)


def test_access_ends_at_the_moment_it_runs_out(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE))
    with database.accounts.as_user(ada) as user:
        query = "select public.has_access(%s) as granted"
        user.execute("reset role")
        user.execute("update public.purchases set expires_at = now()")
        user.execute("set local role authenticated")
        assert user.execute(query, [COURSE]).fetchall() == [{"granted": False}]


def test_a_later_change_of_the_period_leaves_what_was_bought(database: Database, ada: str) -> None:
    database.record_orders(order(1, COURSE, made_at=days_ago(10)))
    database.execute("update public.products set access_period = '1 day' where slug = %s", COURSE)
    database.record_orders(order(1, COURSE, made_at=days_ago(10), tags="vip"))

    assert database.accounts.has_access(ada, COURSE)


@pytest.mark.parametrize("slug", [None, "", "no_such_course", SPLINT])
def test_anything_else_is_no_access_and_no_error(
    database: Database, ada: str, slug: str | None
) -> None:
    database.record_orders(order(1, COURSE))

    with database.accounts.as_user(ada) as user:
        rows = user.execute("select public.has_access(%s) as granted", [slug]).fetchall()
    assert rows == [{"granted": False}]
