"""On a project that has things of its own, and an Auth that has made its tables."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.support.cluster import Cluster
from tests.support.database import Database, Row
from tests.support.supabase_cli import output

# As Auth's own migrations make them, when it starts.
# https://github.com/supabase/auth/tree/master/migrations
TABLES_OF_AUTH = """
set role supabase_auth_admin;
create table auth.instances (id uuid primary key, raw_base_config text null);
create table auth.schema_migrations (version varchar(255) not null primary key);
create table auth.identities (
    provider_id text not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    identity_data jsonb not null,
    provider text not null,
    id uuid primary key default gen_random_uuid()
);
create table auth.refresh_tokens (id bigserial primary key, token varchar(255), user_id uuid);
create function auth.touch() returns trigger language plpgsql as $$ begin return new; end $$;
reset role;
"""

# What projects commonly keep there: helpers of their policies, and tables behind them.
SCHEMA_PRIVATE = """
create schema private;
grant usage on schema private to authenticated;
create table private.orders (id bigint primary key, note text);
create table private.notifications (id bigint primary key);
insert into private.orders values (1, 'ours');
alter table private.orders enable row level security;
create policy "Everybody reads" on private.orders for select to authenticated using (true);
grant select on private.orders to authenticated;
create function private.normalised_email(text) returns text language sql set search_path = ''
as $$ select $1 $$;
create function private.is_member(uuid) returns boolean language sql security definer
set search_path = '' as $$ select true $$;
revoke all on function private.is_member(uuid) from public;
grant execute on function private.is_member(uuid) to authenticated;
alter default privileges in schema private grant select on tables to service_role;
"""

EVERYTHING_PRIVATE = """
select 'schema' as kind, nspname::text as name, nspacl::text as acl, '' as definition
from pg_namespace where nspname = 'private'
union all
select 'relation', relname, relacl::text, relrowsecurity::text
from pg_class where relnamespace = 'private'::regnamespace
union all
select 'function', proname, proacl::text, pg_get_functiondef(oid)
from pg_proc where pronamespace = 'private'::regnamespace
union all
select 'policy', policyname, roles::text, qual from pg_policies where schemaname = 'private'
union all
select 'default privileges', '', defaclacl::text, defaclobjtype::text
from pg_default_acl where defaclnamespace = 'private'::regnamespace
union all
select 'row', id::text, '', note from private.orders
order by 1, 2
"""


def everything_private(database: Database) -> list[Row]:
    return database.rows(EVERYTHING_PRIVATE)


def test_a_reset_works_once_auth_has_made_its_tables(cluster: Cluster, project: Path) -> None:
    with cluster.database() as database:
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            admin.execute(TABLES_OF_AUTH)
            admin.execute("insert into auth.instances values (gen_random_uuid())")
        database.accounts.sign_up("ada@example.com")

        output(database, "db", "reset", "--yes", workdir=project)

        assert database.value("select count(*) from public.purchases") > 0
        assert database.value("select count(*) from auth.users") == 0
        assert database.value("select count(*) from auth.instances") == 0


def test_a_push_leaves_a_schema_named_private_as_it_was(
    bare_database: Database, project: Path
) -> None:
    bare_database.execute(SCHEMA_PRIVATE)
    before = everything_private(bare_database)
    assert len(before) >= 8

    output(bare_database, "db", "push", "--yes", workdir=project)

    assert everything_private(bare_database) == before
    assert bare_database.value("select to_regclass('thetis.orders') is not null")
