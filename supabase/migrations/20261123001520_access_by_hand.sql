-- Putting access right by hand: what `thetis customer` and the support desk call. Each act is a
-- fact beside Shopify's, derived into purchases at once, with what it means for the outbox and one
-- row in the audit log, all in one transaction. Said again, it changes nothing and is not written
-- again.
--
-- All take
--   reason            why; must be said
--   operator          who, unless it is staff, whom their token names
--   expected_address  the address of the person who is meant: if the purchase is not theirs, TH006
--   dry_run           only say what would change: everything is done, and undone
-- and return {action, outcome: done | unchanged, dry_run, before, after, messages}
--   before, after     [{id, product, order_number, address, user_id, status, expires_at}]
--   messages          [{kind, address, change: enqueued | withdrawn}]

-- Purchases as they are shown to operators.
create function thetis.describe_purchases(p_ids uuid[])
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', stored.id,
                        'product', stored.product_slug,
                        'order_number', stored.shopify_order_number,
                        'address', stored.shopify_customer_email,
                        'user_id', stored.user_id,
                        'status', stored.status,
                        'expires_at', stored.expires_at
                    )
                    order by stored.purchased_at, stored.id
                ),
                '[]'
            )
        from public.purchases as stored
        where stored.id = any(p_ids)
    );
end;
$$;

-- What this transaction put into the outbox of an order, and what it took out of it.
create function thetis.describe_message_changes(p_order_id text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'kind', message.kind,
                        'address', message.email,
                        'change',
                        case message.status when 'pending' then 'enqueued' else 'withdrawn' end
                    )
                    order by message.kind, message.email
                ),
                '[]'
            )
        from thetis.notifications as message
        where
            message.shopify_order_id = p_order_id
            and (
                (message.status = 'pending' and message.enqueued_at = now())
                or (message.status = 'skipped' and message.settled_at = now())
            )
    );
end;
$$;

-- Locks what an act on these purchases touches, in the order in which events do it: their order,
-- the addresses, the accounts, the purchases. All of the order's: refreshing it locks them too, and
-- would otherwise wait for an address while it holds what the address's owner waits for.
create function thetis.lock_for_act(p_order_id text, p_ids uuid[], p_to_email text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_all_ids uuid[];
    v_owner_ids uuid[];
begin
    perform from thetis.orders where orders.shopify_order_id = p_order_id for update;
    v_all_ids := p_ids || array(
        select stored.id from public.purchases as stored
        where stored.shopify_order_id = p_order_id
    );
    perform thetis.lock_emails(
        array(
            select address.email
            from public.purchases as stored
            left join thetis.orders on stored.shopify_order_id = orders.shopify_order_id
            left join thetis.overrides as override on stored.id = override.purchase_id
            cross join lateral (
                values
                (stored.shopify_customer_email), (orders.holder_email), (override.transferred_to)
            ) as address (email)
            where stored.id = any(v_all_ids)
        ) || p_to_email
    );
    v_owner_ids := array(
        select users.id from auth.users
        where
            users.id in (
                select stored.user_id from public.purchases as stored
                where stored.id = any(v_all_ids)
            )
        order by users.id
        for key share
    ) || thetis.owner_of(p_to_email) || array(
        select thetis.owner_of(named.email)
        from (
            select orders.holder_email as email from thetis.orders
            where orders.shopify_order_id = p_order_id
            union all
            select override.transferred_to from thetis.overrides as override
            where override.purchase_id = any(v_all_ids)
        ) as named
    );
    perform thetis.lock_holders(v_owner_ids);
    perform from public.purchases as stored
    where stored.id = any(v_all_ids)
    order by stored.id
    for update;
end;
$$;

-- The purchase with this id, locked for an act, if it is that person's: the one who owns it, or
-- whose address it has.
create function thetis.stated_purchase(p_id uuid, p_expected_address text, p_to_email text)
returns public.purchases
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_order_id text;
    v_purchase public.purchases;
begin
    select stored.shopify_order_id into v_order_id
    from public.purchases as stored where stored.id = p_id;
    perform thetis.lock_for_act(v_order_id, array[p_id], p_to_email);

    select stored.* into v_purchase from public.purchases as stored where stored.id = p_id;
    if v_purchase.id is null then
        raise exception 'there is no purchase %', p_id using errcode = 'TH004';
    end if;
    if
        p_expected_address is not null
        and thetis.normalised_email(p_expected_address)
        is distinct from v_purchase.shopify_customer_email
        and not thetis.is_address_of(
            v_purchase.user_id, thetis.normalised_email(p_expected_address)
        )
    then
        -- without the address: Postgres keeps what is raised in its log
        raise exception 'purchase % is not that of the expected address', p_id
        using errcode = 'TH006';
    end if;
    return v_purchase;
end;
$$;

-- Brings what hangs on an act in line with it, and writes it down.
create function thetis.conclude_act(
    p_operator text, p_action text, p_reason text, p_email text, p_order_id text, p_ids uuid[],
    p_before jsonb
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_after jsonb;
begin
    if p_order_id is not null then
        perform thetis.refresh_orders(array[p_order_id]);
    end if;
    if p_action = 'transfer' then
        -- also of a historic order, which causes no message otherwise
        perform thetis.enqueue_notifications(array[p_order_id], true);
    end if;
    v_after := thetis.describe_purchases(p_ids);
    insert into thetis.audit_log (
        operator, action, email, shopify_order_id, purchase_id, reason, before, after
    )
    values (
        p_operator, p_action, p_email, p_order_id,
        case when cardinality(p_ids) = 1 then p_ids[1] end,
        p_reason, p_before, v_after
    );
    return jsonb_build_object(
        'action', p_action,
        'outcome', 'done',
        'before', p_before,
        'after', v_after,
        'messages', thetis.describe_message_changes(p_order_id)
    );
end;
$$;

create function thetis.unchanged_act(p_action text, p_ids uuid[])
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_purchases jsonb := thetis.describe_purchases(p_ids);
begin
    return jsonb_build_object(
        'action', p_action,
        'outcome', 'unchanged',
        'before', v_purchases,
        'after', v_purchases,
        'messages', '[]'::jsonb
    );
end;
$$;

-- Takes one purchase away, whatever Shopify says of it; others of the same product stay.
create function public.revoke_purchase(
    purchase_id uuid,
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
    v_operator text := thetis.operator(revoke_purchase.operator, true);
    v_reason text := thetis.stated_reason(revoke_purchase.reason);
    v_purchase public.purchases;
    v_ids uuid[] := array[revoke_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        v_purchase := thetis.stated_purchase(
            revoke_purchase.purchase_id, revoke_purchase.expected_address, null
        );
        if exists (
            select from thetis.overrides as override
            where override.purchase_id = v_purchase.id and override.is_revoked
        ) then
            v_act := thetis.unchanged_act('revoke', v_ids);
        elsif
            v_purchase.status = 'refunded'
            or (
                v_purchase.status = 'cancelled'
                -- a chargeback may be won, and this is to stay
                and not exists (
                    select from thetis.charged_back_purchases as ended
                    where
                        ended.purchase_id = v_purchase.id
                        and (
                            ended.status_before = 'active' or v_purchase.expires_at is not null
                        )
                )
            )
            -- an old enrollment: what it was before could not be told when it is restored
            or (v_purchase.status = 'expired' and v_purchase.expires_at is null)
        then
            raise exception 'it is % already', v_purchase.status using errcode = 'TH005';
        else
            v_before := thetis.describe_purchases(v_ids);
            insert into thetis.overrides as existing (purchase_id, is_revoked)
            values (v_purchase.id, true)
            on conflict on constraint overrides_pkey do update set is_revoked = true;
            update public.purchases as stored set status = 'cancelled'
            where stored.id = v_purchase.id;
            v_act := thetis.conclude_act(
                v_operator, 'revoke', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if revoke_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', revoke_purchase.dry_run);
end;
$$;

-- Undoes a revocation: what Shopify says counts again.
create function public.restore_purchase(
    purchase_id uuid,
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
    v_operator text := thetis.operator(restore_purchase.operator, true);
    v_reason text := thetis.stated_reason(restore_purchase.reason);
    v_purchase public.purchases;
    v_ids uuid[] := array[restore_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        v_purchase := thetis.stated_purchase(
            restore_purchase.purchase_id, restore_purchase.expected_address, null
        );
        if not exists (
            select from thetis.overrides as override
            where override.purchase_id = v_purchase.id and override.is_revoked
        ) then
            v_act := thetis.unchanged_act('restore', v_ids);
        else
            v_before := thetis.describe_purchases(v_ids);
            update thetis.overrides as override set is_revoked = false
            where override.purchase_id = v_purchase.id;
            -- what is told of it is merged into this at once
            update public.purchases as stored
            set status = case when stored.expires_at <= now() then 'expired' else 'active' end
            where stored.id = v_purchase.id and stored.status = 'cancelled';
            v_act := thetis.conclude_act(
                v_operator, 'restore', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if restore_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', restore_purchase.dry_run);
end;
$$;

-- Privileges

revoke all on function thetis.describe_purchases(uuid[])
from public, anon, authenticated, service_role;
revoke all on function thetis.describe_message_changes(text)
from public, anon, authenticated, service_role;
revoke all on function thetis.lock_for_act(text, uuid[], text)
from public, anon, authenticated, service_role;
revoke all on function thetis.stated_purchase(uuid, text, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.conclude_act(text, text, text, text, text, uuid[], jsonb)
from public, anon, authenticated, service_role;
revoke all on function thetis.unchanged_act(text, uuid[])
from public, anon, authenticated, service_role;
revoke all on function
public.revoke_purchase(uuid, text, text, text, boolean),
public.restore_purchase(uuid, text, text, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function
public.revoke_purchase(uuid, text, text, text, boolean),
public.restore_purchase(uuid, text, text, text, boolean)
to authenticated, service_role;
