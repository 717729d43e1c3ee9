"""Supabase ends any statement after two minutes, and the copy is one of them."""

from __future__ import annotations

from psycopg import sql

from tests.database.enrollments.old_table import OldTable

ROWS = 1000

# Each with a line item of its own, but for every tenth, which repeats the one before.
FILL = """
insert into public.enrollments (
    course_type, shopify_order_id, shopify_line_item_id, shopify_customer_email, status
)
select 'standard', (number - (mod(number, 10) = 0)::integer)::text, '1', 'ada@example.com', 'active'
from generate_series(1, %s) as number
"""

READ = """
select sum(seq_tup_read + idx_tup_fetch) / %s as per_row
from pg_stat_xact_user_tables
where relname in ('purchases', 'copied_enrollments', 'orders', 'order_lines')
"""


def test_the_work_for_a_row_does_not_grow_with_the_table(old: OldTable) -> None:
    old.copy()
    old.database.execute(FILL, ROWS)

    with old.database.connect() as connection, connection.transaction():
        connection.execute("select thetis.copy_enrollments()")
        [read] = connection.execute(sql.SQL(READ), [ROWS]).fetchall()

    assert read["per_row"] < 20
