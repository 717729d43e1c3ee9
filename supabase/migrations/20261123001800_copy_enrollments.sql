-- The cut-over from the old `enrollments` table, first half: copy every row to where it belongs.
-- A database that never had the table is left as it is. What happens to which row is told in
-- docs/ENROLLMENTS.md.

-- Every old row, whole, beside what became of it. The second half proves by this ledger that
-- nothing was lost before it drops the table.
create table thetis.copied_enrollments (
    id bigint generated always as identity primary key,
    enrollment jsonb not null,
    outcome text not null
    constraint outcome_is_known check (
        outcome in (
            'copied',    -- it became a purchase
            'merged',    -- it said more of a purchase that was there
            'set aside'  -- it could not be read; note says why
        )
    ),
    purchase_id uuid,
    note text,
    superseded_at timestamptz,
    constraint purchase_unless_set_aside check ((outcome = 'set aside') = (purchase_id is null))
);

comment on column thetis.copied_enrollments.superseded_at is
'When the old row was found to be another by now, or gone; a later entry tells what it became.';

-- The old rows, as jsonb: a column that turns out not to exist is a null, not a failed deploy.
-- In one time zone, so that a row reads the same in every session.
create function thetis.old_enrollments()
returns setof jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    if to_regclass('public.enrollments') is not null then
        return query execute 'select to_jsonb(enrollment) from public.enrollments as enrollment';
    end if;
end;
$$;

-- What one old row says, in the terms of purchases. Nothing is invented: an unknown course type
-- keeps its name, a missing address stays empty. `problem` names what keeps a row from being a
-- purchase at all.
create view thetis.readable_enrollments
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
        thetis.normalised_email(old_row.enrollment ->> 'shopify_customer_email'), ''
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
from thetis.old_enrollments() as old_row (enrollment)
left join auth.users as holder on old_row.enrollment ->> 'user_id' = holder.id::text;

-- The copy looks the ledger up by row, by id, by line item and by purchase. The second half takes
-- these indexes away again.
create index copied_enrollments_row on thetis.copied_enrollments using hash (enrollment);
create index copied_enrollments_id on thetis.copied_enrollments ((enrollment ->> 'id'), id);
create index copied_enrollments_line on thetis.copied_enrollments
((btrim(enrollment ->> 'shopify_order_id')), (btrim(enrollment ->> 'shopify_line_item_id')));
create index copied_enrollments_purchase on thetis.copied_enrollments (purchase_id);

-- The old rows that have not arrived: not in the ledger (as often as in the table, which may have
-- no key), or in it but without the purchase that the ledger says they became.
create function thetis.missing_enrollments()
returns setof thetis.readable_enrollments
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select (numbered.readable).*
    from (
        select
            readable,
            row_number() over (partition by readable.enrollment) as occurrence
        from thetis.readable_enrollments as readable
    ) as numbered
    where numbered.occurrence > (
        select count(*)
        from thetis.copied_enrollments as copied
        left join public.purchases as stored on copied.purchase_id = stored.id
        where
            copied.enrollment = (numbered.readable).enrollment
            and copied.superseded_at is null
            and (
                copied.outcome = 'set aside'
                or (
                    stored.product_slug = (numbered.readable).product_slug
                    and (
                        (numbered.readable).user_id is null
                        or stored.user_id = (numbered.readable).user_id
                    )
                )
            )
    );
end;
$$;

-- The purchase that already stands for the same thing: the same old row as it was when it was
-- copied before, another old row of the same line item, or what an event has told of that line
-- item; always of the same course and the same person. Rows of one line item for another course or
-- another person are not the same thing: somebody has access by each of them. Nor is an active row
-- the same thing as one that was over when it was copied.
-- Written so that every step goes by an index, in this order, whatever the planner thinks of tables
-- that were empty when it made its plan: "count(*) = 0" and "limit 1" cannot become a join of whole
-- tables, which would read them anew for every row.
create function thetis.matching_purchase(p_row thetis.readable_enrollments)
returns uuid
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select stored.id
        from (
            select
                earlier.purchase_id,
                earlier.enrollment ->> 'status' = 'active' as was_active,
                earlier.enrollment ->> 'id' = p_row.enrollment_id as is_same_row
            from thetis.copied_enrollments as earlier
            where
                (
                    earlier.enrollment ->> 'id' = p_row.enrollment_id
                    or (
                        btrim(earlier.enrollment ->> 'shopify_order_id') = p_row.shopify_order_id
                        and btrim(earlier.enrollment ->> 'shopify_line_item_id')
                        = p_row.shopify_line_item_id
                    )
                )
                and (
                    select count(*) = 0
                    from thetis.copied_enrollments as newer
                    where
                        newer.enrollment ->> 'id' = earlier.enrollment ->> 'id'
                        and newer.id > earlier.id
                )
            union all
            select recorded.id, true, false
            from public.purchases as recorded
            where
                recorded.shopify_order_id = p_row.shopify_order_id
                and recorded.shopify_line_item_id = p_row.shopify_line_item_id
                and (
                    select count(*) = 0
                    from thetis.copied_enrollments as copied
                    where copied.purchase_id = recorded.id
                )
        ) as candidate
        cross join lateral (
            select * from public.purchases
            where purchases.id = candidate.purchase_id
            limit 1
        ) as stored
        where
            stored.product_slug = p_row.product_slug
            and case
                -- An unowned row gives nobody access yet, so it may stand behind an owned one.
                when p_row.user_id is null
                    then
                        stored.shopify_customer_email = p_row.shopify_customer_email
                        and (
                            p_row.status <> 'active'
                            or candidate.was_active
                            or stored.user_id is not null
                        )
                when p_row.status = 'active' and not candidate.was_active then false
                when stored.user_id is null
                    then
                        stored.shopify_customer_email = p_row.shopify_customer_email
                        and (p_row.status = 'active' or candidate.is_same_row)
                else stored.user_id = p_row.user_id
            end
        order by candidate.is_same_row desc nulls last, stored.created_at, stored.id
        limit 1
    );
end;
$$;

-- Makes one old row a purchase and returns its id. The old id is kept where it can be. A line item
-- that is taken already (see matching_purchase) is left out, since it may stand only once in
-- purchases.
create function thetis.insert_enrollment(p_row thetis.readable_enrollments)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_is_taken boolean := exists (
        select from public.purchases as stored
        where
            stored.shopify_order_id = p_row.shopify_order_id
            and stored.shopify_line_item_id = p_row.shopify_line_item_id
    );
    v_id uuid := thetis.uuid_or_null(p_row.enrollment_id);
begin
    if v_id is null or exists (
        select from public.purchases as stored where stored.id = v_id
    ) then
        v_id := gen_random_uuid();
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

-- Does anybody have, or will they have, access to this purchase by another old row? An unowned row
-- gives nothing to whoever owns this one.
create function thetis.is_active_by_another_row(
    p_row thetis.readable_enrollments, p_purchase_id uuid
)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from thetis.copied_enrollments as other
        where
            other.purchase_id = p_purchase_id
            and other.superseded_at is null
            and other.enrollment <> p_row.enrollment
            and other.enrollment ->> 'status' = 'active'
            and (p_row.user_id is null or other.enrollment ->> 'user_id' is not null)
    );
end;
$$;

-- Adds an old row to the purchase that stands for it already. Its end counts, unless somebody has
-- access by another row still: the cut-over takes nobody's access away.
create function thetis.merge_enrollment(p_row thetis.readable_enrollments, p_purchase_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ends boolean := p_row.status <> 'active'
    and not thetis.is_active_by_another_row(p_row, p_purchase_id);
begin
    update public.purchases as stored
    set
        user_id = coalesce(stored.user_id, p_row.user_id),
        status = case
            when stored.status = 'active' and not v_ends then 'active'
            else greatest(
                stored.status::thetis.purchase_status, p_row.status::thetis.purchase_status
            )::text
        end
    where stored.id = p_purchase_id;
end;
$$;

-- So that a later event of the same order finds the line known, and its end not undone. Whoever
-- was enrolled bought at least one; an event that tells of more is believed. The order counts as
-- history, however new it is: the old system has written to its customer.
create function thetis.remember_purchase(p_purchase_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.orders as existing (
        shopify_order_id, order_number, email, email_as_of, purchased_at, is_historic,
        first_recorded_at
    )
    select
        stored.shopify_order_id,
        stored.shopify_order_number,
        stored.shopify_customer_email,
        '-infinity',
        stored.purchased_at,
        true,
        '-infinity'
    from public.purchases as stored
    where stored.id = p_purchase_id and stored.shopify_order_id is not null
    on conflict (shopify_order_id) do update set
        email = excluded.email,
        email_as_of = excluded.email_as_of,
        is_historic = excluded.is_historic,
        first_recorded_at = excluded.first_recorded_at
    where coalesce(existing.email, '') = '' and existing.erased_at is null;

    insert into thetis.order_lines as existing (
        shopify_order_id, shopify_line_item_id, product_slug, quantity, paid_as_of, end_status
    )
    select
        stored.shopify_order_id,
        stored.shopify_line_item_id,
        stored.product_slug,
        1,
        '-infinity',
        nullif(stored.status, 'active')::thetis.purchase_status
    from public.purchases as stored
    where
        stored.id = p_purchase_id
        and stored.shopify_order_id is not null
        and stored.shopify_line_item_id is not null
    on conflict (shopify_order_id, shopify_line_item_id) do update set
        paid_as_of = '-infinity',
        end_status = greatest(existing.end_status, excluded.end_status)
    where existing.product_slug = excluded.product_slug;
end;
$$;

-- Copies one old row and writes down what became of it.
create function thetis.copy_enrollment(p_row thetis.readable_enrollments)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_outcome text := 'set aside';
    v_purchase_id uuid;
begin
    if p_row.problem is null then
        v_purchase_id := thetis.matching_purchase(p_row);
        if v_purchase_id is null then
            v_outcome := 'copied';
            v_purchase_id := thetis.insert_enrollment(p_row);
        else
            v_outcome := 'merged';
            perform thetis.merge_enrollment(p_row, v_purchase_id);
        end if;
        perform thetis.remember_purchase(v_purchase_id);
    end if;

    insert into thetis.copied_enrollments (enrollment, outcome, purchase_id, note)
    values (p_row.enrollment, v_outcome, v_purchase_id, p_row.problem);
end;
$$;

-- Copies the old rows that have not arrived yet, and returns how many. What nobody owned becomes
-- its buyer's at once where the address is confirmed. To be called again by hand when the second
-- half finds rows that came later.
-- Those with a user come first, and of these the active ones: of several rows that are the same
-- thing, the first becomes the purchase. In one time zone, for columns that do not tell theirs.
create function thetis.copy_enrollments()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_row thetis.readable_enrollments;
    v_copied integer := 0;
begin
    update thetis.copied_enrollments as copied
    set superseded_at = now()
    where
        copied.superseded_at is null
        and not exists (
            select from thetis.old_enrollments() as old_row (enrollment)
            where old_row.enrollment = copied.enrollment
        );

    for v_row in
        select missing.*
        from thetis.missing_enrollments() as missing
        order by
            missing.user_id is null, missing.status <> 'active',
            missing.created_at, missing.enrollment_id
    loop
        perform thetis.copy_enrollment(v_row);
        v_copied := v_copied + 1;
    end loop;

    perform thetis.link_purchases(users.id)
    from auth.users
    where users.email in (
        select unowned.shopify_customer_email
        from public.purchases as unowned
        where unowned.user_id is null
    );
    return v_copied;
end;
$$;

do $$
begin
    if thetis.copy_enrollments() > 0 then
        raise notice 'enrollments: %', (
            select string_agg(counted.total || ' ' || counted.outcome, ', ')
            from (
                select count(*) as total, outcome from thetis.copied_enrollments group by outcome
            ) as counted
        );
    end if;
end;
$$;

-- Privileges

alter table thetis.copied_enrollments enable row level security;

revoke all on table thetis.copied_enrollments from public, anon, authenticated, service_role;
revoke all on sequence thetis.copied_enrollments_id_seq
from public, anon, authenticated, service_role;
revoke all on function thetis.old_enrollments()
from public, anon, authenticated, service_role;
revoke all on table thetis.readable_enrollments from public, anon, authenticated, service_role;
revoke all on function thetis.missing_enrollments()
from public, anon, authenticated, service_role;
revoke all on function thetis.matching_purchase(thetis.readable_enrollments)
from public, anon, authenticated, service_role;
revoke all on function thetis.insert_enrollment(thetis.readable_enrollments)
from public, anon, authenticated, service_role;
revoke all on function thetis.is_active_by_another_row(thetis.readable_enrollments, uuid)
from public, anon, authenticated, service_role;
revoke all on function thetis.merge_enrollment(thetis.readable_enrollments, uuid)
from public, anon, authenticated, service_role;
revoke all on function thetis.remember_purchase(uuid)
from public, anon, authenticated, service_role;
revoke all on function thetis.copy_enrollment(thetis.readable_enrollments)
from public, anon, authenticated, service_role;
revoke all on function thetis.copy_enrollments()
from public, anon, authenticated, service_role;
