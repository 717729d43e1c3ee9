-- What an export of Shopify's admin tells of orders that its API no longer shows us. An export
-- names no line of an order and no product id, and does not say what a refund was for. So its lines
-- are facts of their own, until Shopify itself tells of the lines.

-- Lets each exported line of these orders become the line that Shopify has told since, with the
-- purchase that it made: the one with the same product that made none. What is not told yet ends
-- with its whole order, as it can end in no other way. The caller holds the orders' row locks, and
-- those of their addresses and purchases.
create function thetis.adopt_exported_lines(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_exported thetis.order_lines;
    v_told_id text;
begin
    for v_exported in
        select exported.*
        from thetis.order_lines as exported
        where exported.shopify_order_id = any(p_order_ids) and exported.is_exported
        order by exported.shopify_order_id, exported.shopify_line_item_id
    loop
        v_told_id := (
            select told.shopify_line_item_id
            from thetis.order_lines as told
            where
                told.shopify_order_id = v_exported.shopify_order_id
                and told.product_slug = v_exported.product_slug
                and not told.is_exported
                and not exists (
                    select from public.purchases as stored
                    where
                        stored.shopify_order_id = told.shopify_order_id
                        and stored.shopify_line_item_id = told.shopify_line_item_id
                )
            order by told.shopify_line_item_id
            limit 1
        );
        if v_told_id is null then
            update thetis.order_lines as exported
            set end_status = greatest(exported.end_status, 'cancelled')
            from thetis.orders
            where
                exported.shopify_order_id = v_exported.shopify_order_id
                and exported.shopify_line_item_id = v_exported.shopify_line_item_id
                and orders.shopify_order_id = v_exported.shopify_order_id
                and orders.cancelled_at is not null;
        else
            delete from thetis.order_lines as exported
            where
                exported.shopify_order_id = v_exported.shopify_order_id
                and exported.shopify_line_item_id = v_exported.shopify_line_item_id;
            update thetis.order_lines as told
            set
                paid_as_of = least(told.paid_as_of, v_exported.paid_as_of),
                quantity = greatest(told.quantity, v_exported.quantity),
                end_status = greatest(told.end_status, v_exported.end_status)
            where
                told.shopify_order_id = v_exported.shopify_order_id
                and told.shopify_line_item_id = v_told_id;
            update public.purchases as stored set shopify_line_item_id = v_told_id
            where
                stored.shopify_order_id = v_exported.shopify_order_id
                and stored.shopify_line_item_id = v_exported.shopify_line_item_id;
        end if;
    end loop;
end;
$$;

-- What an export says of one order.
create type thetis.exported_order as (
    shopify_order_id text,
    is_untold boolean,      -- Shopify itself has told of no line of ours in it
    refusal text,           -- why nothing of it is recorded, although it may be ours
    is_due boolean,         -- to be recorded: of our products, and no longer new
    grants boolean          -- paid for, and nothing of it was given back
);

-- Judges each order of an export, in its order.
create function thetis.judge_exported_orders(
    p_orders jsonb, p_incoming thetis.incoming_order[]
)
returns thetis.exported_order[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                judged.shopify_order_id,
                judged.is_untold,
                case
                    when judged.is_due and judged.is_part_paid_back and judged.is_untold
                        then 'a part was paid back, and an export does not say of what'
                end,
                judged.is_due,
                judged.is_due
                and judged.is_paid
                and not judged.is_refunded
                and not judged.is_part_paid_back
                and judged.cancelled_at is null
            )::thetis.exported_order
        from (
            select
                told.shopify_order_id,
                told.is_paid,
                told.is_refunded,
                told.cancelled_at,
                not exists (
                    select from thetis.order_lines as known
                    where
                        known.shopify_order_id = told.shopify_order_id
                        and known.product_slug is not null
                        and not known.is_exported
                ) as is_untold,
                told.entry -> 'lines' <> '[]'
                and coalesce(told.purchased_at + thetis.new_for() <= now(), false) as is_due,
                told.is_paid
                and not told.is_refunded
                and told.cancelled_at is null
                and coalesce((told.entry ->> 'paid_back')::numeric, 0) > 0 as is_part_paid_back,
                told.place
            from rows from (jsonb_array_elements(p_orders), unnest(p_incoming)) with ordinality
                as told (
                    entry, shopify_order_id, order_number, email, as_of, purchased_at,
                    is_paid, is_voided, is_refunded, cancelled_at, is_test, place
                )
        ) as judged
        order by judged.place
    );
end;
$$;

-- Adds the lines of an export that are not known yet; returns the orders of which one was new. Of
-- each product an order has as many lines as anybody has told of. The array tells of each order
-- once.
create function thetis.add_exported_lines(
    p_orders jsonb, p_incoming thetis.incoming_order[], p_granting text[]
)
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.order_lines (
            shopify_order_id, shopify_line_item_id, product_slug, quantity, paid_as_of, is_exported
        )
        select
            told.shopify_order_id,
            concat_ws('-', 'export', told.slug, told.place),
            told.slug,
            told.quantity,
            told.as_of,
            true
        from (
            select
                incoming.shopify_order_id,
                incoming.as_of,
                line.entry ->> 'slug' as slug,
                (line.entry ->> 'quantity')::thetis.shopify_quantity as quantity,
                row_number() over (
                    partition by incoming.shopify_order_id, line.entry ->> 'slug'
                    order by line.place
                ) as place
            from rows from (jsonb_array_elements(p_orders), unnest(p_incoming)) as incoming (
                entry, shopify_order_id, order_number, email, as_of, purchased_at,
                is_paid, is_voided, is_refunded, cancelled_at, is_test
            )
            cross join lateral jsonb_array_elements(incoming.entry -> 'lines')
                with ordinality as line (entry, place)
            where incoming.shopify_order_id = any(p_granting)
        ) as told
        where
            told.place > (
                select count(*) from thetis.order_lines as known
                where
                    known.shopify_order_id = told.shopify_order_id
                    and known.product_slug = told.slug
            )
        on conflict do nothing
        returning shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

-- Records what an array of exported orders says, and returns one row per element, as record_orders
-- does. An element has the fields of an order that record_orders reads, but for its line items and
-- refunds; and instead of them
--   lines      [{slug, quantity}], those of our products
--   paid_back  how much money was paid back
-- An order that is not yet three days old is ignored: the API shows it, whole. Where only a part
-- was paid back, nobody can tell of what: that is rejected, for a person to look at. Called by the
-- service. Safe to call again: nothing changes. With dry_run it is done, and undone. Locks as
-- record_orders does.
create function public.record_exported_orders(orders jsonb, dry_run boolean default false)
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_incoming thetis.incoming_order[];
    v_judged thetis.exported_order[];
    v_due text[];
    v_unknown text;
    v_news text[];
    v_nameless text[];
begin
    v_incoming := (
        thetis.read_orders(
            coalesce(
                (
                    select jsonb_agg(
                        exported.entry || '{"line_items": [], "refunds": []}'
                        order by exported.place
                    )
                    from jsonb_array_elements(record_exported_orders.orders)
                        with ordinality as exported (entry, place)
                ),
                '[]'
            ),
            'grant'
        )
    ).orders;
    v_unknown := (
        select min(line.entry ->> 'slug')
        from jsonb_array_elements(record_exported_orders.orders) as exported (entry)
        cross join lateral jsonb_array_elements(exported.entry -> 'lines') as line (entry)
        where not exists (
            select from public.products as product where product.slug = line.entry ->> 'slug'
        )
    );
    if v_unknown is not null then
        raise exception 'there is no product %', v_unknown using errcode = 'TH004';
    end if;

    v_judged := thetis.judge_exported_orders(record_exported_orders.orders, v_incoming);
    v_due := array(
        select each.shopify_order_id from unnest(v_judged) as each
        where each.is_due and each.refusal is null
    );
    begin
        perform thetis.merge_orders(
            array(
                select incoming from unnest(v_incoming) as incoming
                where incoming.shopify_order_id = any(v_due)
            ),
            v_due,
            now()
        );
        v_news := thetis.add_exported_lines(
            record_exported_orders.orders,
            v_incoming,
            array(select each.shopify_order_id from unnest(v_judged) as each where each.grants)
        );
        v_news := v_news || thetis.refresh_orders(v_due);
        v_nameless := thetis.orders_without_email(v_due);
        if record_exported_orders.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;

    return query
    select
        each.place::integer,
        each.shopify_order_id,
        case
            when each.refusal is not null or each.shopify_order_id = any(v_nameless) then 'rejected'
            when each.shopify_order_id = any(v_news) then 'recorded'
            when each.grants or (each.is_due and not each.is_untold) then 'unchanged'
            else 'ignored'
        end,
        coalesce(
            each.refusal,
            case when each.shopify_order_id = any(v_nameless) then 'no email address' end
        )
    from unnest(v_judged) with ordinality as each (
        shopify_order_id, is_untold, refusal, is_due, grants, place
    )
    order by each.place;
end;
$$;

alter function public.record_exported_orders(jsonb, boolean)
set plan_cache_mode = 'force_generic_plan';
alter function public.record_exported_orders(jsonb, boolean) set enable_seqscan = 'off';
alter function public.record_exported_orders(jsonb, boolean) set enable_hashjoin = 'off';
alter function public.record_exported_orders(jsonb, boolean) set enable_mergejoin = 'off';

-- Privileges

revoke all on function thetis.adopt_exported_lines(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.judge_exported_orders(jsonb, thetis.incoming_order[])
from public, anon, authenticated, service_role;
revoke all on function thetis.add_exported_lines(jsonb, thetis.incoming_order[], text[])
from public, anon, authenticated, service_role;
revoke all on function public.record_exported_orders(jsonb, boolean)
from public, anon, authenticated, service_role;
grant execute on function public.record_exported_orders(jsonb, boolean) to service_role;
