-- Shopify's JSON, read once. No other chapter names a field of Shopify's. The names are those of
-- https://shopify.dev/docs/api/webhooks/latest: a whole order or refund can be passed as it came,
-- and fields that are not read here are ignored.

-- What a field has to look like is its type: reading a body that is not like that raises.
create domain thetis.shopify_id as text not null
constraint shopify_id_is_a_number check (value ~ '^[1-9][0-9]{0,18}$');
create domain thetis.shopify_quantity as integer not null
constraint quantity_is_in_range check (value between 0 and 999999999);
create domain thetis.optional_quantity as integer
constraint quantity_is_in_range check (value between 0 and 999999999);
create domain thetis.json_array as jsonb not null
constraint is_an_array check (jsonb_typeof(value) = 'array');
create domain thetis.optional_json_array as jsonb
constraint is_an_array check (jsonb_typeof(value) = 'array');
create domain thetis.optional_json_text as jsonb
constraint is_text check (jsonb_typeof(value) in ('string', 'null'))
constraint fits_an_address check (length(value #>> '{}') <= 320);
create domain thetis.optional_time as timestamptz
constraint is_of_our_calendar check (value > '-infinity' and value < '10000-01-01T00:00:00Z');

-- What one webhook says of an order as a whole.
create type thetis.incoming_order as (
    shopify_order_id text,
    order_number text,
    email text,                -- the first that is not empty, in the one spelling
    as_of timestamptz,
    purchased_at timestamptz,
    is_paid boolean,           -- nothing is outstanding, whatever was paid back since
    is_voided boolean,
    is_refunded boolean,       -- all that was paid has been paid back
    cancelled_at timestamptz,
    is_test boolean
);

-- What it says of one line that is ours: those of our products, and those without a product,
-- because a deleted product looks just like a custom item and we may know the line from before.
create type thetis.incoming_line as (
    shopify_order_id text,
    shopify_line_item_id text,
    product_slug text,
    quantity integer,
    paid_as_of timestamptz,
    end_status thetis.purchase_status
);

-- A line of a product that is not in the catalogue is none of our business, unless an old
-- enrollment or an export names the order and no line. It is counted: perhaps the catalogue lacks
-- it.
create type thetis.untracked_line as (
    shopify_order_id text,
    shopify_product_id text
);

create type thetis.incoming_refund as (
    shopify_refund_id text,
    shopify_line_item_id text,
    shopify_order_id text,
    quantity bigint
);

-- A dispute, as an order or a webhook of its own tells it. `status` is null where only the state of
-- an inquiry was told.
create type thetis.incoming_dispute as (
    shopify_dispute_id text,
    shopify_order_id text,
    is_chargeback boolean,
    status thetis.dispute_status,
    inquiry_status thetis.dispute_status
);

create type thetis.incoming as (
    orders thetis.incoming_order[],  -- noqa: LT01
    lines thetis.incoming_line[],  -- noqa: LT01
    untracked thetis.untracked_line[],  -- noqa: LT01
    refunds thetis.incoming_refund[],  -- noqa: LT01
    disputes thetis.incoming_dispute[]  -- noqa: LT01
);

-- Reads an array of refunds, each with the order's id, as refunds/create has it. Raises if any of
-- them is unusable. A refund of an amount has no lines and tells nothing. A refund may name a line
-- more than once (part restocked, part not), hence the sum.
create function thetis.read_refunds(p_refunds jsonb)
returns thetis.incoming_refund[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                refund.id, line.line_item_id, refund.order_id, sum(line.quantity)
            )::thetis.incoming_refund
        from rows from (
            jsonb_to_recordset(p_refunds) as (
                id thetis.shopify_id,
                order_id thetis.shopify_id,
                refund_line_items thetis.json_array
            )
        ) with ordinality as refund
        cross join lateral jsonb_to_recordset(refund.refund_line_items) as line (
            line_item_id thetis.shopify_id, quantity thetis.shopify_quantity
        )
        group by refund.ordinality, refund.id, line.line_item_id, refund.order_id
    );
end;
$$;

-- The address an order was bought with: the first that is not empty.
create function thetis.order_email(p_email jsonb, p_contact_email jsonb, p_customer_email jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        thetis.normalised_email(p_email #>> '{}'),
        thetis.normalised_email(p_contact_email #>> '{}'),
        thetis.normalised_email(p_customer_email #>> '{}')
    );
end;
$$;

-- Reads an array of orders. Raises if any of them is unusable (SQLSTATE class 22 or 23).
-- With p_test_orders = 'ignore', nothing is told of the lines and refunds of test orders.
--
-- Paid: `financial_status` is a summary for display and does not tell whether all lines are paid.
-- A deposit of which a part went back is partially_refunded, and so is an order with a refund to
-- which an unpaid line was added; `total_outstanding` tells them apart. Old payloads lack it.
-- https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus
-- Ended: a cancelled order may still show quantities, and one that is not may show a line of which
-- nothing is left.
create function thetis.read_orders(p_orders jsonb, p_test_orders text)
returns thetis.incoming
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_incoming thetis.incoming;
begin
    v_incoming.orders := array(
        select
            row(
                told.id,
                told.order_number,
                thetis.order_email(told.email, told.contact_email, told.customer_email),
                coalesce(told.updated_at, '-infinity'),
                coalesce(told.processed_at, told.created_at),
                coalesce(
                    told.financial_status = 'paid'
                    or (
                        told.financial_status in ('partially_refunded', 'refunded')
                        and coalesce(told.total_outstanding, 0) <= 0
                    ),
                    false
                ),
                coalesce(told.financial_status = 'voided', false),
                coalesce(told.financial_status = 'refunded', false),
                told.cancelled_at,
                coalesce(told.test, false)
            )::thetis.incoming_order
        from (
            select
                (ordered.entry ->> 'id')::thetis.shopify_id as id,
                ordered.entry ->> 'order_number' as order_number,
                (ordered.entry -> 'email')::thetis.optional_json_text as email,
                (ordered.entry -> 'contact_email')::thetis.optional_json_text as contact_email,
                (ordered.entry #> '{customer,email}')::thetis.optional_json_text as customer_email,
                ordered.entry ->> 'financial_status' as financial_status,
                (ordered.entry ->> 'total_outstanding')::numeric as total_outstanding,
                (ordered.entry ->> 'cancelled_at')::thetis.optional_time as cancelled_at,
                (ordered.entry ->> 'created_at')::thetis.optional_time as created_at,
                (ordered.entry ->> 'processed_at')::thetis.optional_time as processed_at,
                (ordered.entry ->> 'updated_at')::thetis.optional_time as updated_at,
                (ordered.entry ->> 'test')::boolean as test,
                ordered.place
            from jsonb_array_elements(p_orders) with ordinality as ordered (entry, place)
            offset 0  -- so that each field is checked, also where another one decides
        ) as told
        order by told.place
    );

    select
        array_agg(
            row(
                sold.shopify_order_id, sold.id, sold.product_slug, sold.quantity, sold.paid_as_of,
                sold.end_status
            )::thetis.incoming_line
        ) filter (where sold.is_ours),
        array_agg(row(sold.shopify_order_id, sold.product_id)::thetis.untracked_line)
        filter (where not sold.is_ours)
    into v_incoming.lines, v_incoming.untracked
    from (
        select
            told.shopify_order_id,
            line.id,
            line.product_id,
            product.product_slug,
            line.quantity,
            case when told.is_paid then told.as_of end as paid_as_of,
            case
                when line.current_quantity = 0 then 'refunded'
                when told.cancelled_at is not null then 'cancelled'
            end::thetis.purchase_status as end_status,
            product.product_slug is not null
            or line.product_id is null
            or (
                select true from thetis.order_lines as existing
                where
                    existing.shopify_order_id = told.shopify_order_id
                    and existing.shopify_line_item_id = line.id
            ) is not null
            or (
                select true from public.purchases as old
                where
                    old.shopify_order_id = told.shopify_order_id
                    and old.shopify_line_item_id is null
                limit 1
            ) is not null
            or (
                select true from thetis.order_lines as exported
                where
                    exported.shopify_order_id = told.shopify_order_id
                    and exported.is_exported
                limit 1
            ) is not null as is_ours
        from rows from (jsonb_array_elements(p_orders), unnest(v_incoming.orders)) as told (
            entry, shopify_order_id, order_number, email, as_of, purchased_at,
            is_paid, is_voided, is_refunded, cancelled_at, is_test
        )
        cross join lateral (
            select
                (item.entry ->> 'id')::thetis.shopify_id as id,
                item.entry ->> 'product_id' as product_id,
                (item.entry ->> 'quantity')::thetis.shopify_quantity as quantity,
                (item.entry ->> 'current_quantity')::thetis.optional_quantity as current_quantity
            from jsonb_array_elements(
                (told.entry -> 'line_items')::thetis.json_array
            ) as item (entry)
            offset 0  -- so that each line is checked, also those that are none of our business
        ) as line
        left join thetis.shopify_products as product
            on line.product_id = product.shopify_product_id
        where p_test_orders = 'grant' or not told.is_test
    ) as sold;

    if jsonb_path_exists(p_orders, '$[*].refunds[*]') then
        v_incoming.refunds := thetis.read_refunds((
            select jsonb_agg(refund.entry || jsonb_build_object('order_id', told.shopify_order_id))
            from rows from (jsonb_array_elements(p_orders), unnest(v_incoming.orders)) as told (
                entry, shopify_order_id, order_number, email, as_of, purchased_at,
                is_paid, is_voided, is_refunded, cancelled_at, is_test
            )
            cross join lateral jsonb_array_elements(
                nullif(told.entry -> 'refunds', 'null')::thetis.optional_json_array
            ) as refund (entry)
            where p_test_orders = 'grant' or not told.is_test
        ));
    end if;
    if jsonb_path_exists(p_orders, '$[*] ? (@.disputes.type() != "null" && @.disputes.size() > 0)') then
        v_incoming.disputes := thetis.read_order_disputes(p_orders, p_test_orders);
    end if;
    return v_incoming;
end;
$$;

-- Of which moment an order tells; null if nobody can tell.
create function thetis.order_as_of(p_order jsonb)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return p_order ->> 'updated_at';
exception when data_exception then
    return null;
end;
$$;

-- The words for what is wrong with an order that could not be read.
create function thetis.order_fault(p_order jsonb, p_test_orders text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(p_order) <> 'object' then
        return 'not an object';
    end if;
    perform thetis.read_orders(jsonb_build_array(p_order), p_test_orders);
    return null;
exception when data_exception or integrity_constraint_violation then
    return case
        when (p_order ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true then 'id: not a Shopify id'
        when jsonb_typeof(p_order -> 'line_items') is distinct from 'array'
            then 'line_items: not an array'
        when exists (
            select from jsonb_array_elements(p_order -> 'line_items') as line (entry)
            where
                (line.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
                or (line.entry ->> 'quantity' ~ '^[0-9]{1,9}$') is not true
                or (line.entry ->> 'current_quantity' ~ '^[0-9]{1,9}$') is false
        ) then 'line_items: an id or a quantity is not usable'
        when jsonb_typeof(p_order -> 'refunds') not in ('array', 'null') then 'refunds: not an array'
        when exists (
            select
            from jsonb_array_elements(coalesce(nullif(p_order -> 'refunds', 'null'), '[]'))
                as refund (entry)
            where thetis.refund_fault(refund.entry || '{"order_id": 1}') is not null
        ) then 'refunds: one is not usable'
        when jsonb_typeof(p_order -> 'disputes') not in ('array', 'null')
            then 'disputes: not an array'
        when exists (
            select
            from jsonb_array_elements(coalesce(nullif(p_order -> 'disputes', 'null'), '[]'))
                as dispute (entry)
            where (dispute.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
        ) then 'disputes: one is not usable'
        when jsonb_typeof(p_order -> 'test') not in ('boolean', 'null')
            then 'test: neither true nor false'
        when (p_order ->> 'total_outstanding' ~ '^-?[0-9]+(\.[0-9]+)?$') is false
            then 'total_outstanding: not an amount'
        when
            jsonb_typeof(p_order -> 'email') not in ('string', 'null')
            or jsonb_typeof(p_order -> 'contact_email') not in ('string', 'null')
            or jsonb_typeof(p_order #> '{customer,email}') not in ('string', 'null')
            or length(p_order ->> 'email') > 320
            or length(p_order ->> 'contact_email') > 320
            or length(p_order #>> '{customer,email}') > 320
            then 'email, contact_email or customer.email: not text, or too long'
        else 'updated_at, processed_at, created_at or cancelled_at: not a timestamp'
    end;
end;
$$;

create function thetis.refund_fault(p_refund jsonb)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(p_refund) <> 'object' then
        return 'not an object';
    end if;
    perform thetis.read_refunds(jsonb_build_array(p_refund));
    return null;
exception when data_exception or integrity_constraint_violation then
    return case
        when (p_refund ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true then 'id: not a Shopify id'
        when (p_refund ->> 'order_id' ~ '^[1-9][0-9]{0,18}$') is not true
            then 'order_id: not a Shopify id'
        when jsonb_typeof(p_refund -> 'refund_line_items') is distinct from 'array'
            then 'refund_line_items: not an array'
        else 'refund_line_items: an id or a quantity is not usable'
    end;
end;
$$;

-- What became of reading each element of an array of orders: its id, and what is wrong with it.
create function thetis.describe_orders(p_orders jsonb, p_test_orders text)
returns table (place bigint, shopify_order_id text, fault text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select ordered.place, ordered.entry ->> 'id', thetis.order_fault(ordered.entry, p_test_orders)
    from jsonb_array_elements(p_orders) with ordinality as ordered (entry, place)
    order by ordered.place;
end;
$$;

-- The same of refunds, and whether they name a line.
create function thetis.describe_refunds(p_refunds jsonb)
returns table (place bigint, shopify_order_id text, has_lines boolean, fault text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        refund.place,
        refund.entry ->> 'order_id',
        refund.entry -> 'refund_line_items' <> '[]',
        thetis.refund_fault(refund.entry)
    from jsonb_array_elements(p_refunds) with ordinality as refund (entry, place)
    order by refund.place;
end;
$$;

-- An array without the elements in which a fault was found.
create function thetis.without_faults(p_elements jsonb, p_faults text[])
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(jsonb_agg(element.entry order by element.place), '[]')
        from jsonb_array_elements(p_elements) with ordinality as element (entry, place)
        where p_faults[element.place] is null
    );
end;
$$;

-- Privileges

revoke all on function thetis.read_orders(jsonb, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.order_email(jsonb, jsonb, jsonb)
from public, anon, authenticated, service_role;
revoke all on function thetis.read_refunds(jsonb) from public, anon, authenticated, service_role;
revoke all on function thetis.order_as_of(jsonb) from public, anon, authenticated, service_role;
revoke all on function thetis.order_fault(jsonb, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.refund_fault(jsonb) from public, anon, authenticated, service_role;
revoke all on function thetis.describe_orders(jsonb, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.describe_refunds(jsonb)
from public, anon, authenticated, service_role;
revoke all on function thetis.without_faults(jsonb, text[])
from public, anon, authenticated, service_role;
