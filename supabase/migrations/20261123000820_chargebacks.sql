-- What an open or a lost chargeback does to the purchases of its order: it ends them, until it is
-- won. They are the one thing but an expiry and a revocation that goes back, so what they were is
-- kept beside them. Whatever else ends them in the meantime stays.

-- Gives back the purchases of these orders whose chargebacks are over. What else is told of them,
-- update_purchases merges into that. The caller holds their locks.
create function thetis.lift_chargebacks(p_order_ids text[])
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
begin
    with over as (
        delete from thetis.charged_back_purchases as ended
        using public.purchases as stored
        where
            ended.purchase_id = stored.id
            and stored.shopify_order_id = any(p_order_ids)
            and not exists (
                select from thetis.charged_back_orders as charged_back
                where charged_back.shopify_order_id = stored.shopify_order_id
            )
        returning ended.purchase_id, ended.status_before
    ),

    lifted as (
        update public.purchases as existing set status = over.status_before
        from over
        where
            existing.id = over.purchase_id
            and existing.status = 'cancelled'
            and not exists (
                select from thetis.overrides as override
                where override.purchase_id = existing.id and override.is_revoked
            )
        returning existing.shopify_order_id, existing.product_slug, existing.status
    )

    select
        array_agg(
            row(
                lifted.shopify_order_id, lifted.product_slug, 'cancelled', lifted.status
            )::thetis.purchase_change
        )
    into v_changes
    from lifted;
    return v_changes;
end;
$$;

-- Ends the purchases of these orders that are charged back and that nothing else has ended. The
-- caller holds their locks.
create function thetis.impose_chargebacks(p_order_ids text[])
returns thetis.purchase_change[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_changes thetis.purchase_change[];
begin
    with found as materialized (
        select stored.id, stored.status as was
        from public.purchases as stored
        inner join thetis.charged_back_orders as charged_back
            on stored.shopify_order_id = charged_back.shopify_order_id
        where
            stored.shopify_order_id = any(p_order_ids)
            and charged_back.shopify_order_id = any(p_order_ids)
            and stored.status in ('active', 'expired')
    ),

    kept as (
        insert into thetis.charged_back_purchases (purchase_id, status_before)
        select found.id, found.was from found
        on conflict (purchase_id) do nothing
    ),

    ended as (
        update public.purchases as existing set status = 'cancelled'
        from found
        where existing.id = found.id
        returning existing.shopify_order_id, existing.product_slug, found.was
    )

    select
        array_agg(
            row(
                ended.shopify_order_id, ended.product_slug, ended.was, 'cancelled'
            )::thetis.purchase_change
        )
    into v_changes
    from ended;
    return v_changes;
end;
$$;

-- Privileges

revoke all on function thetis.lift_chargebacks(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.impose_chargebacks(text[])
from public, anon, authenticated, service_role;
