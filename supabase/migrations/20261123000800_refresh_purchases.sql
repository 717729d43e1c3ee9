-- What the facts amount to: the derivation of purchases, in one place. Linking gives them owners.

-- The purchase that each paid line of ours is, as far as Shopify has told.
-- Of a payment and the end of one in the same second, the payment stands against a void, and the
-- refund against the payment: an order is voided only before it is paid, and refunded only after.
create view thetis.derived_purchases
with (security_invoker = true) as
select
    line.shopify_order_id,
    line.shopify_line_item_id,
    line.product_slug,
    orders.order_number as shopify_order_number,
    coalesce(orders.holder_email, '') as shopify_customer_email,
    orders.purchased_at,
    product.access_period,
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
    and (orders.holder_email is not null or orders.erased_at is not null);

-- A purchase that changed. `was` is null for one that is new.
create type thetis.purchase_change as (
    shopify_order_id text, product_slug text, was text, became text
);

-- Where a stored purchase, what is told of it and an operator's word meet. What else happened to it
-- (an expiry) is not undone here. A refund may be outgrown: if we are first told that one of one
-- was refunded and then that two were bought, the second is still theirs. What an old enrollment
-- told as expired an operator may extend.
create function thetis.merged_status(
    p_existing text, p_derived thetis.purchase_status, p_is_revoked boolean, p_is_extended boolean
)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest(
        case when p_is_revoked then 'cancelled'::thetis.purchase_status end,
        case when p_existing <> 'refunded' then p_existing::thetis.purchase_status end,
        case when p_derived = 'expired' and p_is_extended then 'active' else p_derived end
    )::text;
end;
$$;

-- The accounts whose these orders' addresses are, in the same order; null where there is none.
-- All are found, and thereby locked, before the first purchase is written: whoever deletes an
-- account locks in that order too.
create function thetis.order_owners(p_order_ids text[])
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select thetis.owner_of(orders.holder_email)
        from unnest(p_order_ids) with ordinality as given (shopify_order_id, place)
        left join thetis.orders on given.shopify_order_id = orders.shopify_order_id
        order by given.place
    );
end;
$$;

-- Locks those who own a purchase of these orders already, by whatever address, and those to whom
-- one was transferred, for the same reason.
create function thetis.lock_present_owners(p_order_ids text[])
returns void
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
    perform thetis.owner_of(override.transferred_to)
    from public.purchases as stored
    inner join thetis.overrides as override on stored.id = override.purchase_id
    where stored.shopify_order_id = any(p_order_ids) and override.transferred_to is not null;
end;
$$;

-- Adds the purchases of these orders that are not there yet, and returns them.
create function thetis.add_purchases(
    p_order_ids text[], p_owner_ids uuid[], p_has_periods boolean
)
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
    v_ids uuid[];
begin
    with added as (
        insert into public.purchases (
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
        on conflict (shopify_order_id, shopify_line_item_id) do nothing
        returning id, shopify_order_id, product_slug, status
    )

    select
        array_agg(
            row(
                added.shopify_order_id, added.product_slug, null, added.status
            )::thetis.purchase_change
        ),
        array_agg(added.id)
    into v_changes, v_ids
    from added;
    if p_has_periods then
        insert into thetis.access_periods (purchase_id, period)
        select added.id, product.access_period
        from public.purchases as added
        inner join public.products as product on added.product_slug = product.slug
        where added.id = any(v_ids) and product.access_period is not null;
    end if;
    return v_changes;
end;
$$;

-- Brings the purchases of these orders that are there in line with the facts, and returns those
-- that changed. The caller has locked them, so that what is compared is what is changed.
-- A purchase that somebody owns stays theirs, with the address it was linked by: the order's may
-- have been corrected since, and is nobody else's to read. An owner marked as deleted is none.
create function thetis.update_purchases(p_order_ids text[], p_owner_ids uuid[])
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
begin
    with updated as (
        update public.purchases as existing
        set
            user_id = case when found.is_free then found.owner_id else existing.user_id end,
            shopify_customer_email = case
                when found.is_free then found.email else existing.shopify_customer_email
            end,
            status = found.status
        from (
            select
                stored.id,
                stored.status as was,
                stored.user_id as was_owner_id,
                stored.shopify_customer_email as was_email,
                case
                    when override.transferred_to is null then owner.user_id
                    else thetis.owner_of(override.transferred_to)
                end as owner_id,
                coalesce(override.transferred_to, derived.shopify_customer_email) as email,
                thetis.merged_status(
                    stored.status,
                    derived.status::thetis.purchase_status,
                    override.is_revoked,
                    override.extended_to is not null
                ) as status,
                stored.user_id is null or thetis.is_deleted_account(stored.user_id) as is_free
            from unnest(p_order_ids, p_owner_ids) as owner (shopify_order_id, user_id)
            inner join thetis.derived_purchases as derived
                on owner.shopify_order_id = derived.shopify_order_id
            inner join public.purchases as stored
                on
                    derived.shopify_order_id = stored.shopify_order_id
                    and derived.shopify_line_item_id = stored.shopify_line_item_id
            left join thetis.overrides as override on stored.id = override.purchase_id
        ) as found
        where
            existing.id = found.id
            and (
                found.was <> found.status
                or (
                    found.is_free
                    and (found.was_owner_id, found.was_email)
                    is distinct from (found.owner_id, found.email)
                )
            )
        returning
            existing.shopify_order_id, existing.product_slug, found.was, existing.status as became
    )

    select
        array_agg(
            row(
                updated.shopify_order_id, updated.product_slug, updated.was, updated.became
            )::thetis.purchase_change
        )
    into v_changes
    from updated;
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
                    stored.user_id is not null
                    and stored.shopify_customer_email
                    <> coalesce(override.transferred_to, owned.holder_email)
                ) as is_conflict
            from thetis.orders as owned
            inner join public.purchases as stored
                on owned.shopify_order_id = stored.shopify_order_id
            left join thetis.overrides as override on stored.id = override.purchase_id
            where owned.shopify_order_id = any(p_order_ids) and owned.holder_email is not null
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

-- What refreshing some orders came to: which purchases changed, whether any of the orders had one
-- before, whether any is new enough to cause a notification, and of which the owner's address is no
-- longer the order's.
create type thetis.refreshed as (
    changes thetis.purchase_change[],  -- noqa: LT01
    had_purchases boolean,
    has_new_orders boolean,
    conflicts text[]  -- noqa: LT01
);

-- Brings the purchases of these orders in line with the facts.
-- The caller holds the orders' row locks. Locks their addresses, the ones before a correction
-- included, until the transaction ends.
create function thetis.refresh_purchases(p_order_ids text[])
returns thetis.refreshed
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_emails text[];
    v_owner_ids uuid[];
    v_has_periods boolean;
    v_has_disputes boolean;
    v_refreshed thetis.refreshed;
begin
    select
        array_agg(address.email),
        coalesce(bool_or(address.is_purchase), false),
        coalesce(bool_or(address.is_new), false),
        exists (
            select from thetis.disputes where disputes.shopify_order_id = any(p_order_ids)
        )
    into v_emails, v_refreshed.had_purchases, v_refreshed.has_new_orders, v_has_disputes
    from (
        select orders.holder_email as email, false as is_purchase,
            orders.is_historic is not true as is_new
        from thetis.orders
        where orders.shopify_order_id = any(p_order_ids)
        union all
        select stored.shopify_customer_email, true, false from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
        union all
        select override.transferred_to, true, false
        from public.purchases as transferred
        inner join thetis.overrides as override on transferred.id = override.purchase_id
        where transferred.shopify_order_id = any(p_order_ids)
    ) as address;

    perform thetis.lock_emails(v_emails);
    -- with the locks held: whoever is being erased now is so by then
    if exists (select from thetis.erased_addresses) then
        perform thetis.erase_returned_orders(p_order_ids);
    end if;
    if v_refreshed.had_purchases then
        perform thetis.lock_present_owners(p_order_ids);
    end if;

    v_owner_ids := thetis.order_owners(p_order_ids);
    v_has_periods := thetis.have_access_periods(p_order_ids);
    if v_has_periods then
        perform thetis.lock_holders(v_owner_ids || thetis.present_owners(p_order_ids));
    end if;
    if v_refreshed.had_purchases then
        perform from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
        order by stored.id
        for update;
    end if;
    perform thetis.adopt_exported_lines(p_order_ids);
    if v_refreshed.had_purchases then
        if v_has_disputes then
            v_refreshed.changes := thetis.lift_chargebacks(p_order_ids);
        end if;
        v_refreshed.changes := v_refreshed.changes
            || thetis.update_purchases(p_order_ids, v_owner_ids)
            || thetis.end_purchases_without_line(p_order_ids);
        v_refreshed.conflicts := thetis.mark_address_conflicts(p_order_ids);
    end if;
    v_refreshed.changes := v_refreshed.changes
        || thetis.add_purchases(p_order_ids, v_owner_ids, v_has_periods);
    if v_has_disputes then
        v_refreshed.changes := v_refreshed.changes || thetis.impose_chargebacks(p_order_ids);
    end if;
    if v_has_periods then
        perform thetis.refresh_expiry(
            v_owner_ids || thetis.present_owners(p_order_ids), v_emails
        );
    end if;
    return v_refreshed;
end;
$$;

-- How many orders, but for test orders, have a purchase that somebody owns by another address than
-- the order's.
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
            and not orders.is_test
            and exists (
                select from public.purchases as owned
                left join thetis.overrides as override on owned.id = override.purchase_id
                where
                    owned.shopify_order_id = orders.shopify_order_id
                    and owned.user_id is not null
                    and owned.shopify_customer_email
                    <> coalesce(override.transferred_to, orders.holder_email)
            )
    );
end;
$$;

-- Privileges

revoke all on table thetis.derived_purchases from public, anon, authenticated, service_role;
revoke all on function thetis.merged_status(text, thetis.purchase_status, boolean, boolean)
from public, anon, authenticated, service_role;
revoke all on function thetis.order_owners(text[]) from public, anon, authenticated, service_role;
revoke all on function thetis.lock_present_owners(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.add_purchases(text[], uuid[], boolean)
from public, anon, authenticated, service_role;
revoke all on function thetis.update_purchases(text[], uuid[])
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
