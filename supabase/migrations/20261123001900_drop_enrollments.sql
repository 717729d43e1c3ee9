-- The cut-over from the old `enrollments` table, second half: drop it, after proving that every
-- row arrived. If one did not, this raises, names it, and leaves everything as it was.

-- The old table's trigger on auth.users must go with it: left behind it would fail every sign-up.
-- Dropping the function takes the trigger along and, unlike dropping the trigger itself, needs no
-- ownership of auth.users. A function that serves other triggers too is left alone.
create function thetis.drop_enrollments_trigger()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_function regprocedure;
begin
    for v_function in
        select called.oid::regprocedure
        from pg_proc as called
        inner join pg_trigger as hook on called.oid = hook.tgfoid
        group by called.oid, called.proname
        having
            bool_and(
                hook.tgrelid = 'auth.users'::regclass
                and 'link_enrollments_to_user' in (hook.tgname, called.proname)
            )
    loop
        execute format('drop function %s cascade', v_function);
    end loop;
end;
$$;

revoke all on function thetis.drop_enrollments_trigger()
from public, anon, authenticated, service_role;

-- Why the table cannot go yet, and what to do about it; null when it can.
create function thetis.enrollments_obstacle(out problem text, out remedy text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_missing text[] := array(
        select coalesce(missing.enrollment_id, missing.enrollment::text)
        from thetis.missing_enrollments() as missing
    );
    v_unread text := (
        select format('%s: %s', count(*), string_agg(distinct copied.note, ', '))
        from thetis.copied_enrollments as copied
        where copied.superseded_at is null
        having bool_and(copied.outcome = 'set aside')
    );
    v_hooks text[] := array(
        select distinct hook.tgname || ' (' || called.oid::regprocedure || ')'
        from pg_trigger as hook
        inner join pg_proc as called on hook.tgfoid = called.oid
        where
            hook.tgrelid = 'auth.users'::regclass
            and (
                hook.tgname = 'link_enrollments_to_user'
                or called.prosrc ~* '\menrollments\M'
            )
    );
begin
    if cardinality(v_missing) > 0 then
        problem := format(
            'rows missing from purchases (%s): %s%s',
            cardinality(v_missing),
            array_to_string(v_missing[:20], ', '),
            case when cardinality(v_missing) > 20 then ', ...' end
        );
        remedy := 'Run "select thetis.copy_enrollments();" and then this migration again.';
    elsif v_unread is not null then
        problem := format('not one of its rows became a purchase (%s)', v_unread);
        remedy := 'Give it the columns course_type and status with the words that '
            || 'docs/ENROLLMENTS.md lists, run "select thetis.copy_enrollments();" and then this '
            || 'migration again. If nobody has access by this table, drop it by hand.';
    elsif cardinality(v_hooks) > 0 then
        problem := 'sign-ups would fail, because these triggers on auth.users still use it: '
            || array_to_string(v_hooks, ', ');
        remedy := 'Let them do without enrollments, and then run this migration again.';
    end if;
end;
$$;

revoke all on function thetis.enrollments_obstacle()
from public, anon, authenticated, service_role;

do $$
declare
    v_obstacle record;
begin
    if to_regclass('public.enrollments') is not null then
        perform set_config('lock_timeout', '5s', true);
        lock table public.enrollments in access exclusive mode;

        perform thetis.drop_enrollments_trigger();
        v_obstacle := thetis.enrollments_obstacle();
        if v_obstacle.problem is not null then
            raise exception 'enrollments is kept: %', v_obstacle.problem
            using errcode = 'TH003', hint = v_obstacle.remedy;
        end if;
        drop table public.enrollments;
    end if;

    drop index thetis.copied_enrollments_row;
    drop index thetis.copied_enrollments_id;
    drop index thetis.copied_enrollments_line;
    drop index thetis.copied_enrollments_purchase;

    -- The ledger stays where there was something to copy: it is the only copy of what was set
    -- aside.
    if not exists (select from thetis.copied_enrollments) then
        drop table thetis.copied_enrollments;
    end if;
end;
$$;

-- The scaffolding goes.
drop function thetis.enrollments_obstacle();
drop function thetis.drop_enrollments_trigger();
drop function thetis.copy_enrollments();
drop function thetis.copy_enrollment(thetis.readable_enrollments);
drop function thetis.remember_purchase(uuid);
drop function thetis.merge_enrollment(thetis.readable_enrollments, uuid);
drop function thetis.is_active_by_another_row(thetis.readable_enrollments, uuid);
drop function thetis.insert_enrollment(thetis.readable_enrollments);
drop function thetis.matching_purchase(thetis.readable_enrollments);
drop function thetis.missing_enrollments();
drop view thetis.readable_enrollments;
drop function thetis.old_enrollments();
