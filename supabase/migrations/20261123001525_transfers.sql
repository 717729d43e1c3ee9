-- Giving what was bought to another person: the old owner loses it at once, and the new one has it
-- as soon as their account has the address, confirmed or proven. What Shopify tells of the address
-- later does not change it back; a refund ends it all the same. With the arguments and the answer
-- of the functions in access_by_hand.

-- Is any of this somebody's by a transfer? Then its course email goes out even if the order is
-- historic: the new person was never told.
create function thetis.was_transferred(p_order_id text, p_purchase_ids uuid[])
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from thetis.orders
        where orders.shopify_order_id = p_order_id and orders.transferred_to is not null
    ) or exists (
        select from thetis.overrides as override
        where override.purchase_id = any(p_purchase_ids) and override.transferred_to is not null
    );
end;
$$;

-- Gives these purchases, which the caller has locked, to whoever has this address.
create function thetis.give_purchases(p_ids uuid[], p_email text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_owner_id uuid := thetis.owner_of(p_email);
begin
    update public.purchases as stored
    set user_id = v_owner_id, shopify_customer_email = p_email
    where stored.id = any(p_ids);
end;
$$;

-- Gives one purchase to whoever has this address, confirmed. The others of its order stay.
create function public.transfer_purchase(
    purchase_id uuid,
    address text,
    reason text,
    expected_address text default null,
    operator text default null,
    dry_run boolean default false
)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(transfer_purchase.operator, true);
    v_reason text := thetis.stated_reason(transfer_purchase.reason);
    v_email text := thetis.stated_address(transfer_purchase.address);
    v_purchase public.purchases;
    v_ids uuid[] := array[transfer_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        v_purchase := thetis.stated_purchase(
            transfer_purchase.purchase_id, transfer_purchase.expected_address, v_email
        );
        if exists (
            select from thetis.overrides as override
            where override.purchase_id = v_purchase.id and override.transferred_to = v_email
        ) then
            v_act := thetis.unchanged_act('transfer', v_ids);
        else
            v_before := thetis.describe_purchases(v_ids);
            insert into thetis.overrides as existing (purchase_id, transferred_to)
            values (v_purchase.id, v_email)
            on conflict on constraint overrides_pkey do update set
                transferred_to = excluded.transferred_to;
            perform thetis.give_purchases(v_ids, v_email);
            perform thetis.refresh_expiry(
                array[v_purchase.user_id], array[v_purchase.shopify_customer_email]
            );
            v_act := thetis.conclude_act(
                v_operator, 'transfer', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if transfer_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', transfer_purchase.dry_run);
end;
$$;

-- Gives a whole order, with what is added to it later, to whoever has this address, confirmed.
-- `order_name`: its number, or its Shopify id.
create function public.transfer_order(
    order_name text,
    address text,
    reason text,
    expected_address text default null,
    operator text default null,
    dry_run boolean default false
)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(transfer_order.operator, true);
    v_reason text := thetis.stated_reason(transfer_order.reason);
    v_email text := thetis.stated_address(transfer_order.address);
    v_order_id text := thetis.stated_order(transfer_order.order_name);
    v_holder_email text;
    v_ids uuid[];
    v_owner_ids uuid[];
    v_emails text[];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        -- the order first, so that no event adds a purchase of it meanwhile; who owns them is
        -- looked up once nobody can link them any more
        select orders.holder_email into v_holder_email
        from thetis.orders where orders.shopify_order_id = v_order_id
        for update;
        perform thetis.lock_for_act(v_order_id, '{}', v_email);
        select
            coalesce(array_agg(stored.id), '{}'),
            array_agg(stored.user_id) filter (where stored.user_id is not null),
            array_agg(stored.shopify_customer_email)
        into v_ids, v_owner_ids, v_emails
        from public.purchases as stored where stored.shopify_order_id = v_order_id;
        if
            transfer_order.expected_address is not null
            and thetis.normalised_email(transfer_order.expected_address)
            is distinct from v_holder_email
            and not exists (
                select from unnest(v_owner_ids) as owner (id)
                where thetis.is_address_of(
                    owner.id, thetis.normalised_email(transfer_order.expected_address)
                )
            )
        then
            raise exception 'order % is not that of the expected address', v_order_id
            using errcode = 'TH006';
        end if;

        if exists (
            select from thetis.orders
            where orders.shopify_order_id = v_order_id and orders.transferred_to = v_email
        ) and not exists (
            select from thetis.overrides as override
            where override.purchase_id = any(v_ids) and override.transferred_to <> v_email
        ) then
            v_act := thetis.unchanged_act('transfer', v_ids);
        else
            v_before := thetis.describe_purchases(v_ids);
            update thetis.orders set transferred_to = v_email
            where orders.shopify_order_id = v_order_id;
            update thetis.overrides as override set transferred_to = null
            where override.purchase_id = any(v_ids);
            perform thetis.give_purchases(v_ids, v_email);
            perform thetis.refresh_expiry(v_owner_ids, v_emails);
            v_act := thetis.conclude_act(
                v_operator, 'transfer', v_reason, v_holder_email, v_order_id, v_ids, v_before
            );
        end if;
        if transfer_order.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', transfer_order.dry_run);
end;
$$;

-- Privileges

revoke all on function thetis.was_transferred(text, uuid[])
from public, anon, authenticated, service_role;
revoke all on function thetis.give_purchases(uuid[], text)
from public, anon, authenticated, service_role;
revoke all on function
public.transfer_purchase(uuid, text, text, text, text, boolean),
public.transfer_order(text, text, text, text, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function
public.transfer_purchase(uuid, text, text, text, text, boolean),
public.transfer_order(text, text, text, text, text, boolean)
to authenticated, service_role;
