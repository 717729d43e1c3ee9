-- The part of Supabase that our migrations stand on: its roles, what they may do, and auth.users.
-- Applied once, to a bare Postgres, as the superuser supabase_admin.
--
-- Roles and grants are those of https://github.com/supabase/postgres (migrations/db), schema auth
-- is that of https://github.com/supabase/auth (migrations), as both stood in October 2026: what
-- their later files changed is changed here. Left out are extensions, which the embedded Postgres
-- does not have (gen_random_uuid() is in core), and everything for storage, realtime and GraphQL.

-- Roles ------------------------------------------------------------------------------------------

-- No superuser: on Supabase, too, migrations run without that power.
create role postgres login createdb createrole replication bypassrls;

create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin login noinherit;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
-- One of the settings that supautils lets it change, for restoring a backup.
grant set on parameter session_replication_role to postgres;

alter role supabase_admin set search_path to "$user", public, auth, extensions;
alter role postgres set search_path to "$user", public, extensions;
alter role supabase_auth_admin set search_path to auth;

alter role anon set statement_timeout to '3s';
alter role authenticated set statement_timeout to '8s';
alter role authenticator set statement_timeout to '8s';
alter role authenticator set lock_timeout to '8s';
alter role supabase_auth_admin set idle_in_transaction_session_timeout to '60s';

alter database postgres owner to postgres;

-- Schemas public and extensions ------------------------------------------------------------------

create schema extensions;

grant usage on schema extensions to postgres, anon, authenticated, service_role;
grant all on schema extensions to postgres;

grant usage on schema public to postgres, anon, authenticated, service_role;

-- Projects from before 2026 open everything new in public to the API's roles. Later ones revoke
-- most of it again; which of the two this is, is decided where this file is applied.
alter default privileges for role postgres in schema public
grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on functions to postgres, anon, authenticated, service_role;

-- Schema auth ------------------------------------------------------------------------------------

-- Owned by the superuser: `supabase db reset` drops every schema that another role owns.
create schema auth authorization supabase_admin;

grant all on schema auth to supabase_auth_admin;
grant usage on schema auth to postgres, anon, authenticated, service_role;

-- Auth makes its tables itself, when it starts. `supabase db reset` empties them as postgres.
alter default privileges for role supabase_auth_admin in schema auth
grant all on tables to postgres;
alter default privileges for role supabase_auth_admin in schema auth
grant all on sequences to postgres;
alter default privileges for role supabase_auth_admin in schema auth
grant all on functions to postgres;

create table auth.users (
    instance_id uuid,
    id uuid not null,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_token varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token varchar(255),
    recovery_sent_at timestamptz,
    email_change_token_new varchar(255),
    email_change varchar(255),
    email_change_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text default null,
    phone_confirmed_at timestamptz,
    phone_change text default '',
    phone_change_token varchar(255) default '',
    phone_change_sent_at timestamptz,
    confirmed_at timestamptz
    generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    email_change_token_current varchar(255) default '',
    email_change_confirm_status smallint default 0
    check (email_change_confirm_status >= 0 and email_change_confirm_status <= 2),
    banned_until timestamptz,
    reauthentication_token varchar(255) default '',
    reauthentication_sent_at timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false,
    constraint users_pkey primary key (id),
    constraint users_phone_key unique (phone)
);

create index users_instance_id_idx on auth.users (instance_id);
create index users_instance_id_email_idx on auth.users (instance_id, lower(email));
create index users_is_anonymous_idx on auth.users (is_anonymous);
create unique index users_email_partial_key on auth.users (email) where (is_sso_user = false);
create unique index confirmation_token_idx on auth.users (confirmation_token)
where confirmation_token !~ '^[0-9 ]*$';
create unique index recovery_token_idx on auth.users (recovery_token)
where recovery_token !~ '^[0-9 ]*$';
create unique index email_change_token_current_idx on auth.users (email_change_token_current)
where email_change_token_current !~ '^[0-9 ]*$';
create unique index email_change_token_new_idx on auth.users (email_change_token_new)
where email_change_token_new !~ '^[0-9 ]*$';
create unique index reauthentication_token_idx on auth.users (reauthentication_token)
where reauthentication_token !~ '^[0-9 ]*$';

alter table auth.users owner to supabase_auth_admin;
alter table auth.users enable row level security;

-- Triggers and foreign keys of ours included; creating anything in schema auth is not.
grant all on table auth.users to postgres;
grant select on table auth.users to postgres with grant option;

create function auth.uid()
returns uuid
language sql
stable
as $$
    select
        coalesce(
            nullif(current_setting('request.jwt.claim.sub', true), ''),
            (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
        )::uuid
$$;

create function auth.role()
returns text
language sql
stable
as $$
    select
        coalesce(
            nullif(current_setting('request.jwt.claim.role', true), ''),
            (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
        )::text
$$;

create function auth.email()
returns text
language sql
stable
as $$
    select
        coalesce(
            nullif(current_setting('request.jwt.claim.email', true), ''),
            (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
        )::text
$$;

create function auth.jwt()
returns jsonb
language sql
stable
as $$
    select
        coalesce(
            nullif(current_setting('request.jwt.claim', true), ''),
            nullif(current_setting('request.jwt.claims', true), '')
        )::jsonb
$$;

alter function auth.uid() owner to supabase_auth_admin;
alter function auth.role() owner to supabase_auth_admin;
alter function auth.email() owner to supabase_auth_admin;
alter function auth.jwt() owner to supabase_auth_admin;

grant all on all functions in schema auth to postgres;
