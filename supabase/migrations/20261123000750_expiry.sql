-- When access ends. How long it lasts is fixed when something is bought. Bought again before the
-- end, the second begins where the first ends: nobody loses days by buying early. The ends follow
-- from what is true now, so a refund of the first pulls the second back. Access that was given is
-- counted by itself.

-- Is there anything in these orders whose access ends?
create function thetis.have_access_periods(p_order_ids text[])
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- most shops sell for ever, and ask no further
    if
        not exists (select from public.products where products.access_period is not null)
        and not exists (select from thetis.access_periods)
    then
        return false;
    end if;
    return exists (
        select from thetis.order_lines as line
        inner join public.products as product on line.product_slug = product.slug
        where line.shopify_order_id = any(p_order_ids) and product.access_period is not null
    ) or exists (
        select from public.purchases as stored
        inner join thetis.access_periods as limited on stored.id = limited.purchase_id
        where stored.shopify_order_id = any(p_order_ids)
    );
end;
$$;

-- Who owns a purchase of these orders now.
create function thetis.present_owners(p_order_ids text[])
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select distinct stored.user_id from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids) and stored.user_id is not null
    );
end;
$$;

-- Works out anew when the purchases of these accounts end, and those that these addresses made and
-- nobody owns. What an operator said about an end stands, and the next begins there. `expired` is
-- the one status that goes back: when the end moves, it is active again.
-- The caller holds the locks of the accounts and of the addresses.
create function thetis.refresh_expiry(p_user_ids uuid[], p_emails text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_each record;
    v_chain text;
    v_end timestamptz;
begin
    for v_each in
        select
            stored.id,
            stored.purchased_at,
            limited.period,
            override.extended_to,
            concat_ws(
                ' ', stored.product_slug,
                coalesce(stored.user_id::text, stored.shopify_customer_email)
            ) as chain
        from public.purchases as stored
        inner join thetis.access_periods as limited on stored.id = limited.purchase_id
        left join thetis.overrides as override on stored.id = override.purchase_id
        where
            stored.id in (
                select owned.id from public.purchases as owned
                where owned.user_id = any(p_user_ids)
                union all
                select free.id from public.purchases as free
                where
                    free.user_id is null
                    and free.shopify_customer_email = any(p_emails)
                    and free.shopify_customer_email <> ''
            )
            and stored.purchased_at is not null
            and stored.status in ('active', 'expired')
        order by chain, stored.purchased_at, stored.id
    loop
        if v_each.chain is distinct from v_chain then
            v_chain := v_each.chain;
            v_end := null;
        end if;
        v_end := coalesce(
            v_each.extended_to, greatest(v_each.purchased_at, v_end) + v_each.period
        );
        update public.purchases as stored
        set
            expires_at = nullif(v_end, 'infinity'),
            status = case when v_end <= now() then 'expired' else 'active' end
        where
            stored.id = v_each.id
            and (stored.expires_at, stored.status)
            is distinct from (
                nullif(v_end, 'infinity'), case when v_end <= now() then 'expired' else 'active' end
            );
    end loop;
end;
$$;

-- Says of what is over by now that it is, at most so many at once; returns of how many. Called by
-- the worker: has_access needs it not, but a course app may read the status.
create function public.expire_purchases(max_count integer default 500)
returns integer
language plpgsql
security definer  -- the table is written by nobody; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
declare
    v_expired integer;
begin
    update public.purchases as stored set status = 'expired'
    where stored.id in (
        select over.id from public.purchases as over
        where over.status = 'active' and over.expires_at <= now()
        order by over.expires_at
        limit expire_purchases.max_count
        for update skip locked
    );
    get diagnostics v_expired = row_count;
    return v_expired;
end;
$$;

-- Privileges

revoke all on function thetis.have_access_periods(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.present_owners(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_expiry(uuid[], text[])
from public, anon, authenticated, service_role;
revoke all on function public.expire_purchases(integer)
from public, anon, authenticated, service_role;
grant execute on function public.expire_purchases(integer) to service_role;
