-- The way in for what Shopify says of orders. A webhook is an array of one, concurrent webhooks
-- are an array of some, a backfill is an array of hundreds: one path.

-- Remembers the orders themselves and locks their rows, in the order of their ids, so that
-- transactions about the same order take turns and cannot deadlock. The newest address wins; two
-- of the same second are settled by their spelling, so that the order of arrival does not matter.
-- Nor does it for whether a payment was voided before or after it was made.
create function thetis.hear_orders(p_orders jsonb, p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.orders as known (
        shopify_order_id, order_number, email, email_as_of, purchased_at,
        paid_as_of, voided_as_of
    )
    select distinct on (heard.shopify_order_id)
        heard.shopify_order_id,
        heard.order_number,
        heard.email,
        heard.as_of,
        heard.purchased_at,
        min(heard.as_of) filter (where heard.is_paid) over same_order,
        max(heard.as_of) filter (where heard.is_voided) over same_order
    from (
        select
            entry ->> 'id' as shopify_order_id,
            entry ->> 'order_number' as order_number,
            thetis.order_email(entry) as email,
            coalesce((entry ->> 'updated_at')::timestamptz, '-infinity') as as_of,
            coalesce(entry ->> 'processed_at', entry ->> 'created_at')::timestamptz as purchased_at,
            thetis.is_paid(entry) as is_paid,
            entry ->> 'financial_status' = 'voided' as is_voided
        from jsonb_array_elements(p_orders) as ordered (entry)
    ) as heard
    where heard.shopify_order_id = any(p_order_ids)
    window same_order as (partition by heard.shopify_order_id)
    order by
        heard.shopify_order_id asc,
        heard.email is null asc,
        heard.as_of desc,
        heard.email desc
    on conflict (shopify_order_id) do update set
        order_number = coalesce(known.order_number, excluded.order_number),
        purchased_at = coalesce(known.purchased_at, excluded.purchased_at),
        paid_as_of = least(known.paid_as_of, excluded.paid_as_of),
        voided_as_of = greatest(known.voided_as_of, excluded.voided_as_of),
        (email, email_as_of) = (
            select address.email, address.as_of
            from (
                values (known.email, known.email_as_of), (excluded.email, excluded.email_as_of)
            ) as address (email, as_of)
            order by address.email is null asc, address.as_of desc, address.email desc
            limit 1
        )
    where
        known.purchased_at is null
        or (excluded.email is not null and known.email is null)
        or (excluded.email_as_of, excluded.email) > (known.email_as_of, known.email)
        or least(known.paid_as_of, excluded.paid_as_of) is distinct from known.paid_as_of
        or greatest(known.voided_as_of, excluded.voided_as_of) is distinct from known.voided_as_of;
end;
$$;

revoke all on function thetis.hear_orders(jsonb, text[])
from public, anon, authenticated, service_role;

-- Merges lines into what is known of them; returns the orders for which that was news.
create function thetis.hear_lines(p_lines thetis.heard_line[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.order_lines as known (
            shopify_order_id, shopify_line_item_id, product_slug, quantity, is_granted, ended
        )
        select
            heard.shopify_order_id,
            heard.shopify_line_item_id,
            max(heard.product_slug),
            max(heard.quantity),
            bool_or(heard.is_granted),
            max(heard.ended)
        from unnest(p_lines) as heard
        group by heard.shopify_order_id, heard.shopify_line_item_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            product_slug = coalesce(known.product_slug, excluded.product_slug),
            quantity = greatest(known.quantity, excluded.quantity),
            is_granted = known.is_granted or excluded.is_granted,
            ended = greatest(known.ended, excluded.ended)
        where
            (known.product_slug is null and excluded.product_slug is not null)
            or excluded.quantity > coalesce(known.quantity, -1)
            or (excluded.is_granted and not known.is_granted)
            or greatest(known.ended, excluded.ended) is distinct from known.ended
        returning known.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

revoke all on function thetis.hear_lines(thetis.heard_line[])
from public, anon, authenticated, service_role;

-- Adds refunds to the set; returns the orders for which one was news. A refund may name a line
-- more than once (part restocked, part not), hence the sum.
create function thetis.hear_refunds(p_refunds jsonb)
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.refunds as known (
            shopify_refund_id, shopify_line_item_id, shopify_order_id, quantity
        )
        select distinct on (1, 2)
            refund.entry ->> 'id',
            line.entry ->> 'line_item_id',
            refund.entry ->> 'order_id',
            sum((line.entry ->> 'quantity')::bigint)
        from jsonb_array_elements(p_refunds) with ordinality as refund (entry, place)
        cross join lateral jsonb_array_elements(
            refund.entry -> 'refund_line_items'
        ) as line (entry)
        group by refund.place, 1, 2, 3
        order by 1, 2, 4 desc
        on conflict (shopify_refund_id, shopify_line_item_id) do update set
            quantity = excluded.quantity
        where excluded.quantity > known.quantity
        returning known.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

revoke all on function thetis.hear_refunds(jsonb) from public, anon, authenticated, service_role;

-- Brings purchases and outbox in line with what was heard of these orders, whose rows the caller
-- has locked. Locks their addresses, the ones before a correction included.
-- Returns the orders whose purchases changed.
create function thetis.apply_facts(p_order_ids text[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
begin
    perform thetis.lock_emails(array(
        select known.email from thetis.orders as known
        where known.shopify_order_id = any(p_order_ids)
        union
        select stored.shopify_customer_email from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
    ));

    v_changes := thetis.update_purchases(p_order_ids);
    if cardinality(v_changes) > 0 then
        perform thetis.update_messages(v_changes);
    end if;
    return array(select distinct change.shopify_order_id from unnest(v_changes) as change);
end;
$$;

revoke all on function thetis.apply_facts(text[]) from public, anon, authenticated, service_role;

-- The refunds[] inside orders, each with the order's id, as refunds/create has it.
create function thetis.refunds_of(p_orders jsonb, p_order_ids text[])
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select jsonb_agg(
            refund.entry || jsonb_build_object('order_id', ordered.entry -> 'id')
        )
        from jsonb_array_elements(p_orders) as ordered (entry)
        cross join lateral jsonb_array_elements(
            coalesce(nullif(ordered.entry -> 'refunds', 'null'), '[]')
        ) as refund (entry)
        where ordered.entry ->> 'id' = any(p_order_ids)
    );
end;
$$;

revoke all on function thetis.refunds_of(jsonb, text[])
from public, anon, authenticated, service_role;

-- Which of these orders hold a product of ours? And in which has the customer paid for something
-- that we cannot record, for want of an address?
create function thetis.judge_orders(
    p_order_ids text[], out tracked text[], out without_email text[]
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select
        array_agg(line.shopify_order_id),
        array_agg(line.shopify_order_id) filter (
            where
            known.email is null
            and line.is_granted
            and line.ended is null
            and not exists (
                select from public.purchases as stored
                where
                    stored.shopify_order_id = line.shopify_order_id
                    and stored.shopify_line_item_id = line.shopify_line_item_id
            )
        )
    into tracked, without_email
    from thetis.order_lines as line
    inner join thetis.orders as known on line.shopify_order_id = known.shopify_order_id
    where line.shopify_order_id = any(p_order_ids) and line.product_slug is not null;
end;
$$;

revoke all on function thetis.judge_orders(text[])
from public, anon, authenticated, service_role;

-- Tried, in microseconds for each order of three lines (Postgres 18, median of hundreds of calls):
--                                                       alone     8 a call     100 a call
--   a fault sought by one call for each order,
--   an owner by one for each line                         672          304            156
--   one statement for all of them                         599          246            116
-- A call costs some 300 before its first order, for the start of its dozen statements: that is
-- what concurrent webhooks share.

-- Records what an array of Shopify orders says (orders/create, paid, updated, cancelled) and
-- returns one row per element, in its order:
--   recorded   something was new
--   unchanged  we knew all that
--   ignored    nothing in it is ours
--   rejected   it is ours to act on but unusable; `reason` says why
-- Called by the service. Safe to call again with the same orders, or with older ones: nothing
-- changes. Locks the orders and the addresses, each in a fixed order, until the transaction ends.
create function public.record_orders(orders jsonb)
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = 'off'
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
as $$
#variable_conflict use_column
declare
    v_faults text[];
    v_usable jsonb := orders;
    v_lines thetis.heard_line[];
    v_order_ids text[];
    v_news text[];
    v_tracked text[];
    v_without_email text[];
begin
    v_faults := thetis.order_faults(orders);
    if num_nonnulls(variadic v_faults) > 0 then
        select coalesce(jsonb_agg(ordered.entry), '[]') into v_usable
        from jsonb_array_elements(orders) with ordinality as ordered (entry, ordinal)
        where v_faults[ordered.ordinal] is null;
    end if;

    v_lines := thetis.heard_lines(v_usable);
    v_order_ids := array(select distinct line.shopify_order_id from unnest(v_lines) as line);

    if cardinality(v_order_ids) > 0 then
        perform thetis.hear_orders(v_usable, v_order_ids);
        v_news := thetis.hear_lines(v_lines);
        if jsonb_path_exists(v_usable, '$[*].refunds[*]') then
            v_news := v_news || thetis.hear_refunds(
                thetis.refunds_of(v_usable, v_order_ids)
            );
        end if;
        v_news := v_news || thetis.apply_facts(v_order_ids);
        select judged.tracked, judged.without_email into v_tracked, v_without_email
        from thetis.judge_orders(v_order_ids) as judged;
    end if;

    return query
    select
        ordered.ordinal::integer,
        ordered.entry ->> 'id',
        case
            when v_faults[ordered.ordinal] is not null then 'rejected'
            when (ordered.entry ->> 'id' = any(v_tracked)) is not true then 'ignored'
            when ordered.entry ->> 'id' = any(v_without_email) then 'rejected'
            when ordered.entry ->> 'id' = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        coalesce(
            v_faults[ordered.ordinal],
            case
                when ordered.entry ->> 'id' = any(v_without_email) then 'no email address'
            end
        )
    from jsonb_array_elements(orders) with ordinality as ordered (entry, ordinal)
    order by ordered.ordinal;
end;
$$;

revoke all on function public.record_orders(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.record_orders(jsonb) to service_role;
