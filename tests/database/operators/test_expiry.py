"""When access ends, and how to move that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.database.operators.support import ADA, GRACE, act, purchase_id
from tests.support.database import Database
from tests.support.shopify import order, refund

SLUG = "standard_course"


@pytest.fixture(autouse=True)
def _a_year(database: Database) -> None:
    database.execute("update public.products set access_period = '1 year' where slug = %s", SLUG)


def bought(number: int, day: str, **fields: Any) -> dict[str, Any]:
    moment = f"{day}T00:00:00Z"
    return order(number, SLUG, created_at=moment, processed_at=moment, **fields)


def ends(database: Database) -> dict[str, str | None]:
    return {
        row["shopify_order_id"]: row["expires_at"].astimezone(UTC).date().isoformat()
        if row["expires_at"]
        else None
        for row in database.purchases()
    }


def statuses(database: Database) -> list[str]:
    return [row["status"] for row in database.purchases()]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)], ids=["in order", "the later first"])
@pytest.mark.parametrize("is_owned", [True, False])
def test_bought_again_before_the_end_it_begins_where_the_first_ends(
    database: Database, numbers: tuple[int, int], *, is_owned: bool
) -> None:
    if is_owned:
        database.accounts.sign_up(ADA)
    days = {1: "2026-09-01", 2: "2026-11-01"}

    for number in numbers:
        database.record_orders(bought(number, days[number]))

    assert ends(database) == {"1": "2027-09-01", "2": "2028-09-01"}


def test_bought_again_after_the_end_it_begins_then(database: Database) -> None:
    database.record_orders(bought(1, "2024-01-01"), bought(2, "2026-11-01"))

    assert ends(database) == {"1": "2025-01-01", "2": "2027-11-01"}
    assert statuses(database) == ["expired", "active"]


def test_a_refund_of_the_first_pulls_the_second_back(database: Database) -> None:
    database.record_orders(bought(1, "2026-09-01"), bought(2, "2026-11-01"))

    database.record_refunds(refund(9, 1, **{SLUG: 1}))

    assert ends(database)["2"] == "2027-11-01"


def test_a_revocation_pulls_the_second_back_and_its_undoing_pushes_it_again(
    database: Database,
) -> None:
    database.record_orders(bought(1, "2026-09-01"), bought(2, "2026-11-01"))
    first = purchase_id(database, 1)

    act(database, "revoke_purchase", purchase_id=first)
    assert ends(database)["2"] == "2027-11-01"
    act(database, "restore_purchase", purchase_id=first)
    assert ends(database)["2"] == "2028-09-01"


def test_two_addresses_of_one_account_follow_one_another(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(bought(1, "2026-09-01"))
    database.accounts.change_email(ada, GRACE)

    database.record_orders(bought(2, "2026-11-01", email=GRACE))

    assert ends(database) == {"1": "2027-09-01", "2": "2028-09-01"}


def test_what_an_account_gets_with_another_address_follows_what_it_has(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    database.record_orders(bought(1, "2026-09-01"), bought(2, "2026-11-01", email=GRACE))
    assert ends(database)["2"] == "2027-11-01"

    database.accounts.change_email(ada, GRACE)

    assert ends(database)["2"] == "2028-09-01"


def test_what_a_deleted_account_leaves_ends_by_itself_once_somebody_has_it(
    database: Database,
) -> None:
    """While nobody owns it, its end decides nothing."""
    ada = database.accounts.sign_up(ADA)
    database.record_orders(bought(1, "2026-09-01"))
    database.accounts.change_email(ada, GRACE)
    database.record_orders(bought(2, "2026-11-01", email=GRACE))
    assert ends(database)["2"] == "2028-09-01"

    database.accounts.delete(ada)
    grace = database.accounts.sign_up(GRACE)

    assert ends(database) == {"1": "2027-09-01", "2": "2027-11-01"}
    assert database.accounts.has_access(grace, SLUG)


def test_a_transfer_takes_the_second_out_of_the_row(database: Database) -> None:
    database.record_orders(bought(1, "2026-09-01"), bought(2, "2026-11-01"))

    act(database, "transfer_purchase", purchase_id=purchase_id(database, 1), address=GRACE)

    assert ends(database) == {"1": "2027-09-01", "2": "2027-11-01"}


@pytest.mark.parametrize("is_owned", [True, False])
def test_transferred_twice_it_leaves_the_row_of_the_second_person(
    database: Database, *, is_owned: bool
) -> None:
    if is_owned:
        database.accounts.sign_up(GRACE)
    database.record_orders(bought(1, "2026-09-01"), bought(2, "2026-11-01", email=GRACE))
    first = purchase_id(database, 1)

    act(database, "transfer_purchase", purchase_id=first, address=GRACE)
    assert ends(database)["2"] == "2028-09-01"
    act(database, "transfer_purchase", purchase_id=first, address="eve@example.com")

    assert ends(database)["2"] == "2027-11-01"


def test_the_period_is_fixed_when_it_is_bought(database: Database) -> None:
    database.record_orders(bought(1, "2026-09-01"))
    database.execute("update public.products set access_period = '1 day'")

    database.record_orders(bought(1, "2026-09-01", updated_at="2026-11-25T00:00:00Z"))
    database.record_orders(bought(2, "2026-09-02"))

    assert ends(database) == {"1": "2027-09-01", "2": "2027-09-02"}


def test_a_grant_does_not_join_the_row(database: Database) -> None:
    act(database, "grant_access", slug=SLUG, recipient=ADA, until="2030-01-01")

    database.record_orders(bought(1, "2026-09-01"))

    assert ends(database)["1"] == "2027-09-01"


def test_an_extension_moves_the_end_and_what_follows_it(database: Database) -> None:
    database.record_orders(bought(1, "2026-09-01"), bought(2, "2026-11-01"))

    act(database, "extend_purchase", purchase_id=purchase_id(database, 1), until="2027-10-01Z")

    assert ends(database) == {"1": "2027-10-01", "2": "2028-10-01"}


def test_what_is_over_is_said_to_be_and_an_extension_takes_that_back(database: Database) -> None:
    ada = database.accounts.sign_up(ADA)
    act(database, "grant_access", slug=SLUG, recipient=ADA, until="2100-01-01")
    database.execute("update public.purchases set expires_at = now() - interval '1 day'")

    assert database.call("expire_purchases", 10) == [{"expire_purchases": 1}]
    assert database.call("expire_purchases", 10) == [{"expire_purchases": 0}]
    assert database.value("select status from public.purchases") == "expired"

    grant = str(database.value("select id from public.purchases"))
    act(database, "extend_purchase", purchase_id=grant, until="2100-01-01")

    assert database.value("select status from public.purchases") == "active"
    assert database.accounts.has_access(ada, SLUG)


def test_what_an_enrollment_told_as_expired_stays_extended(database: Database) -> None:
    database.record_orders(bought(1, "2020-01-01"))
    database.execute("delete from thetis.access_periods")
    database.execute("update thetis.order_lines set end_status = 'expired'")
    database.execute("update public.purchases set status = 'expired', expires_at = null")

    act(database, "extend_purchase", purchase_id=purchase_id(database, 1), until="infinity")
    database.record_orders(bought(1, "2020-01-01", updated_at="2026-11-25T00:00:00Z"))

    assert statuses(database) == ["active"]


@pytest.mark.parametrize(
    ("until", "sqlstate"), [("2020-01-01", "TH004"), ("2027-08-31", "TH004"), (None, "TH004")]
)
def test_an_end_is_never_moved_nearer(database: Database, until: str | None, sqlstate: str) -> None:
    database.record_orders(bought(1, "2026-09-01"))

    with pytest.raises(psycopg.Error) as error:
        act(database, "extend_purchase", purchase_id=purchase_id(database, 1), until=until)

    assert error.value.sqlstate == sqlstate


def test_what_does_not_end_is_not_extended(database: Database) -> None:
    database.record_orders(order(1, "premium_course"))

    with pytest.raises(psycopg.Error, match="does not end") as error:
        act(database, "extend_purchase", purchase_id=purchase_id(database, 1), until="2100-01-01")

    assert error.value.sqlstate == "TH005"


def test_an_end_is_the_same_moment_whatever_the_session_s_time_zone(database: Database) -> None:
    database.record_orders(bought(1, "2026-09-01"))

    answer = act(
        database,
        "extend_purchase",
        purchase_id=purchase_id(database, 1),
        until="2030-01-01T00:00:00+02:00",
    )

    told = datetime.fromisoformat(answer["after"][0]["expires_at"])
    assert told == datetime(2029, 12, 31, 22, tzinfo=UTC)
