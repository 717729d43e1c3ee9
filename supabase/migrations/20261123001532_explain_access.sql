-- Why a customer has access to what they ordered, or has not.

-- What an operator sees of a purchase, and why it gives access or does not:
--   has_access             its owner is the customer
--   other_account          somebody else's account owns it
--   not_linked             the account is there and confirmed; the claim page links it
--   address_not_confirmed  the account has not confirmed the address yet
--   single_sign_on         the only account with the address is one that purchases never go to
--   no_account             nobody has signed up with the address yet
--   account_deleted        its owner's account is marked as deleted
--   charged_back           its order's payment is disputed, or the dispute is lost; see disputes
--   expired, revoked, cancelled, refunded
--   erased                 whose it was is forgotten, and nobody owned it
-- `rank` is how close it is to access, 1 being there. `owned_by` is how its owner came to it, as
-- far as that is still true: they sign in with its `address`, or have proven it (`proven_address`).
create function thetis.explain_purchases(p_customer thetis.customer)
returns table (
    id uuid, product text, reason text, rank integer, since timestamptz, until timestamptz,
    address text, user_id uuid, owner_address text, shopify_order_id text, purchased_at timestamptz,
    owned_by text
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
begin
    return query
    select
        stored.id,
        stored.product_slug,
        why.reason,
        array_position(
            array[
                'has_access', 'not_linked', 'address_not_confirmed', 'no_account',
                'single_sign_on', 'other_account', 'account_deleted', 'expired', 'charged_back',
                'revoked', 'cancelled', 'refunded', 'erased'
            ],
            why.reason
        ),
        case why.reason
            when 'expired' then stored.expires_at
            when 'address_not_confirmed' then account.created_at
            when 'account_deleted' then owner.deleted_at
            when 'cancelled' then coalesce(orders.cancelled_at, stored.updated_at)
            when 'refunded' then coalesce(orders.refunded_as_of, stored.updated_at)
            when 'revoked' then stored.updated_at
            when 'charged_back' then charged_back.since
            else stored.purchased_at
        end,
        stored.expires_at,
        stored.shopify_customer_email,
        stored.user_id,
        owner.email::text,
        stored.shopify_order_id,
        stored.purchased_at,
        case
            when lower(owner.email) = stored.shopify_customer_email then 'address'
            when thetis.has_proven(stored.user_id, stored.shopify_customer_email)
                then 'proven_address'
        end
    from (
        select mine.id from public.purchases as mine
        where mine.shopify_order_id = any(p_customer.order_ids)
        union
        select mine.id from public.purchases as mine
        where mine.shopify_customer_email = any(p_customer.emails)
        union
        select mine.id from public.purchases as mine
        where mine.user_id = any(p_customer.user_ids)
        limit 500
    ) as mine
    inner join public.purchases as stored on mine.id = stored.id
    left join thetis.orders on stored.shopify_order_id = orders.shopify_order_id
    left join thetis.overrides as override on stored.id = override.purchase_id
    left join thetis.charged_back_purchases as ended on stored.id = ended.purchase_id
    left join lateral (
        select same.since from thetis.charged_back_orders as same
        where ended.purchase_id is not null and same.shopify_order_id = stored.shopify_order_id
    ) as charged_back on true
    left join auth.users as owner on stored.user_id = owner.id
    left join lateral (
        select
            same.id,
            same.created_at,
            same.is_sso_user and not proven.it as is_sso_user,
            case when proven.it then now() else same.email_confirmed_at end as email_confirmed_at
        from auth.users as same
        cross join lateral (
            select thetis.has_proven(same.id, stored.shopify_customer_email) as it
        ) as proven
        where
            same.id = any(p_customer.user_ids)
            and (lower(same.email) = stored.shopify_customer_email or proven.it)
            and same.deleted_at is null
        order by proven.it desc, same.is_sso_user, same.email_confirmed_at nulls last
        limit 1
    ) as account on true
    cross join lateral (
        select case
            when
                override.is_revoked and stored.user_id is null
                and stored.shopify_customer_email = '' then 'erased'
            when stored.status = 'cancelled' and override.is_revoked then 'revoked'
            when
                stored.status = 'cancelled'
                and ended.purchase_id is not null
                and orders.cancelled_at is null then 'charged_back'
            when stored.status <> 'active' then stored.status
            when stored.expires_at <= now() then 'expired'
            when owner.deleted_at is not null then 'account_deleted'
            when
                owner.id = any(p_customer.user_ids)
                and (
                    p_customer.found_by <> 'address'
                    or lower(owner.email) = any(p_customer.emails)
                    or exists (
                        select from thetis.proven_addresses as proven
                        where
                            proven.user_id = owner.id and proven.email = any(p_customer.emails)
                    )
                ) then 'has_access'
            when owner.id is not null then 'other_account'
            when account.is_sso_user then 'single_sign_on'
            when account.email_confirmed_at is not null then 'not_linked'
            when account.id is not null then 'address_not_confirmed'
            else 'no_account'
        end as reason
    ) as why;
end;
$$;

-- What was ordered and is no purchase:
--   waiting_for_payment, no_address, or product_unknown, of a product that is not in the catalogue
create function thetis.explain_missing(p_order_ids text[])
returns table (product text, reason text, since timestamptz, shopify_order_id text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
begin
    return query
    select
        line.product_slug,
        case
            when orders.erased_at is not null then 'erased'
            when line.end_status is not null then line.end_status::text
            when line.paid_as_of is null then 'waiting_for_payment'
            else 'no_address'
        end,
        coalesce(orders.purchased_at, orders.first_recorded_at),
        line.shopify_order_id
    from thetis.order_lines as line
    inner join thetis.orders on line.shopify_order_id = orders.shopify_order_id
    where
        line.shopify_order_id = any(p_order_ids)
        and line.product_slug is not null
        and not exists (
            select from public.purchases as stored
            where
                stored.shopify_order_id = line.shopify_order_id
                and stored.shopify_line_item_id = line.shopify_line_item_id
        )
    union all
    select
        'Shopify product ' || sold.shopify_product_id,
        'product_unknown',
        sold.first_recorded_at,
        sold.shopify_order_id
    from thetis.untracked_sales as sold
    where
        sold.shopify_order_id = any(p_order_ids)
        and not exists (
            select from thetis.order_lines as line
            inner join thetis.shopify_products as ours on line.product_slug = ours.product_slug
            where
                line.shopify_order_id = sold.shopify_order_id
                and ours.shopify_product_id = sold.shopify_product_id
        );
end;
$$;

-- Privileges

revoke all on function thetis.explain_purchases(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.explain_missing(text[])
from public, anon, authenticated, service_role;
