"""All that is stored, to see whether a call left anything."""

from __future__ import annotations

from psycopg import sql

from tests.support.database import Database, Row

_TABLES = """
select relnamespace::regnamespace::text as schema, relname as name from pg_class
where relkind = 'r' and relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)
order by 1, 2
"""


def everything(database: Database) -> dict[str, list[Row]]:
    """Every row of every table of ours, whole, as JSON: it can tell of an infinite time."""
    stored: dict[str, list[Row]] = {}
    with database.connect() as connection:
        for table in database.rows(_TABLES):
            query = sql.SQL("select to_jsonb(stored) as row from {} as stored").format(
                sql.Identifier(table["schema"], table["name"])
            )
            rows = [each["row"] for each in connection.execute(query)]
            stored[f"{table['schema']}.{table['name']}"] = sorted(rows, key=str)
    return stored
