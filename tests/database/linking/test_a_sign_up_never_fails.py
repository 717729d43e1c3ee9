"""Whatever is wrong with our tables, people can still sign up, and are put right later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.database import Connection, Database
from tests.support.shopify import COURSE, order

SIGN_UP = (
    "insert into auth.users (id, email, email_confirmed_at)"
    " values (gen_random_uuid(), 'ada@example.com', now()) returning id"
)


@pytest.fixture
def auth(own_database: Database) -> Iterator[Connection]:
    own_database.record_orders(order(1, COURSE))
    with own_database.connect("supabase_auth_admin") as connection:
        yield connection


def sign_up(auth: Connection) -> tuple[str, list[str]]:
    """The new user's id, and the warnings on the way."""
    warnings: list[str] = []
    auth.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
    [row] = auth.execute(SIGN_UP).fetchall()
    return str(row["id"]), warnings


@pytest.mark.parametrize(
    "damage",
    [
        "alter table public.purchases rename to elsewhere",
        "drop table public.purchases cascade",
        "alter table public.purchases drop column user_id cascade",
        "alter table public.purchases add constraint nothing check (user_id is null)",
        "drop function thetis.lock_emails(text[])",
    ],
)
def test_a_failing_trigger_warns_and_lets_the_user_in(
    own_database: Database, auth: Connection, damage: str
) -> None:
    own_database.execute(damage)
    ada, [warning] = sign_up(auth)

    assert warning.startswith(f"link_purchases_to_user: user {ada} not linked: ")
    assert own_database.value("select count(*) from auth.users") == 1


def test_claiming_repairs_it_once_the_damage_is_mended(
    own_database: Database, auth: Connection
) -> None:
    own_database.execute("alter table public.purchases rename to elsewhere")
    ada, _ = sign_up(auth)
    own_database.execute("alter table public.elsewhere rename to purchases")

    assert not own_database.accounts.has_access(ada, COURSE)
    assert own_database.accounts.claim_purchases(ada) == 1
    assert own_database.accounts.has_access(ada, COURSE)


def test_a_locked_table_holds_a_sign_up_for_no_more_than_a_moment(
    own_database: Database, auth: Connection
) -> None:
    limit = "select proconfig from pg_proc where proname = 'link_purchases_to_user'"
    assert "lock_timeout=3s" in own_database.value(limit)
    own_database.execute("alter function thetis.link_purchases_to_user() set lock_timeout = '50ms'")
    with own_database.connect() as other, other.transaction():
        other.execute("lock table public.purchases in access exclusive mode")
        ada, [warning] = sign_up(auth)

    assert "lock timeout" in warning
    assert own_database.accounts.claim_purchases(ada) == 1


def test_the_warning_names_no_address(own_database: Database, auth: Connection) -> None:
    own_database.execute("alter table public.purchases rename to elsewhere")
    _, [warning] = sign_up(auth)

    assert "ada@" not in warning
