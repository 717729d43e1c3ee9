-- What the facts amount to: the derivation of purchases, in one place. Linking gives them owners.

-- The purchase that each paid line of ours is, as far as we have heard.
-- Of a payment and the end of one in the same second, the payment stands against a void, and the
-- refund against the payment: an order is voided only before it is paid, and refunded only after.
create view thetis.derived_purchases
with (security_invoker = true) as
select
    line.shopify_order_id,
    line.shopify_line_item_id,
    line.product_slug,
    orders.order_number as shopify_order_number,
    coalesce(orders.email, '') as shopify_customer_email,
    orders.purchased_at,
    orders.purchased_at + product.access_period as expires_at,
    greatest(
        'active',
        line.end_status,
        case
            when orders.voided_as_of > coalesce(orders.paid_as_of, '-infinity')
                then 'cancelled'::thetis.purchase_status
        end,
        case
            when
                orders.refunded_as_of >= line.paid_as_of
                or (
                    select sum(refund.quantity)
                    from thetis.refunds as refund
                    where
                        refund.shopify_order_id = line.shopify_order_id
                        and refund.shopify_line_item_id = line.shopify_line_item_id
                ) >= line.quantity
                then 'refunded'::thetis.purchase_status
        end
    ) as status
from thetis.order_lines as line
inner join thetis.orders on line.shopify_order_id = orders.shopify_order_id
left join public.products as product on line.product_slug = product.slug
where
    line.paid_as_of is not null
    and line.product_slug is not null
    and (orders.email is not null or orders.erased_at is not null);

-- A purchase that changed. `was` is null for one that is new.
create type thetis.purchase_change as (
    shopify_order_id text, product_slug text, was text, became text
);

-- Where a stored purchase and what we hear of it meet. Whatever else happened to it (an end set by
-- hand, an expiry) is never undone. A refund may be outgrown: if we first hear that one of one was
-- refunded and then that two were bought, the second is still theirs.
create function thetis.merged_status(p_existing text, p_derived thetis.purchase_status)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case p_existing
        when 'refunded' then p_derived
        else greatest(p_existing::thetis.purchase_status, p_derived)
    end::text;
end;
$$;

-- The confirmed accounts of these orders' addresses, in the same order; null where there is none.
-- All are found, and thereby locked, before the first purchase is written: whoever deletes an
-- account locks in that order too. So are those that own a purchase by another address.
create function thetis.order_owners(p_order_ids text[])
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from auth.users
    where
        users.id in (
            select stored.user_id from public.purchases as stored
            where stored.shopify_order_id = any(p_order_ids)
        )
    for key share;

    return array(
        select thetis.confirmed_user_id(orders.email)
        from unnest(p_order_ids) with ordinality as given (shopify_order_id, place)
        left join thetis.orders on given.shopify_order_id = orders.shopify_order_id
        order by given.place
    );
end;
$$;

-- Writes the purchases that the facts of these orders amount to, and returns what changed.
-- A purchase that somebody owns stays theirs, with the address it was linked by: the order's may
-- have been corrected since, and is nobody else's to read. An owner marked as deleted is none.
create function thetis.write_purchases(p_order_ids text[], p_owner_ids uuid[])
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
begin
    with before as (
        select stored.id, stored.status
        from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
    ),

    written as (
        insert into public.purchases as existing (
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
        from unnest(p_order_ids, p_owner_ids) as owner (shopify_order_id, user_id)
        inner join thetis.derived_purchases as derived
            on owner.shopify_order_id = derived.shopify_order_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            (user_id, shopify_customer_email) = (
                select
                    case when is_free then excluded.user_id else existing.user_id end,
                    case
                        when is_free then excluded.shopify_customer_email
                        else existing.shopify_customer_email
                    end
                from (
                    values (
                        existing.user_id is null or thetis.is_deleted_account(existing.user_id)
                    )
                ) as owned (is_free)
            ),
            status = thetis.merged_status(
                existing.status, excluded.status::thetis.purchase_status
            )
        where
            existing.status <> thetis.merged_status(
                existing.status, excluded.status::thetis.purchase_status
            )
            or (
                (existing.user_id, existing.shopify_customer_email)
                is distinct from (excluded.user_id, excluded.shopify_customer_email)
                and (existing.user_id is null or thetis.is_deleted_account(existing.user_id))
            )
        returning existing.id, existing.shopify_order_id, existing.product_slug, existing.status
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

-- An old enrollment may name its order and no line item: it ends when the whole order does.
create function thetis.end_purchases_without_line(p_order_ids text[])
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
begin
    with ended as (
        update public.purchases as existing
        set status = over.became
        from (
            select
                stored.id,
                stored.status as was,
                greatest(
                    stored.status::thetis.purchase_status,
                    'cancelled',
                    case
                        when orders.refunded_as_of is not null
                            then 'refunded'::thetis.purchase_status
                    end
                )::text as became
            from public.purchases as stored
            inner join thetis.orders on stored.shopify_order_id = orders.shopify_order_id
            where
                stored.shopify_order_id = any(p_order_ids)
                and stored.shopify_line_item_id is null
                and (orders.refunded_as_of is not null or orders.cancelled_at is not null)
        ) as over
        where existing.id = over.id and over.was <> over.became
        returning existing.shopify_order_id, existing.product_slug, over.was, over.became
    )

    select
        array_agg(
            row(
                ended.shopify_order_id, ended.product_slug, ended.was, ended.became
            )::thetis.purchase_change
        )
    into v_changes
    from ended;
    return v_changes;
end;
$$;

-- Marks the orders of which somebody owns a purchase by another address than the order's, and
-- returns those for which that is new.
create function thetis.mark_address_conflicts(p_order_ids text[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_news text[];
begin
    with news as (
        update thetis.orders
        set has_address_conflict = found.is_conflict
        from (
            select
                stored.shopify_order_id,
                bool_or(
                    stored.user_id is not null and stored.shopify_customer_email <> owned.email
                ) as is_conflict
            from thetis.orders as owned
            inner join public.purchases as stored
                on owned.shopify_order_id = stored.shopify_order_id
            where owned.shopify_order_id = any(p_order_ids) and owned.email is not null
            group by stored.shopify_order_id
        ) as found
        where
            orders.shopify_order_id = found.shopify_order_id
            and orders.has_address_conflict <> found.is_conflict
        returning orders.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

-- Brings the purchases of these orders in line with the facts. Tells what changed, whether any of
-- the orders had a purchase before, and of which the owner's address is no longer the order's.
-- The caller holds the orders' row locks. Locks their addresses, the ones before a correction
-- included, until the transaction ends.
create function thetis.refresh_purchases(
    p_order_ids text[],
    out changes thetis.purchase_change[],
    out had_purchases boolean,
    out conflicts text[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_emails text[];
begin
    select array_agg(address.email), bool_or(address.is_purchase)
    into v_emails, had_purchases
    from (
        select orders.email, false as is_purchase from thetis.orders
        where orders.shopify_order_id = any(p_order_ids)
        union all
        select stored.shopify_customer_email, true from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
    ) as address;

    perform thetis.lock_emails(v_emails);
    changes := thetis.write_purchases(p_order_ids, thetis.order_owners(p_order_ids));
    if had_purchases then
        changes := changes || thetis.end_purchases_without_line(p_order_ids);
        conflicts := thetis.mark_address_conflicts(p_order_ids);
    end if;
end;
$$;

-- How many orders have a purchase that somebody owns by another address than the order's.
create function public.count_address_conflicts()
returns bigint
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select count(*) from thetis.orders
        where
            orders.has_address_conflict
            and exists (
                select from public.purchases as owned
                where
                    owned.shopify_order_id = orders.shopify_order_id
                    and owned.user_id is not null
                    and owned.shopify_customer_email <> orders.email
            )
    );
end;
$$;

-- Privileges

revoke all on table thetis.derived_purchases from public, anon, authenticated, service_role;
revoke all on function thetis.merged_status(text, thetis.purchase_status)
from public, anon, authenticated, service_role;
revoke all on function thetis.order_owners(text[]) from public, anon, authenticated, service_role;
revoke all on function thetis.write_purchases(text[], uuid[])
from public, anon, authenticated, service_role;
revoke all on function thetis.end_purchases_without_line(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.mark_address_conflicts(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_purchases(text[])
from public, anon, authenticated, service_role;
revoke all on function public.count_address_conflicts()
from public, anon, authenticated, service_role;
grant execute on function public.count_address_conflicts() to service_role;
