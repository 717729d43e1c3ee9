-- Reading Shopify's JSON: what is usable, and which lines of an order are ours to remember.
-- The field names are Shopify's own (https://shopify.dev/docs/api/webhooks/latest): a whole order
-- or refund can be passed as it came; fields that are not read here are ignored.

create function thetis.is_shopify_id(p_value jsonb)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select p_value #>> '{}' ~ '^[1-9][0-9]{0,18}$';
$$;

revoke all on function thetis.is_shopify_id(jsonb)
from public, anon, authenticated, service_role;

create function thetis.is_quantity(p_value jsonb)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select p_value #>> '{}' ~ '^[0-9]{1,9}$';
$$;

revoke all on function thetis.is_quantity(jsonb) from public, anon, authenticated, service_role;

-- Why a refund cannot be used, or null. An amount-only refund has no lines and is usable.
create function thetis.refund_fault(p_refund jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when jsonb_typeof(p_refund) is distinct from 'object' then 'not an object'
        when thetis.is_shopify_id(p_refund -> 'id') is not true then 'id: not a Shopify id'
        when jsonb_typeof(p_refund -> 'refund_line_items') is distinct from 'array'
            then 'refund_line_items: not an array'
        when exists (
            select from jsonb_array_elements(p_refund -> 'refund_line_items') as line (entry)
            where
                thetis.is_shopify_id(line.entry -> 'line_item_id') is not true
                or thetis.is_quantity(line.entry -> 'quantity') is not true
        ) then 'refund_line_items: an id or a quantity is not usable'
    end;
end;
$$;

revoke all on function thetis.refund_fault(jsonb) from public, anon, authenticated, service_role;

-- Why each of these orders cannot be used, or null. One bad order must not fail the others of its
-- array. What ids and quantities look like is written out here: to call the functions above for
-- each of them takes longer than all the rest.
create function thetis.order_faults(p_orders jsonb)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            case
                when jsonb_typeof(ordered.entry) is distinct from 'object' then 'not an object'
                when (ordered.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
                    then 'id: not a Shopify id'
                when jsonb_typeof(ordered.entry -> 'line_items') is distinct from 'array'
                    then 'line_items: not an array'
                when exists (
                    select from jsonb_array_elements(ordered.entry -> 'line_items') as line (entry)
                    where
                        (line.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
                        or (line.entry ->> 'quantity' ~ '^[0-9]{1,9}$') is not true
                        or (line.entry ->> 'current_quantity' ~ '^[0-9]{1,9}$') is false
                ) then 'line_items: an id or a quantity is not usable'
                when jsonb_typeof(ordered.entry -> 'refunds') not in ('array', 'null')
                    then 'refunds: not an array'
                when jsonb_typeof(ordered.entry -> 'refunds') = 'array' and exists (
                    select from jsonb_array_elements(ordered.entry -> 'refunds') as refund (entry)
                    where thetis.refund_fault(refund.entry) is not null
                ) then 'refunds: one is not usable'
                when
                    not pg_input_is_valid(ordered.entry ->> 'updated_at', 'timestamptz')
                    or not pg_input_is_valid(ordered.entry ->> 'processed_at', 'timestamptz')
                    or not pg_input_is_valid(ordered.entry ->> 'created_at', 'timestamptz')
                    or not pg_input_is_valid(ordered.entry ->> 'cancelled_at', 'timestamptz')
                    then 'updated_at, processed_at, created_at or cancelled_at: not a timestamp'
                when
                    jsonb_typeof(ordered.entry -> 'email') not in ('string', 'null')
                    or jsonb_typeof(ordered.entry -> 'contact_email') not in ('string', 'null')
                    or jsonb_typeof(ordered.entry #> '{customer,email}') not in ('string', 'null')
                    then 'email, contact_email or customer.email: not text'
            end
        from jsonb_array_elements(p_orders) with ordinality as ordered (entry, ordinal)
        order by ordered.ordinal
    );
end;
$$;

revoke all on function thetis.order_faults(jsonb)
from public, anon, authenticated, service_role;

-- The address an order was bought with: the first that is not empty.
create function thetis.order_email(p_order jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        thetis.normalised_email(p_order ->> 'email'),
        thetis.normalised_email(p_order ->> 'contact_email'),
        thetis.normalised_email(p_order #>> '{customer,email}')
    );
end;
$$;

revoke all on function thetis.order_email(jsonb) from public, anon, authenticated, service_role;

-- Was this order paid for, whatever was paid back since? Other payment states grant nothing.
create function thetis.is_paid(p_order jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        p_order ->> 'financial_status' in ('paid', 'partially_refunded', 'refunded'), false
    );
end;
$$;

revoke all on function thetis.is_paid(jsonb) from public, anon, authenticated, service_role;

create type thetis.heard_line as (
    shopify_order_id text,
    shopify_line_item_id text,
    product_slug text,
    quantity integer,
    is_granted boolean,
    ended thetis.purchase_status
);

-- The lines that these orders tell us of: those of our products, and those without a product,
-- because a deleted product looks just like a custom item and we may know the line from before.
-- A product of somebody else's is none of our business.
--
-- `is_granted`: paid for at some time.
-- `ended`: the furthest end that this order gives the line. A cancelled order may still show
-- quantities, and a refund by amount may leave them all, so neither stands for the other.
create function thetis.heard_lines(p_orders jsonb)
returns thetis.heard_line[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                ordered.entry ->> 'id',
                line.entry ->> 'id',
                product.product_slug,
                (line.entry ->> 'quantity')::integer,
                thetis.is_paid(ordered.entry),
                greatest(
                    case
                        when ordered.entry ->> 'cancelled_at' is not null
                            then 'cancelled'::thetis.purchase_status
                    end,
                    case
                        when ordered.entry ->> 'financial_status' = 'refunded'
                            then 'refunded'::thetis.purchase_status
                    end,
                    case
                        when line.entry ->> 'current_quantity' = '0'
                            then 'refunded'::thetis.purchase_status
                    end
                )
            )::thetis.heard_line
        from jsonb_array_elements(p_orders) as ordered (entry)
        cross join lateral jsonb_array_elements(ordered.entry -> 'line_items') as line (entry)
        left join thetis.shopify_products as product
            on line.entry ->> 'product_id' = product.shopify_product_id
        where
            product.product_slug is not null
            or line.entry ->> 'product_id' is null
            or (
                select true from thetis.order_lines as known
                where
                    known.shopify_order_id = ordered.entry ->> 'id'
                    and known.shopify_line_item_id = line.entry ->> 'id'
            )
    );
end;
$$;

revoke all on function thetis.heard_lines(jsonb) from public, anon, authenticated, service_role;
