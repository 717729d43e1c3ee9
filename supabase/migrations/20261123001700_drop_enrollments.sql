-- The cut-over from the old `enrollments` table, second half: drop it, after proving that every
-- row arrived. If one did not, this raises, names it, and leaves everything as it was.

-- The old rows that are missing: not in the ledger, or in it but without the purchase that the
-- ledger says they became.
create function private.missing_enrollments()
returns setof jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
    return query
    select old_row.enrollment from private.old_enrollments() as old_row (enrollment)
    except all
    select copied.enrollment
    from private.copied_enrollments as copied
    inner join private.readable_enrollments as readable
        on copied.enrollment = readable.enrollment
    left join public.purchases as stored on copied.purchase_id = stored.id
    where
        copied.fate = 'set aside'
        or (
            stored.product_slug = readable.product_slug
            and (readable.user_id is null or stored.user_id = readable.user_id)
        );
end;
$$;

revoke all on function private.missing_enrollments()
from public, anon, authenticated, service_role;

-- The old table's trigger on auth.users must go with it: left behind it would fail every sign-up.
-- Dropping the function takes its triggers along and, unlike dropping the trigger itself, needs
-- no ownership of auth.users.
create function private.drop_enrollments_trigger()
returns void
language plpgsql
set search_path = ''
as $$
declare
    v_function regprocedure;
begin
    for v_function in
        select distinct hook.tgfoid::regprocedure
        from pg_trigger as hook
        inner join pg_proc as called on hook.tgfoid = called.oid
        where
            hook.tgrelid = 'auth.users'::regclass
            and 'link_enrollments_to_user' in (hook.tgname, called.proname)
    loop
        execute format('drop function %s cascade', v_function);
    end loop;
end;
$$;

revoke all on function private.drop_enrollments_trigger()
from public, anon, authenticated, service_role;

do $$
declare
    v_missing text;
begin
    if to_regclass('public.enrollments') is null then
        drop table private.copied_enrollments;
        return;
    end if;

    perform set_config('lock_timeout', '5s', true);
    lock table public.enrollments in access exclusive mode;

    select string_agg(coalesce(lost.enrollment ->> 'id', lost.enrollment::text), ', ')
    into v_missing
    from private.missing_enrollments() as lost (enrollment);

    if v_missing is not null then
        raise exception 'enrollments is kept: these rows are not in purchases: %', v_missing
        using
            errcode = 'TH003',
            hint = 'Run "select private.copy_enrollments();" and then this migration again.';
    end if;

    perform private.drop_enrollments_trigger();
    drop table public.enrollments;
end;
$$;

-- The ledger private.copied_enrollments stays where there was something to copy: it is the only
-- copy of what was set aside. The scaffolding goes.
drop function private.drop_enrollments_trigger();
drop function private.missing_enrollments();
drop function private.copy_enrollments();
drop function private.copy_enrollment(private.readable_enrollments);
drop function private.remember_enrollment(private.readable_enrollments);
drop function private.insert_enrollment(private.readable_enrollments);
drop function private.twin_of(private.readable_enrollments);
drop view private.readable_enrollments;
drop function private.old_enrollments();
