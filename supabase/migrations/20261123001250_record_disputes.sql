-- The way in for disputes/create and disputes/update, and the switch that says whether chargebacks
-- count. A dispute may come before its order; it is kept, and counts when the order is recorded.

-- Merges disputes into what is stored of them; returns the orders for which one was news. The
-- caller has locked the orders.
create function thetis.merge_disputes(p_disputes thetis.incoming_dispute[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.disputes as existing (
            shopify_dispute_id, shopify_order_id, is_chargeback, status, inquiry_status
        )
        select
            incoming.shopify_dispute_id,
            min(incoming.shopify_order_id),
            bool_or(incoming.is_chargeback),
            max(incoming.status),
            max(incoming.inquiry_status)
        from unnest(p_disputes) as incoming
        group by incoming.shopify_dispute_id
        order by incoming.shopify_dispute_id
        on conflict (shopify_dispute_id) do update set
            is_chargeback = existing.is_chargeback or excluded.is_chargeback,
            status = greatest(existing.status, excluded.status),
            inquiry_status = greatest(existing.inquiry_status, excluded.inquiry_status)
        where
            (excluded.is_chargeback and not existing.is_chargeback)
            or greatest(existing.status, excluded.status) is distinct from existing.status
            or greatest(existing.inquiry_status, excluded.inquiry_status)
            is distinct from existing.inquiry_status
        returning existing.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

-- Records what an array of Shopify disputes says and returns one row per element, in its order,
-- with the outcomes of record_orders; a dispute of no order is ignored. Called by the service. Safe
-- to call again. `received_at`: when the webhook came, if that was not now. Locks the orders and
-- the addresses, each in a fixed order, until the transaction ends.
create function public.record_disputes(disputes jsonb, received_at timestamptz default null)
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_ids text[];
    v_faults text[];
    v_incoming thetis.incoming_dispute[];
    v_order_ids text[];
    v_news text[];
begin
    select array_agg(each.shopify_order_id), array_agg(each.fault)
    into v_ids, v_faults
    from thetis.describe_disputes(disputes) as each;

    v_incoming := thetis.read_disputes(thetis.without_faults(disputes, v_faults));
    v_order_ids := array(
        select distinct incoming.shopify_order_id from unnest(v_incoming) as incoming
    );
    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids, least(record_disputes.received_at, now()));
        v_news := thetis.merge_disputes(v_incoming);
        v_news := v_news || thetis.refresh_orders(v_order_ids);
    end if;

    return query
    select
        each.place::integer,
        each.id,
        case
            when each.fault is not null then 'rejected'
            when each.id is null then 'ignored'
            when each.id = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        each.fault
    from unnest(v_ids, v_faults) with ordinality as each (id, fault, place)
    order by each.place;
end;
$$;

-- Says whether chargebacks end access, and brings what is not in line with it into line, at most so
-- many orders at once; returns how many. Called by the worker, at its start and again and again:
-- what was recorded while another answer held is set right the next time. Safe to call again.
create function public.honor_disputes(is_on boolean, max_count integer default 500)
returns integer
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
declare
    v_order_ids text[];
begin
    if honor_disputes.is_on is null then
        raise exception 'is_on: must be said' using errcode = 'TH004';
    end if;
    update thetis.dispute_rules set are_honored = honor_disputes.is_on
    where dispute_rules.is_the_only_row and dispute_rules.are_honored <> honor_disputes.is_on;

    v_order_ids := array(
        select stale.shopify_order_id
        from (
            select stored.shopify_order_id
            from thetis.charged_back_purchases as ended
            inner join public.purchases as stored on ended.purchase_id = stored.id
            where not honor_disputes.is_on
            union
            select dispute.shopify_order_id
            from thetis.disputes as dispute
            inner join public.purchases as stored
                on dispute.shopify_order_id = stored.shopify_order_id
            where
                honor_disputes.is_on
                and dispute.ends_access
                and stored.status in ('active', 'expired')
        ) as stale
        order by stale.shopify_order_id
        limit honor_disputes.max_count
    );
    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids, now());
        perform thetis.refresh_orders(v_order_ids);
    end if;
    return cardinality(v_order_ids);
end;
$$;

-- Privileges

revoke all on function thetis.merge_disputes(thetis.incoming_dispute[])
from public, anon, authenticated, service_role;
revoke all on function public.record_disputes(jsonb, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function public.record_disputes(jsonb, timestamptz) to service_role;
revoke all on function public.honor_disputes(boolean, integer)
from public, anon, authenticated, service_role;
grant execute on function public.honor_disputes(boolean, integer) to service_role;
