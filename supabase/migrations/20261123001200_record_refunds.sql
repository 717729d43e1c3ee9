-- The way in for refunds/create. A refund may come before its order; it is kept, and counts when
-- the order is recorded.

-- Locks the rows of these orders in the order of their ids, and makes those not recorded yet, so
-- that there is something to lock.
create function thetis.lock_orders(p_order_ids text[], p_received_at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.orders as existing (shopify_order_id, first_recorded_at)
    select distinct order_id, p_received_at from unnest(p_order_ids) as order_id order by order_id
    on conflict (shopify_order_id) do update set shopify_order_id = excluded.shopify_order_id
    where false;
end;
$$;

-- Records what an array of Shopify refunds says and returns one row per element, in its order,
-- with the outcomes of record_orders; a refund of an amount, which names no line, is ignored.
-- Called by the service. Safe to call again. `received_at`: when the webhook came, if that was not
-- now. Locks the orders and the addresses, each in a fixed order, until the transaction ends.
create function public.record_refunds(refunds jsonb, received_at timestamptz default null)
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_ids text[];
    v_have_lines boolean[];
    v_faults text[];
    v_incoming thetis.incoming_refund[];
    v_order_ids text[];
    v_news text[];
begin
    select array_agg(each.shopify_order_id), array_agg(each.has_lines), array_agg(each.fault)
    into v_ids, v_have_lines, v_faults
    from thetis.describe_refunds(refunds) as each;

    v_incoming := thetis.read_refunds(thetis.without_faults(refunds, v_faults));
    v_order_ids := array(
        select distinct incoming.shopify_order_id from unnest(v_incoming) as incoming
    );
    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids, least(record_refunds.received_at, now()));
        v_news := thetis.merge_refunds(v_incoming);
        v_news := v_news || thetis.refresh_orders(v_order_ids);
    end if;

    return query
    select
        each.place::integer,
        each.id,
        case
            when each.fault is not null then 'rejected'
            when not each.has_lines then 'ignored'
            when each.id = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        each.fault
    from unnest(v_ids, v_have_lines, v_faults) with ordinality
        as each (id, has_lines, fault, place)
    order by each.place;
end;
$$;

-- Privileges

revoke all on function thetis.lock_orders(text[], timestamptz)
from public, anon, authenticated, service_role;
revoke all on function public.record_refunds(jsonb, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function public.record_refunds(jsonb, timestamptz) to service_role;
