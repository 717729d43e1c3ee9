-- Shopify's JSON of disputes, read once; no other chapter names a field of it, as with orders.
-- An order tells how a dispute began (`initiated_as`), a webhook what it is by now (`type`).
-- https://shopify.dev/docs/api/admin-graphql/latest/objects/OrderDisputeSummary

-- A state of a dispute as Shopify writes it; null for one that is new to us.
create function thetis.dispute_status_or_null(p_word text)
returns thetis.dispute_status
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when lower(p_word) = any(enum_range(null::thetis.dispute_status)::text[])
            then lower(p_word)::thetis.dispute_status
    end;
end;
$$;

-- Reads the disputes of an array of orders. An order without the field says nothing of them. A
-- state that is new to us must not cost the order; it is told again. Raises if one is unusable.
create function thetis.read_order_disputes(p_orders jsonb, p_test_orders text)
returns thetis.incoming_dispute[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                dispute.id,
                told.entry ->> 'id',
                coalesce(lower(dispute.initiated_as) = 'chargeback', false),
                thetis.dispute_status_or_null(dispute.status),
                null
            )::thetis.incoming_dispute
        from jsonb_array_elements(p_orders) as told (entry)
        cross join lateral jsonb_to_recordset(
            nullif(told.entry -> 'disputes', 'null')::thetis.optional_json_array
        ) as dispute (id thetis.shopify_id, initiated_as text, status text)
        where
            p_test_orders = 'grant'
            or (told.entry ->> 'test')::boolean is not true
    );
end;
$$;

-- Reads an array of disputes as disputes/create and disputes/update have them. Raises if any of
-- them is unusable. One of no order tells nothing.
create function thetis.read_disputes(p_disputes jsonb)
returns thetis.incoming_dispute[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                (told.entry ->> 'id')::thetis.shopify_id,
                (told.entry ->> 'order_id')::thetis.shopify_id,
                lower(told.entry ->> 'type') = 'chargeback',
                case
                    when lower(told.entry ->> 'type') = 'chargeback'
                        then thetis.dispute_status_or_null(told.entry ->> 'status')
                end,
                case
                    when lower(told.entry ->> 'type') = 'inquiry'
                        then thetis.dispute_status_or_null(told.entry ->> 'status')
                end
            )::thetis.incoming_dispute
        from jsonb_array_elements(p_disputes) as told (entry)
        where told.entry ->> 'order_id' is not null
    );
end;
$$;

-- The words for what is wrong with a dispute that cannot be used. One of a state or a type that is
-- new to us is kept until we know it.
create function thetis.dispute_fault(p_dispute jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when jsonb_typeof(p_dispute) <> 'object' then 'not an object'
        when (p_dispute ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true then 'id: not a Shopify id'
        when (p_dispute ->> 'order_id' ~ '^[1-9][0-9]{0,18}$') is false
            then 'order_id: not a Shopify id'
        when (lower(p_dispute ->> 'type') in ('inquiry', 'chargeback')) is not true
            then 'type: neither inquiry nor chargeback'
        when thetis.dispute_status_or_null(p_dispute ->> 'status') is null
            then 'status: not one that is known'
    end;
end;
$$;

-- What became of reading each element of an array of disputes: its order, and what is wrong.
create function thetis.describe_disputes(p_disputes jsonb)
returns table (place bigint, shopify_order_id text, fault text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select dispute.place, dispute.entry ->> 'order_id', thetis.dispute_fault(dispute.entry)
    from jsonb_array_elements(p_disputes) with ordinality as dispute (entry, place)
    order by dispute.place;
end;
$$;

-- Privileges

revoke all on function thetis.dispute_status_or_null(text)
from public, anon, authenticated, service_role;
revoke all on function thetis.read_order_disputes(jsonb, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.read_disputes(jsonb)
from public, anon, authenticated, service_role;
revoke all on function thetis.dispute_fault(jsonb)
from public, anon, authenticated, service_role;
revoke all on function thetis.describe_disputes(jsonb)
from public, anon, authenticated, service_role;
