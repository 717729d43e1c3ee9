"""Which notifications an order enqueues, to whom, and what they say."""

from __future__ import annotations

import pytest

from tests.database.outbox.support import COURSE_ACCESS, TRIGGER, later, send_everything
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, days_ago, line, order, refund


def test_a_course_enqueues_a_workflow_run_and_a_course_email(database: Database) -> None:
    database.record_orders(order(1, COURSE))

    assert set(database.notifications(1)) == {TRIGGER, COURSE_ACCESS}


def test_a_device_enqueues_a_workflow_run_alone(database: Database) -> None:
    database.record_orders(order(1, SPLINT))

    assert set(database.notifications(1)) == {TRIGGER}


def test_a_product_of_a_category_of_its_own_enqueues_a_workflow_run(database: Database) -> None:
    database.call("add_product", "book", "Book", "paper", "123456")
    database.record_orders(order(1, line(1, SPLINT, product_id=123456)))

    assert database.notifications(1)[TRIGGER]["payload"]["categories"] == ["paper"]


def test_the_workflow_is_told_what_was_ordered(database: Database) -> None:
    database.record_orders(
        order(7001, SPLINT, COURSE, PREMIUM, email="Ada@Example.com", order_number=1234)
    )

    ids = {row["product_slug"]: str(row["id"]) for row in database.purchases(7001)}
    assert database.notifications(7001)[TRIGGER]["payload"] == {
        "order_id": "7001",
        "order_number": "1234",
        "email": "ada@example.com",
        "run": 1,
        "is_addition": False,
        "products": [PREMIUM, SPLINT, COURSE],
        "categories": ["course", "device"],
        "purchases": [
            {"id": ids[PREMIUM], "product": PREMIUM, "category": "course"},
            {"id": ids[SPLINT], "product": SPLINT, "category": "device"},
            {"id": ids[COURSE], "product": COURSE, "category": "course"},
        ],
    }


def test_the_course_email_names_the_courses(database: Database) -> None:
    database.record_orders(order(1, SPLINT, COURSE, PREMIUM, order_number=1234))

    assert database.notifications(1)[COURSE_ACCESS]["payload"] == {
        "email": "ada@example.com",
        "order_number": "1234",
        "has_account": False,
        "is_addition": False,
        "courses": [
            {"name": "Premium Course", "slug": PREMIUM},
            {"name": "Standard Course", "slug": COURSE},
        ],
    }


def test_nobody_else_is_written_to_of_what_has_an_owner(database: Database) -> None:
    """The shop corrected the address after the purchase had found an owner, who keeps it."""
    for address in ("ada@example.com", "grace@example.com"):
        database.accounts.sign_up(address)
    database.record_orders(order(1, COURSE))
    database.record_orders(
        order(1, COURSE, email="grace@example.com", updated_at="2999-01-01T00:00:00Z")
    )

    [payload] = [row["payload"] for row in database.messages(1) if row["kind"] == COURSE_ACCESS]
    assert (payload["email"], payload["has_account"]) == ("ada@example.com", True)


@pytest.mark.parametrize("confirmed", [True, False])
def test_the_course_email_knows_whether_there_is_an_account(
    database: Database, *, confirmed: bool
) -> None:
    database.accounts.sign_up("ada@example.com", confirmed=confirmed)
    database.record_orders(order(1, COURSE))

    assert database.notifications(1)[COURSE_ACCESS]["payload"]["has_account"] is confirmed


def test_two_lines_of_one_product_are_told_once(database: Database) -> None:
    database.record_orders(order(1, line(1, COURSE, id=11), line(1, COURSE, id=12)))

    notifications = database.notifications(1)
    assert notifications[TRIGGER]["payload"]["products"] == [COURSE]
    assert len(notifications[COURSE_ACCESS]["payload"]["courses"]) == 1


def test_what_is_not_active_is_not_told(database: Database) -> None:
    database.record_orders(order(1, line(1, COURSE, current_quantity=0), SPLINT))

    notifications = database.notifications(1)
    assert set(notifications) == {TRIGGER}
    assert notifications[TRIGGER]["payload"]["products"] == [SPLINT]


def test_what_was_told_is_not_told_again(database: Database) -> None:
    database.record_orders(order(1, COURSE))
    assert send_everything(database) == [COURSE_ACCESS, TRIGGER]

    database.record_orders(order(1, COURSE))
    database.record_orders(order(1, COURSE, order_number=2))
    later(database, 3600)
    assert send_everything(database) == []


def test_each_order_of_one_customer_enqueues_its_own(database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))

    assert send_everything(database) == [COURSE_ACCESS] * 2 + [TRIGGER] * 2


@pytest.mark.parametrize(("age", "enqueues"), [(2.9, True), (3.1, False), (400, False)])
def test_an_order_from_the_past_is_recorded_and_enqueues_nothing(
    database: Database, age: float, *, enqueues: bool
) -> None:
    database.record_orders(order(1, COURSE, made_at=days_ago(age)))

    assert [row["status"] for row in database.purchases(1)] == ["active"]
    assert bool(database.notifications(1)) is enqueues


def test_an_order_that_waited_long_for_its_payment_enqueues_its_messages(
    database: Database,
) -> None:
    made_at = days_ago(14)
    unpaid = order(1, COURSE, made_at=made_at, financial_status="pending")
    database.call("record_orders", [unpaid], "grant", made_at)

    database.record_orders(order(1, COURSE, made_at=made_at))
    assert set(database.notifications(1)) == {TRIGGER, COURSE_ACCESS}


def test_an_old_order_first_recorded_while_unpaid_enqueues_nothing(database: Database) -> None:
    made_at = days_ago(14)
    database.record_orders(order(1, COURSE, made_at=made_at, financial_status="pending"))
    database.record_orders(order(1, COURSE, made_at=made_at))

    assert database.notifications(1) == {}


def test_an_old_order_first_recorded_by_a_refund_enqueues_nothing(database: Database) -> None:
    database.record_refunds(refund(5, 1, **{SPLINT: 1}))
    database.record_orders(order(1, COURSE, SPLINT, made_at=days_ago(14)))

    assert len(database.purchases(1)) == 2
    assert database.notifications(1) == {}


def test_an_old_order_to_which_a_line_is_added_enqueues_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE, made_at=days_ago(14)))
    database.record_orders(order(1, COURSE, PREMIUM, made_at=days_ago(14)))

    assert database.notifications(1) == {}
    assert {row["status"] for row in database.purchases(1)} == {"active"}


def test_the_loss_of_an_old_order_enqueues_nothing(database: Database) -> None:
    database.record_orders(order(1, COURSE, made_at=days_ago(14)))
    database.record_orders(order(1, COURSE, made_at=days_ago(14), financial_status="refunded"))

    assert database.notifications(1) == {}
