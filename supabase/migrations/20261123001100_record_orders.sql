-- The way in for what Shopify says of orders. A webhook is an array of one, concurrent webhooks
-- are an array of some, a backfill is an array of hundreds: one path.

-- An order that was this old when we first heard of it is history (a backfill, an old order that
-- somebody edits) and causes no notification; one that waited long for its payment still does, and
-- so does one to which the first product of ours is added later.
create function thetis.new_for()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return interval '3 days';
end;
$$;

-- Merges what is said of these orders into what is stored, and locks their rows, in the order of
-- their ids, so that transactions about the same order take turns and cannot deadlock.
-- The newest address wins; two of the same second are settled by their spelling, so that the order
-- of arrival does not matter. An address is kept only of orders that hold something of ours
-- (p_tracked), and of nobody who was erased; of other orders, when we first heard of them.
create function thetis.merge_orders(
    p_orders thetis.incoming_order[], p_tracked text[], p_received_at timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.orders as existing (
        shopify_order_id, order_number, email, email_as_of, purchased_at, paid_as_of,
        voided_as_of, refunded_as_of, cancelled_at, is_test, is_historic, first_recorded_at
    )
    select
        incoming.shopify_order_id,
        max(incoming.order_number),
        (
            array_agg(incoming.email order by incoming.as_of desc, incoming.email desc)
            filter (where incoming.email is not null and incoming.shopify_order_id = any(p_tracked))
        )[1],
        (
            array_agg(
                incoming.as_of
                order by incoming.email is null asc, incoming.as_of desc, incoming.email desc
            )
        )[1],
        min(incoming.purchased_at),
        min(incoming.as_of) filter (where incoming.is_paid),
        max(incoming.as_of) filter (where incoming.is_voided),
        max(incoming.as_of) filter (where incoming.is_refunded),
        min(incoming.cancelled_at),
        bool_or(incoming.is_test),
        min(incoming.purchased_at) + thetis.new_for() <= p_received_at,
        p_received_at
    from unnest(p_orders) as incoming
    group by incoming.shopify_order_id
    order by incoming.shopify_order_id
    on conflict (shopify_order_id) do update set
        order_number = coalesce(existing.order_number, excluded.order_number),
        purchased_at = coalesce(existing.purchased_at, excluded.purchased_at),
        paid_as_of = least(existing.paid_as_of, excluded.paid_as_of),
        voided_as_of = greatest(existing.voided_as_of, excluded.voided_as_of),
        refunded_as_of = greatest(existing.refunded_as_of, excluded.refunded_as_of),
        cancelled_at = least(existing.cancelled_at, excluded.cancelled_at),
        is_test = existing.is_test or excluded.is_test,
        is_historic = case
            when
                existing.is_historic is null
                or (existing.is_historic and excluded.first_recorded_at < existing.first_recorded_at)
                then
                    coalesce(existing.purchased_at, excluded.purchased_at) + thetis.new_for()
                    <= least(existing.first_recorded_at, excluded.first_recorded_at)
            else existing.is_historic
        end,
        first_recorded_at = least(existing.first_recorded_at, excluded.first_recorded_at),
        email = case
            when existing.erased_at is not null then null
            when
                excluded.email is not null
                and (
                    existing.email is null
                    or (excluded.email_as_of, excluded.email)
                    > (existing.email_as_of, existing.email)
                )
                then excluded.email
            else existing.email
        end,
        email_as_of = case
            when
                excluded.email is not null
                and (
                    existing.email is null
                    or (excluded.email_as_of, excluded.email)
                    > (existing.email_as_of, existing.email)
                )
                then excluded.email_as_of
            else existing.email_as_of
        end
    where
        (existing.purchased_at is null and excluded.purchased_at is not null)
        or (existing.is_historic is null and existing.purchased_at is not null)
        or excluded.first_recorded_at < existing.first_recorded_at
        or (existing.order_number is null and excluded.order_number is not null)
        or (excluded.email is not null and existing.email is null and existing.erased_at is null)
        or (
            excluded.email is not null
            and (excluded.email_as_of, excluded.email) > (existing.email_as_of, existing.email)
        )
        or least(existing.paid_as_of, excluded.paid_as_of) is distinct from existing.paid_as_of
        or greatest(existing.voided_as_of, excluded.voided_as_of)
        is distinct from existing.voided_as_of
        or greatest(existing.refunded_as_of, excluded.refunded_as_of)
        is distinct from existing.refunded_as_of
        or least(existing.cancelled_at, excluded.cancelled_at)
        is distinct from existing.cancelled_at
        or (excluded.is_test and not existing.is_test);
end;
$$;

-- Merges lines into what is stored of them; returns the orders for which that was news.
create function thetis.merge_lines(p_lines thetis.incoming_line[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.order_lines as existing (
            shopify_order_id, shopify_line_item_id, product_slug, quantity, paid_as_of, end_status
        )
        select
            incoming.shopify_order_id,
            incoming.shopify_line_item_id,
            max(incoming.product_slug),
            max(incoming.quantity),
            min(incoming.paid_as_of),
            max(incoming.end_status)
        from unnest(p_lines) as incoming
        group by incoming.shopify_order_id, incoming.shopify_line_item_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            product_slug = coalesce(existing.product_slug, excluded.product_slug),
            quantity = greatest(existing.quantity, excluded.quantity),
            paid_as_of = least(existing.paid_as_of, excluded.paid_as_of),
            end_status = greatest(existing.end_status, excluded.end_status)
        where
            (existing.product_slug is null and excluded.product_slug is not null)
            or excluded.quantity > coalesce(existing.quantity, -1)
            or least(existing.paid_as_of, excluded.paid_as_of)
            is distinct from existing.paid_as_of
            or greatest(existing.end_status, excluded.end_status)
            is distinct from existing.end_status
        returning existing.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

-- Adds refunds to the set; returns the orders for which one was news. A refund may name a line
-- more than once (part restocked, part not), hence the sum; and it may be told more than once in
-- one call, by versions of the same order, of which the fullest counts.
create function thetis.merge_refunds(p_refunds thetis.incoming_refund[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.refunds as existing (
            shopify_refund_id, shopify_line_item_id, shopify_order_id, quantity
        )
        select
            incoming.shopify_refund_id,
            incoming.shopify_line_item_id,
            min(incoming.shopify_order_id),
            max(incoming.quantity)
        from unnest(p_refunds) as incoming
        group by incoming.shopify_refund_id, incoming.shopify_line_item_id
        order by incoming.shopify_refund_id, incoming.shopify_line_item_id
        on conflict (shopify_refund_id, shopify_line_item_id) do update set
            quantity = excluded.quantity
        where excluded.quantity > existing.quantity
        returning existing.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

-- The orders that these lines are of, and which of them hold a product of ours, by what the lines
-- say or by what we know.
create function thetis.orders_of_lines(
    p_lines thetis.incoming_line[], out all_of_them text[], out tracked text[]
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select
        array_agg(mentioned.shopify_order_id),
        array_agg(mentioned.shopify_order_id) filter (
            where
            mentioned.has_product
            or exists (
                select from thetis.order_lines as existing
                where
                    existing.shopify_order_id = mentioned.shopify_order_id
                    and existing.product_slug is not null
            )
            or exists (
                select from public.purchases as old
                where
                    old.shopify_order_id = mentioned.shopify_order_id
                    and old.shopify_line_item_id is null
            )
        )
    into all_of_them, tracked
    from (
        select
            incoming.shopify_order_id,
            bool_or(incoming.product_slug is not null) as has_product
        from unnest(p_lines) as incoming
        group by incoming.shopify_order_id
    ) as mentioned;
end;
$$;

-- In which of these orders has the customer paid for something that we cannot record, for want of
-- an address?
create function thetis.orders_without_email(p_order_ids text[])
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select distinct line.shopify_order_id
        from thetis.order_lines as line
        inner join thetis.orders on line.shopify_order_id = orders.shopify_order_id
        where
            line.shopify_order_id = any(p_order_ids)
            and line.product_slug is not null
            and line.paid_as_of is not null
            and line.end_status is null
            and orders.holder_email is null
            and orders.erased_at is null
            and orders.refunded_as_of is null
            and not exists (
                select from public.purchases as stored
                where
                    stored.shopify_order_id = line.shopify_order_id
                    and stored.shopify_line_item_id = line.shopify_line_item_id
            )
    );
end;
$$;

-- Brings purchases and outbox in line with the facts of these orders, whose rows the caller has
-- locked. Returns the orders for which that changed something.
create function thetis.refresh_orders(p_order_ids text[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_refreshed thetis.refreshed := thetis.refresh_purchases(p_order_ids);
begin
    perform thetis.refresh_notifications(p_order_ids, v_refreshed);
    if cardinality(v_refreshed.changes) > 0 then
        return v_refreshed.conflicts || array(
            select distinct change.shopify_order_id from unnest(v_refreshed.changes) as change
        );
    end if;
    return v_refreshed.conflicts;
end;
$$;

-- An order that cannot be used is heard of all the same.
create function thetis.unusable_orders(p_ids text[], p_faults text[])
returns thetis.incoming_order[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                faulty.id, null, null, null, null, false, false, false, null, false
            )::thetis.incoming_order
        from unnest(p_ids, p_faults) as faulty (id, fault)
        where faulty.fault is not null and faulty.id ~ '^[1-9][0-9]{0,18}$'
    );
end;
$$;

-- Notes which products that are not in the catalogue were sold.
create function thetis.note_untracked_sales(p_lines thetis.untracked_line[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.untracked_sales (shopify_product_id, shopify_order_id)
    select distinct line.shopify_product_id, line.shopify_order_id
    from unnest(p_lines) as line
    where line.shopify_product_id ~ '^[1-9][0-9]{0,18}$'
    order by line.shopify_order_id, line.shopify_product_id
    on conflict do nothing;
end;
$$;

-- Records what an array of Shopify orders says (orders/create, paid, updated, cancelled) and
-- returns one row per element, in its order:
--   recorded   something was new
--   unchanged  we knew all that
--   ignored    nothing in it is ours; or a test order, with test_orders = 'ignore'
--   rejected   it is ours to act on but unusable; `reason` says why
-- Called by the service. Safe to call again with the same orders, or with older ones: nothing
-- changes. One bad order does not fail the others of its array. `received_at`: when the webhook
-- came, if that was not now. Locks the orders and the addresses, each in a fixed order, until the
-- transaction ends.
create function public.record_orders(
    orders jsonb, test_orders text default 'grant', received_at timestamptz default null
)
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_incoming thetis.incoming;
    v_ids text[];
    v_faults text[];
    v_order_ids text[];
    v_tracked text[];
    v_news text[];
    v_nameless text[];
begin
    if (test_orders in ('grant', 'ignore')) is not true then
        raise exception 'test orders: say "grant" or "ignore"' using errcode = 'TH004';
    end if;

    begin
        v_incoming := thetis.read_orders(orders, test_orders);
        select
            array_agg(each.shopify_order_id),
            array_agg(each.shopify_order_id) filter (where each.email is null)
        into v_ids, v_nameless
        from unnest(v_incoming.orders) as each;
    exception when data_exception or integrity_constraint_violation then
        select array_agg(each.shopify_order_id), array_agg(each.fault)
        into v_ids, v_faults
        from thetis.describe_orders(orders, test_orders) as each;
        v_incoming := thetis.read_orders(
            thetis.without_faults(orders, v_faults), test_orders
        );
        v_incoming.orders := v_incoming.orders || thetis.unusable_orders(v_ids, v_faults);
        v_nameless := v_ids;
    end;

    if test_orders = 'ignore' then
        v_incoming.orders := array(
            select each from unnest(v_incoming.orders) as each where not each.is_test
        );
    end if;
    if cardinality(v_incoming.lines) > 0 then
        select mentioned.all_of_them, mentioned.tracked into v_order_ids, v_tracked
        from thetis.orders_of_lines(v_incoming.lines) as mentioned;
    end if;
    perform thetis.merge_orders(
        v_incoming.orders, v_tracked, least(record_orders.received_at, now())
    );
    if v_incoming.untracked is not null then
        perform thetis.note_untracked_sales(v_incoming.untracked);
    end if;

    if v_order_ids is not null then
        v_news := thetis.merge_lines(v_incoming.lines);
        if v_incoming.refunds is not null then
            v_news := v_news || thetis.merge_refunds(array(
                select incoming from unnest(v_incoming.refunds) as incoming
                where incoming.shopify_order_id = any(v_order_ids)
            ));
        end if;
        if v_incoming.disputes is not null then
            v_news := v_news || thetis.merge_disputes(array(
                select incoming from unnest(v_incoming.disputes) as incoming
                where incoming.shopify_order_id = any(v_order_ids)
            ));
        end if;
        v_news := v_news || thetis.refresh_orders(v_order_ids);

        if cardinality(v_nameless) > 0 then
            v_nameless := thetis.orders_without_email(v_nameless);
        end if;
    else
        v_nameless := null;
    end if;

    return query
    select
        each.place::integer,
        each.id,
        case
            when v_faults[each.place] is not null then 'rejected'
            when (each.id = any(v_tracked)) is not true then 'ignored'
            when each.id = any(v_nameless) then 'rejected'
            when each.id = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        coalesce(
            v_faults[each.place],
            case when each.id = any(v_nameless) then 'no email address' end
        )
    from unnest(v_ids) with ordinality as each (id, place)
    order by each.place;
end;
$$;

-- Privileges

revoke all on function thetis.new_for() from public, anon, authenticated, service_role;
revoke all on function thetis.merge_orders(thetis.incoming_order[], text[], timestamptz)
from public, anon, authenticated, service_role;
revoke all on function thetis.merge_lines(thetis.incoming_line[])
from public, anon, authenticated, service_role;
revoke all on function thetis.merge_refunds(thetis.incoming_refund[])
from public, anon, authenticated, service_role;
revoke all on function thetis.orders_of_lines(thetis.incoming_line[])
from public, anon, authenticated, service_role;
revoke all on function thetis.orders_without_email(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_orders(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.unusable_orders(text[], text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.note_untracked_sales(thetis.untracked_line[])
from public, anon, authenticated, service_role;
revoke all on function public.record_orders(jsonb, text, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function public.record_orders(jsonb, text, timestamptz) to service_role;
