-- The way in for refunds/create. A refund may come before its order; it is kept, and counts when
-- the order is heard of.

-- Locks the rows of these orders in the order of their ids, and makes those not heard of yet, so
-- that there is something to lock.
create function thetis.lock_orders(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.orders as known (shopify_order_id)
    select distinct order_id from unnest(p_order_ids) as order_id order by order_id
    on conflict (shopify_order_id) do update set shopify_order_id = excluded.shopify_order_id
    where false;
end;
$$;

revoke all on function thetis.lock_orders(text[]) from public, anon, authenticated, service_role;

-- Records what an array of Shopify refunds says and returns one row per element, in its order,
-- with the outcomes of record_orders; a refund of an amount, which names no line, is ignored.
-- Called by the service. Safe to call again. Locks the orders and the addresses, each in a fixed
-- order, until the transaction ends.
create function public.record_refunds(refunds jsonb)
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
    v_usable jsonb;
    v_order_ids text[];
    v_news text[];
begin
    select coalesce(jsonb_agg(entry), '[]') into v_usable
    from jsonb_array_elements(refunds) as refund (entry)
    where
        thetis.refund_fault(entry) is null
        and thetis.is_shopify_id(entry -> 'order_id')
        and entry -> 'refund_line_items' <> '[]';

    v_order_ids := array(
        select distinct entry ->> 'order_id' from jsonb_array_elements(v_usable) as refund (entry)
    );

    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids);
        v_news := thetis.hear_refunds(v_usable);
        v_news := v_news || thetis.apply_facts(v_order_ids);
    end if;

    return query
    select
        refund.ordinal::integer,
        refund.entry ->> 'order_id',
        case
            when judged.fault is not null then 'rejected'
            when refund.entry -> 'refund_line_items' = '[]' then 'ignored'
            when refund.entry ->> 'order_id' = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        judged.fault
    from jsonb_array_elements(refunds) with ordinality as refund (entry, ordinal)
    cross join lateral (
        select coalesce(
            thetis.refund_fault(refund.entry),
            case
                when thetis.is_shopify_id(refund.entry -> 'order_id') is not true
                    then 'order_id: not a Shopify id'
            end
        ) as fault
    ) as judged
    order by refund.ordinal;
end;
$$;

revoke all on function public.record_refunds(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.record_refunds(jsonb) to service_role;
