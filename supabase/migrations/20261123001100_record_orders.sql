-- The way in for what Shopify says of orders. A webhook is an array of one, concurrent webhooks
-- are an array of some, a backfill is an array of hundreds: one path.

-- An order that was this old when it was first recorded is history (a backfill, an old order that
-- somebody edits) and causes no notification; one that waited long for its payment still does.
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
-- (p_tracked), and of nobody who was erased.
create function thetis.merge_orders(
    p_orders thetis.incoming_order[], p_order_ids text[], p_tracked text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.orders as existing (
        shopify_order_id, order_number, email, email_as_of, purchased_at, paid_as_of,
        voided_as_of, refunded_as_of, cancelled_at, is_test, is_historic
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
        coalesce(min(incoming.purchased_at) + thetis.new_for() <= now(), false)
    from unnest(p_orders) as incoming
    where incoming.shopify_order_id = any(p_order_ids)
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
        is_historic = coalesce(
            existing.is_historic,
            excluded.purchased_at + thetis.new_for() <= existing.first_recorded_at,
            false
        ),
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
        existing.is_historic is null
        or existing.purchased_at is null
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
            and orders.email is null
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

-- Records what an array of Shopify orders says (orders/create, paid, updated, cancelled) and
-- returns one row per element, in its order:
--   recorded   something was new
--   unchanged  we knew all that
--   ignored    nothing in it is ours; or a test order, with test_orders = 'ignore'
--   rejected   it is ours to act on but unusable; `reason` says why
-- Called by the service. Safe to call again with the same orders, or with older ones: nothing
-- changes. One bad order does not fail the others of its array. Locks the orders and the addresses,
-- each in a fixed order, until the transaction ends.
create function public.record_orders(orders jsonb, test_orders text default 'grant')
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
        v_nameless := v_ids;
    end;

    if cardinality(v_incoming.lines) > 0 then
        select mentioned.all_of_them, mentioned.tracked into v_order_ids, v_tracked
        from thetis.orders_of_lines(v_incoming.lines) as mentioned;
        perform thetis.merge_orders(v_incoming.orders, v_order_ids, v_tracked);
        v_news := thetis.merge_lines(v_incoming.lines);
        if v_incoming.refunds is not null then
            v_news := v_news || thetis.merge_refunds(array(
                select incoming from unnest(v_incoming.refunds) as incoming
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
revoke all on function thetis.merge_orders(thetis.incoming_order[], text[], text[])
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
revoke all on function public.record_orders(jsonb, text)
from public, anon, authenticated, service_role;
grant execute on function public.record_orders(jsonb, text) to service_role;
