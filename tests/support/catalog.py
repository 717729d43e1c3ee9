"""What a database is made of, to compare two of them."""

from __future__ import annotations

from tests.support.database import Database, Row

_CATALOG = """
select 'relation' as kind, c.oid::regclass::text as name, c.relkind::text as detail,
    c.relrowsecurity::text || coalesce(c.relacl::text, '') as more
from pg_class as c where c.relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)
union all
select 'column', a.attrelid::regclass::text || '.' || a.attname,
    format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull,
    coalesce(pg_get_expr(d.adbin, d.adrelid), '')
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
left join pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
where c.relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)
    and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'c')
union all
select 'view', c.oid::regclass::text, pg_get_viewdef(c.oid), ''
from pg_class as c where c.relkind = 'v' and c.relnamespace = 'thetis'::regnamespace
union all
select 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), ''
from pg_index as i inner join pg_class as c on i.indexrelid = c.oid
where c.relnamespace in ('public'::regnamespace, 'thetis'::regnamespace)
union all
select 'constraint', o.conrelid::regclass::text || ' ' || o.conname, pg_get_constraintdef(o.oid), ''
from pg_constraint as o
where o.connamespace in ('public'::regnamespace, 'thetis'::regnamespace)
union all
select 'policy', p.polrelid::regclass::text || ' ' || p.polname,
    pg_get_expr(p.polqual, p.polrelid), p.polcmd::text
from pg_policy as p
union all
select 'function', f.oid::regprocedure::text, pg_get_functiondef(f.oid),
    coalesce(f.proacl::text, '')
from pg_proc as f where f.pronamespace in ('public'::regnamespace, 'thetis'::regnamespace)
union all
select 'trigger', t.tgrelid::regclass::text || ' ' || t.tgname, pg_get_triggerdef(t.oid), ''
from pg_trigger as t where not t.tgisinternal
union all
select 'type', t.oid::regtype::text, coalesce(t.typacl::text, ''), ''
from pg_type as t where t.typnamespace in ('public'::regnamespace, 'thetis'::regnamespace)
order by 1, 2, 3, 4
"""


def catalog(database: Database) -> list[Row]:
    """Everything in public and thetis, and the triggers on auth.users, as text."""
    return database.rows(_CATALOG)
