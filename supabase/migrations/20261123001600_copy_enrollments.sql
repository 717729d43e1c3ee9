-- The cut-over from the old `enrollments` table, first half: copy every row to where it belongs.
-- A database that never had the table is left as it is. What happens to which row is told in
-- docs/ENROLLMENTS.md.

-- Every old row, whole, beside what became of it. The second half proves by this ledger that
-- nothing was lost before it drops the table.
create table private.copied_enrollments (
    id bigint generated always as identity primary key,
    enrollment jsonb not null,
    fate text not null
    constraint fate_is_known check (fate in ('copied', 'merged', 'set aside')),
    purchase_id uuid,
    note text,
    constraint purchase_unless_set_aside check ((fate = 'set aside') = (purchase_id is null))
);

alter table private.copied_enrollments enable row level security;

revoke all on table private.copied_enrollments from public, anon, authenticated, service_role;

-- The old rows, as jsonb: a column that turns out not to exist is a null, not a failed deploy.
-- In one time zone, so that a row reads the same in every session.
create function private.old_enrollments()
returns setof jsonb
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
begin
    if to_regclass('public.enrollments') is not null then
        return query execute 'select to_jsonb(enrollment) from public.enrollments as enrollment';
    end if;
end;
$$;

revoke all on function private.old_enrollments()
from public, anon, authenticated, service_role;

-- What one old row says, in the terms of purchases. Nothing is invented: an unknown course type
-- keeps its name, a missing address stays empty. `problem` names what keeps a row from being a
-- purchase at all.
create view private.readable_enrollments
with (security_invoker = true) as
select
    old_row.enrollment,
    old_row.enrollment ->> 'id' as enrollment_id,
    holder.id as user_id,
    case
        when old_row.enrollment ->> 'course_type' in (
            'standard', 'premium', 'essentials', 'professionals'
        ) then (old_row.enrollment ->> 'course_type') || '_course'
        else nullif(btrim(old_row.enrollment ->> 'course_type'), '')
    end as product_slug,
    nullif(btrim(old_row.enrollment ->> 'shopify_order_id'), '') as shopify_order_id,
    old_row.enrollment ->> 'shopify_order_number' as shopify_order_number,
    coalesce(
        private.normalised_email(old_row.enrollment ->> 'shopify_customer_email'), ''
    ) as shopify_customer_email,
    nullif(btrim(old_row.enrollment ->> 'shopify_line_item_id'), '') as shopify_line_item_id,
    old_row.enrollment ->> 'status' as status,
    (old_row.enrollment ->> 'purchased_at')::timestamptz as purchased_at,
    (old_row.enrollment ->> 'created_at')::timestamptz as created_at,
    case
        when coalesce(btrim(old_row.enrollment ->> 'course_type'), '') = '' then 'no course type'
        when coalesce(old_row.enrollment ->> 'status', '') not in (
            'active', 'expired', 'cancelled', 'refunded'
        ) then 'unknown status'
    end as problem
from private.old_enrollments() as old_row (enrollment)
left join auth.users as holder on old_row.enrollment ->> 'user_id' = holder.id::text;

revoke all on table private.readable_enrollments from public, anon, authenticated, service_role;

create index copied_enrollments_line on private.copied_enrollments
((enrollment ->> 'shopify_order_id'), (enrollment ->> 'shopify_line_item_id'));

-- The purchase that already stands for the same thing: the same old row copied before, or another
-- row of the same line item for the same course and the same person. Rows of one line item for
-- another course or another person are not the same thing: somebody has access by each of them.
create function private.twin_of(p_row private.readable_enrollments)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
    return (
        select stored.id
        from private.copied_enrollments as earlier
        inner join public.purchases as stored on earlier.purchase_id = stored.id
        where
            stored.product_slug = p_row.product_slug
            and (
                earlier.enrollment ->> 'id' = p_row.enrollment_id
                or (
                    earlier.enrollment ->> 'shopify_order_id' = p_row.shopify_order_id
                    and earlier.enrollment ->> 'shopify_line_item_id' = p_row.shopify_line_item_id
                    and (
                        stored.user_id = p_row.user_id
                        or (
                            (stored.user_id is null or p_row.user_id is null)
                            and stored.shopify_customer_email = p_row.shopify_customer_email
                        )
                    )
                )
            )
        order by stored.created_at, stored.id
        limit 1
    );
end;
$$;

revoke all on function private.twin_of(private.readable_enrollments)
from public, anon, authenticated, service_role;

-- Makes one old row a purchase and returns its id. The old id is kept where it can be. A line item
-- that is taken already (see twin_of) is left out, since it may stand only once in purchases.
create function private.insert_enrollment(p_row private.readable_enrollments)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
    v_is_taken boolean := exists (
        select from public.purchases as stored
        where
            stored.shopify_order_id = p_row.shopify_order_id
            and stored.shopify_line_item_id = p_row.shopify_line_item_id
    );
    v_id uuid := gen_random_uuid();
begin
    if pg_input_is_valid(p_row.enrollment_id, 'uuid') and not exists (
        select from public.purchases as stored where stored.id = p_row.enrollment_id::uuid
    ) then
        v_id := p_row.enrollment_id::uuid;
    end if;

    insert into public.purchases (
        id, user_id, product_slug, shopify_order_id, shopify_order_number,
        shopify_customer_email, shopify_line_item_id, status, purchased_at, created_at
    )
    values (
        v_id, p_row.user_id, p_row.product_slug, p_row.shopify_order_id,
        p_row.shopify_order_number, p_row.shopify_customer_email,
        case when not v_is_taken then p_row.shopify_line_item_id end,
        p_row.status, p_row.purchased_at, coalesce(p_row.created_at, now())
    );
    return v_id;
end;
$$;

revoke all on function private.insert_enrollment(private.readable_enrollments)
from public, anon, authenticated, service_role;

-- So that a later event of the same order finds the line known, and its end not undone.
create function private.remember_enrollment(p_row private.readable_enrollments)
returns void
language plpgsql
set search_path = ''
as $$
begin
    insert into private.orders (
        shopify_order_id, order_number, email, email_as_of, purchased_at
    )
    values (
        p_row.shopify_order_id, p_row.shopify_order_number, p_row.shopify_customer_email,
        '-infinity', p_row.purchased_at
    )
    on conflict (shopify_order_id) do nothing;

    insert into private.order_lines as known (
        shopify_order_id, shopify_line_item_id, product_slug, is_granted, ended
    )
    values (
        p_row.shopify_order_id, p_row.shopify_line_item_id, p_row.product_slug, true,
        nullif(p_row.status, 'active')::private.purchase_status
    )
    on conflict (shopify_order_id, shopify_line_item_id) do update set
        ended = greatest(known.ended, excluded.ended)
    where known.product_slug = excluded.product_slug;
end;
$$;

revoke all on function private.remember_enrollment(private.readable_enrollments)
from public, anon, authenticated, service_role;

-- Copies one old row and writes down what became of it.
create function private.copy_enrollment(p_row private.readable_enrollments)
returns void
language plpgsql
set search_path = ''
as $$
declare
    v_twin uuid := private.twin_of(p_row);
    v_id uuid := v_twin;
begin
    if p_row.problem is null and v_twin is null then
        v_id := private.insert_enrollment(p_row);
    elsif p_row.problem is null then
        update public.purchases as stored
        set
            user_id = coalesce(stored.user_id, p_row.user_id),
            status = greatest(
                stored.status::private.purchase_status, p_row.status::private.purchase_status
            )
        where stored.id = v_twin;
    end if;

    if p_row.problem is null
        and p_row.shopify_order_id is not null and p_row.shopify_line_item_id is not null then
        perform private.remember_enrollment(p_row);
    end if;

    insert into private.copied_enrollments (enrollment, fate, purchase_id, note)
    values (
        p_row.enrollment,
        case
            when p_row.problem is not null then 'set aside'
            when v_twin is not null then 'merged'
            else 'copied'
        end,
        case when p_row.problem is null then v_id end,
        p_row.problem
    );
end;
$$;

revoke all on function private.copy_enrollment(private.readable_enrollments)
from public, anon, authenticated, service_role;

-- Copies the old rows that were not copied yet, those of known users first. Returns how many.
-- To be called again by hand when the second half finds rows that came later.
create function private.copy_enrollments()
returns integer
language plpgsql
set search_path = ''
as $$
declare
    v_row private.readable_enrollments;
    v_copied integer := 0;
begin
    for v_row in
        select readable.*
        from private.readable_enrollments as readable
        where readable.enrollment not in (
            select earlier.enrollment from private.copied_enrollments as earlier
        )
        order by readable.user_id is null, readable.created_at, readable.enrollment_id
    loop
        perform private.copy_enrollment(v_row);
        v_copied := v_copied + 1;
    end loop;
    return v_copied;
end;
$$;

revoke all on function private.copy_enrollments()
from public, anon, authenticated, service_role;

-- A copied row that nobody owned becomes its buyer's at once where the address is confirmed.
do $$
begin
    if private.copy_enrollments() > 0 then
        perform private.link_purchases(users.id)
        from auth.users
        where users.email in (
            select unowned.shopify_customer_email
            from public.purchases as unowned
            where unowned.user_id is null
        );
        raise notice 'enrollments: %', (
            select string_agg(counted.total || ' ' || counted.fate, ', ')
            from (
                select count(*) as total, fate from private.copied_enrollments group by fate
            ) as counted
        );
    end if;
end;
$$;
