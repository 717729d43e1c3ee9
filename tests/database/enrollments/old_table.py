"""The table that was there before us, and the two migrations that it meets."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from devtools import migrations
from tests.support.cluster import SUPABASE
from tests.support.database import Database, Row

COPY = "20261123001800"
DROP = "20261123001900"

COLUMNS = {
    "id": "uuid default gen_random_uuid()",
    "user_id": "uuid references auth.users (id) on delete set null",
    "course_type": "text",
    "shopify_order_id": "text",
    "shopify_order_number": "text",
    "shopify_customer_email": "text",
    "shopify_line_item_id": "text",
    "status": "text default 'active'",
    "purchased_at": "timestamptz",
    "created_at": "timestamptz default now()",
    "updated_at": "timestamptz default now()",
}

LINKING = """
create function public.link_enrollments_to_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.enrollments set user_id = new.id
    where lower(shopify_customer_email) = lower(new.email) and user_id is null;
    return new;
end;
$$;

create trigger link_enrollments_to_user after insert on auth.users
for each row execute function public.link_enrollments_to_user();
"""

BOUGHT = datetime(2025, 3, 4, 10, 11, 12, tzinfo=UTC)


class OldTable:
    """`public.enrollments`, and what the ledger of the copy says of its rows."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, *, without: Sequence[str] = (), key: bool = True, **changed: str) -> None:
        """`without` names columns that it lacks, `changed` gives some another definition."""
        columns = [
            f"{name} {definition}"
            for name, definition in {**COLUMNS, **changed}.items()
            if name not in without
        ]
        key_clause = ["primary key (id)"] if key and "id" not in without else []
        self.database.execute(
            f"create table public.enrollments ({', '.join(columns + key_clause)})"
        )
        self.database.execute(LINKING)

    def add(self, **fields: Any) -> str:
        """A row like most, but for these fields. Returns its id."""
        row = {
            "id": str(uuid.uuid4()),
            "course_type": "standard",
            "shopify_order_id": "5001",
            "shopify_order_number": "1001",
            "shopify_customer_email": "ada@example.com",
            "shopify_line_item_id": "7001",
            "status": "active",
            "purchased_at": BOUGHT,
            "created_at": BOUGHT,
            **fields,
        }
        self.insert(**row)
        return str(row["id"])

    def insert(self, **fields: Any) -> None:
        """A row of just these fields."""
        statement = sql.SQL("insert into public.enrollments ({}) values ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, fields)),
            sql.SQL(", ").join(sql.Placeholder() * len(fields)),
        )
        with self.database.connect() as connection:
            connection.execute(statement, list(fields.values()))

    def rows(self) -> list[Row]:
        """Each row whole, as JSON; times in UTC."""
        with self.database.connect() as connection:
            connection.execute("set timezone to 'UTC'")
            found = connection.execute("select to_jsonb(e) as row from public.enrollments as e")
            return [each["row"] for each in found]

    def copy(self) -> None:
        """The first migration, and all before it."""
        migrations.apply(self.database.url, SUPABASE, upto=COPY)

    def drop(self) -> None:
        """The second one, and all after it. Raises MigrationError when it refuses."""
        migrations.apply(self.database.url, SUPABASE)

    def copy_again(self) -> int:
        """What the second one hints at."""
        return int(self.database.value("select thetis.copy_enrollments()"))

    def exists(self) -> bool:
        return self.database.value("select to_regclass('public.enrollments')") is not None

    def ledger(self) -> list[Row]:
        return self.database.rows("select * from thetis.copied_enrollments order by id")

    def outcome(self, enrollment_id: str) -> str:
        """What became of the row with this id, the last time it was looked at."""
        row = self.entry(enrollment_id)
        return f"{row['outcome']}: {row['note']}" if row["note"] else str(row["outcome"])

    def entry(self, enrollment_id: str) -> Row:
        return [row for row in self.ledger() if row["enrollment"].get("id") == enrollment_id][-1]

    def purchase(self, enrollment_id: str) -> Row:
        """What the row became, or went into."""
        [row] = self.database.rows(
            "select * from public.purchases where id = %s",
            self.entry(enrollment_id)["purchase_id"],
        )
        return row
