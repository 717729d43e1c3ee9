-- What the facts amount to: the derivation of purchases, in one place. Linking gives them owners.

-- The purchase that each paid line of ours is, as far as we have heard.
create view thetis.derived_purchases
with (security_invoker = true) as
select
    line.shopify_order_id,
    line.shopify_line_item_id,
    line.product_slug,
    known.order_number as shopify_order_number,
    known.email as shopify_customer_email,
    known.purchased_at,
    known.purchased_at + product.access_period as expires_at,
    greatest(
        'active',
        line.ended,
        case
            when known.voided_as_of >= coalesce(known.paid_as_of, '-infinity')
                then 'cancelled'::thetis.purchase_status
        end,
        case
            when (
                select sum(refund.quantity)
                from thetis.refunds as refund
                where
                    refund.shopify_order_id = line.shopify_order_id
                    and refund.shopify_line_item_id = line.shopify_line_item_id
            ) >= line.quantity then 'refunded'::thetis.purchase_status
        end
    ) as status
from thetis.order_lines as line
inner join thetis.orders as known on line.shopify_order_id = known.shopify_order_id
left join public.products as product on line.product_slug = product.slug
where line.is_granted and line.product_slug is not null and known.email is not null;

revoke all on table thetis.derived_purchases from public, anon, authenticated, service_role;

-- A purchase whose status changed. `was` is null for one that is new.
create type thetis.purchase_change as (
    shopify_order_id text, product_slug text, was text, became text
);

-- Where a stored purchase and what we hear of it meet. Whatever else happened to it (an end set by
-- hand, an expiry) is never undone. A refund may be outgrown: if we first hear that one of one was
-- refunded and then that two were bought, the second is still theirs.
create function thetis.merged_status(p_stored text, p_derived thetis.purchase_status)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case p_stored
        when 'refunded' then p_derived
        else greatest(p_stored::thetis.purchase_status, p_derived)
    end::text;
$$;

revoke all on function thetis.merged_status(text, thetis.purchase_status)
from public, anon, authenticated, service_role;

-- Brings the purchases of these orders in line with the facts and returns what changed.
-- The caller holds the orders' row locks and their email locks. A user_id, once set, stays.
-- All owners are found, and thereby locked, before the first purchase: who deletes an account locks
-- in that order too.
create function thetis.update_purchases(p_order_ids text[])
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
    v_user_ids uuid[] := array(
        select thetis.confirmed_user_id(known.email)
        from unnest(p_order_ids) with ordinality as given (order_id, place)
        left join thetis.orders as known on given.order_id = known.shopify_order_id
        order by given.place
    );
begin
    with before as (
        select stored.id, stored.status
        from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
    ),

    written as (
        insert into public.purchases as stored (
            user_id, product_slug, shopify_order_id, shopify_order_number,
            shopify_customer_email, shopify_line_item_id, status, purchased_at, expires_at
        )
        select
            owner.user_id,
            derived.product_slug,
            derived.shopify_order_id,
            derived.shopify_order_number,
            derived.shopify_customer_email,
            derived.shopify_line_item_id,
            derived.status,
            derived.purchased_at,
            derived.expires_at
        from unnest(p_order_ids, v_user_ids) as owner (shopify_order_id, user_id)
        inner join thetis.derived_purchases as derived
            on owner.shopify_order_id = derived.shopify_order_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            user_id = coalesce(stored.user_id, excluded.user_id),
            shopify_customer_email = excluded.shopify_customer_email,
            status = thetis.merged_status(
                stored.status, excluded.status::thetis.purchase_status
            )
        where
            (stored.user_id is null and excluded.user_id is not null)
            or stored.shopify_customer_email <> excluded.shopify_customer_email
            or stored.status <> thetis.merged_status(
                stored.status, excluded.status::thetis.purchase_status
            )
        returning stored.id, stored.shopify_order_id, stored.product_slug, stored.status
    )

    select
        array_agg(
            row(
                written.shopify_order_id, written.product_slug, before.status, written.status
            )::thetis.purchase_change
        )
    into v_changes
    from written
    left join before on written.id = before.id;

    return v_changes;
end;
$$;

revoke all on function thetis.update_purchases(text[])
from public, anon, authenticated, service_role;
