-- Tells `thetis doctor` what only the database knows of how it was set up.

-- Which tables of ours can be read by whom they should not: row level security is off, or the key
-- of browsers may read them.
create function thetis.open_tables()
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select format('%I.%I', held.nspname, kept.relname)
        from pg_class as kept
        inner join pg_namespace as held on kept.relnamespace = held.oid
        where
            kept.relkind in ('r', 'p')
            and (
                held.nspname = 'thetis'
                or kept.oid in ('public.purchases'::regclass, 'public.products'::regclass)
            )
            and (not kept.relrowsecurity or has_table_privilege('anon', kept.oid, 'select'))
        order by 1
    );
end;
$$;

-- The versions of the migrations that Supabase's tools say are applied; null where they keep no
-- such list.
create function thetis.applied_migrations()
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_versions text[];
begin
    if to_regclass('supabase_migrations.schema_migrations') is null then
        return null;
    end if;
    execute 'select array_agg(version order by version) from supabase_migrations.schema_migrations'
    into v_versions;
    return coalesce(v_versions, '{}');
end;
$$;

-- Tells how this database was set up, for `thetis doctor`: who asks, which migrations were applied,
-- what is open that should not be, whether purchases are linked, and when Shopify was heard from.
-- `functions` names those that the key of browsers must not be able to call. Only reads.
create function public.check_installation(functions jsonb)
returns jsonb
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_role text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
begin
    return jsonb_build_object(
        'role', v_role,
        'migrations', thetis.applied_migrations(),
        'open_functions', array(
            select distinct called.proname::text
            from pg_proc as called
            where
                called.pronamespace = 'public'::regnamespace
                and check_installation.functions ? called.proname::text
                and has_function_privilege('anon', called.oid, 'execute')
            order by 1
        ),
        'open_tables', thetis.open_tables(),
        'is_linking', exists (
            select from pg_trigger as linking
            where
                linking.tgrelid = 'auth.users'::regclass
                and linking.tgfoid = 'thetis.link_purchases_to_user()'::regprocedure
                and linking.tgenabled in ('O', 'A')
        ),
        'webhooks', (
            select coalesce(
                jsonb_object_agg(
                    noted.topic,
                    jsonb_build_object(
                        'received_at', noted.received_at, 'webhook_id', noted.webhook_id
                    )
                ),
                '{}'
            )
            from thetis.webhook_heartbeats as noted
        ),
        'time', clock_timestamp(),
        -- Two ways lead to one database if its server started at the same microsecond.
        'identity', format('%s of %s', current_database(), pg_postmaster_start_time())
    );
end;
$$;

-- Privileges

revoke all on function thetis.open_tables() from public, anon, authenticated, service_role;
revoke all on function thetis.applied_migrations() from public, anon, authenticated, service_role;
revoke all on function public.check_installation(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.check_installation(jsonb) to service_role;
