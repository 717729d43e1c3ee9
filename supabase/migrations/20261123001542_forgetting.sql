-- Striking a person out. What stays of them is ids, times and products, the row in the audit log
-- that says that somebody was forgotten, and the hash by which later webhooks of what they bought
-- until then are kept from bringing them back.

-- Locks what is to be struck out, in the order in which events do it: the orders, the addresses,
-- the accounts, the purchases, the messages. While this waits for the addresses, an event may
-- bring another order of theirs: what was locked is let go, and it begins anew. An event that comes
-- to the addresses after this finds the person erased.
create function thetis.lock_to_forget(p_email text, p_order_ids text[])
returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_order_ids text[];
    v_ids uuid[];
    v_owner_ids uuid[];
begin
    loop
        begin
            v_order_ids := thetis.orders_of_address(p_email) || p_order_ids;
            perform thetis.lock_orders(v_order_ids, now());
            perform thetis.lock_emails(
                array(
                    select address.email
                    from thetis.orders
                    cross join lateral (
                        values (orders.email), (orders.holder_email)
                    ) as address (email)
                    where orders.shopify_order_id = any(v_order_ids)
                )
                || array(
                    select stored.shopify_customer_email from public.purchases as stored
                    where stored.shopify_order_id = any(v_order_ids)
                )
                || p_email
            );
            if not (thetis.orders_of_address(p_email) <@ v_order_ids) then
                raise exception 'one more order' using errcode = 'TH099';
            end if;
            exit;
        exception when sqlstate 'TH099' then
            null;
        end;
    end loop;

    v_ids := array(
        select stored.id from public.purchases as stored
        where
            stored.shopify_order_id = any(v_order_ids) or stored.shopify_customer_email = p_email
    );
    v_owner_ids := array(
        select users.id from auth.users
        where
            users.id in (
                select stored.user_id from public.purchases as stored where stored.id = any(v_ids)
            )
        order by users.id
        for key share
    ) || thetis.owner_of(p_email);
    perform thetis.lock_holders(v_owner_ids);
    perform from public.purchases as stored where stored.id = any(v_ids)
    order by stored.id
    for update;
    perform from thetis.notifications as message
    where
        message.shopify_order_id = any(v_order_ids)
        or (message.email = p_email and message.email <> '')
    order by message.id
    for update;
    return v_order_ids;
end;
$$;

-- Has Knock delete whoever it knows by this address, once nothing that was being sent can arrive
-- any more. The runs that may go on are named, to be stopped before that: Knock does not say that
-- they end with the person.
create function thetis.enqueue_forgetting(p_email text, p_message_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.notifications (kind, payload, due_at)
    select
        'forget_recipient',
        jsonb_build_object(
            'email', p_email,
            'runs', coalesce(
                jsonb_agg(
                    distinct jsonb_build_object(
                        'order_id', message.shopify_order_id, 'run', message.run
                    )
                ) filter (
                    where not exists (
                        select from thetis.notifications as cancellation
                        where
                            cancellation.kind = 'post_purchase_cancel'
                            and cancellation.shopify_order_id = message.shopify_order_id
                            and cancellation.run = message.run
                            and cancellation.email = message.email
                            and cancellation.status = 'sent'
                    )
                ),
                '[]'
            )
        ),
        greatest(
            now(),
            max(coalesce(message.leased_until, message.settled_at)) + thetis.cancellation_delay()
        )
    from thetis.notifications as message
    where
        message.id = any(p_message_ids)
        and message.email = p_email
        and message.kind = 'post_purchase'
        and message.uncertain_since is not null;
end;
$$;

-- Empties these messages. What waited to be sent is withdrawn, and so is what was given up: nobody
-- has to look at it any more. An update goes with the last run that it could be for.
create function thetis.erase_messages(p_ids uuid[], p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications as message
    set
        payload = '{}',
        resend_reason = null,
        last_error = null,
        status = case message.status when 'sent' then 'sent' else 'skipped' end,
        settled_at = coalesce(message.settled_at, now())
    where message.id = any(p_ids);

    update thetis.email_deliveries as delivery set reason = null
    where delivery.notification_id = any(p_ids) and delivery.reason is not null;

    update thetis.notifications as message
    set status = 'skipped', settled_at = now()
    where
        message.shopify_order_id = any(p_order_ids)
        and message.kind = 'post_purchase_update'
        and message.status = 'pending'
        and not exists (
            select from thetis.open_runs
            where open_runs.shopify_order_id = message.shopify_order_id
        );
end;
$$;

-- Empties the rows of the old table's ledger, and returns how many.
create function thetis.erase_enrollments(p_email text, p_purchase_ids uuid[])
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids bigint[] := array(
        select copied.id from thetis.copied_enrollments_of(p_email, p_purchase_ids) as copied
    );
begin
    if cardinality(v_ids) > 0 then
        execute
            'update thetis.copied_enrollments set enrollment = jsonb_build_object('
            '''id'', enrollment -> ''id'', ''erased_at'', now()), note = null where id = any($1)'
        using v_ids;
    end if;
    return cardinality(v_ids);
end;
$$;

-- Strikes out this address, and what these orders hold of whoever bought them; either may be
-- missing. Returns what forget_customer answers.
create function thetis.forget(
    p_operator text, p_reason text, p_email text, p_order_ids text[]
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_order_ids text[];
    v_emails text[];
    v_ids uuid[];
    v_message_ids uuid[];
    v_audit_ids bigint[];
    v_is_new boolean;
    v_email text;
    v_counts jsonb;
    v_answer jsonb;
    v_total bigint;
begin
    if to_regclass('public.enrollments') is not null then
        raise exception 'the old table enrollments is still there: finish the cut-over first'
        using errcode = 'TH005';
    end if;
    v_order_ids := thetis.lock_to_forget(p_email, p_order_ids);
    v_emails := array(
        select orders.email from thetis.orders
        where orders.shopify_order_id = any(p_order_ids) and orders.email <> ''
        union
        select p_email where p_email is not null
    );
    v_ids := array(
        select stored.id from public.purchases as stored
        where
            stored.shopify_customer_email = p_email
            or (
                stored.shopify_order_id = any(p_order_ids)
                and stored.shopify_customer_email = any(v_emails)
            )
    );
    v_message_ids := array(
        select message.id from thetis.notifications as message
        where
            message.email <> ''
            and message.kind <> 'forget_recipient'
            and (
                message.email = p_email
                or (
                    message.shopify_order_id = any(p_order_ids) and message.email = any(v_emails)
                )
            )
    );
    v_audit_ids := array(
        select told.id from thetis.audit_rows_of(p_email, p_order_ids) as told
    );
    v_counts := jsonb_build_object(
        'orders', (
            select count(*) from thetis.orders
            where
                orders.shopify_order_id = any(v_order_ids)
                and (
                    orders.email = p_email
                    or orders.transferred_to = p_email
                    or (orders.shopify_order_id = any(p_order_ids) and orders.erased_at is null)
                )
        ),
        'purchases', cardinality(v_ids),
        'overrides', (
            select count(*) from thetis.overrides as override
            where override.transferred_to = any(v_emails)
        ),
        'notifications', cardinality(v_message_ids),
        'email_deliveries', (
            select count(*) from thetis.email_deliveries as delivery
            where delivery.notification_id = any(v_message_ids) and delivery.reason is not null
        ),
        'privacy_requests', (
            select count(*) from thetis.privacy_requests as asked where asked.email = p_email
        ),
        'proven_addresses', (
            select count(*) from thetis.proven_addresses as proven where proven.email = p_email
        ),
        'claim_codes', (
            select count(*) from thetis.claim_codes as code where code.email = p_email
        ),
        'audit_log', cardinality(v_audit_ids)
    );
    v_answer := jsonb_build_object(
        'action', 'forget',
        'account', thetis.confirmed_user_id(p_email),
        'keeps_access', (
            select
                coalesce(
                    jsonb_agg(
                        jsonb_build_object(
                            'product', stored.product_slug, 'user_id', stored.user_id
                        )
                        order by stored.purchased_at, stored.id
                    ),
                    '[]'
                )
            from public.purchases as stored
            where
                stored.id = any(v_ids)
                and stored.status = 'active'
                and (stored.expires_at is null or stored.expires_at > now())
                and stored.user_id is not null
                and not thetis.is_deleted_account(stored.user_id)
        ),
        'loses_access', (
            select
                coalesce(
                    jsonb_agg(
                        jsonb_build_object(
                            'product', stored.product_slug,
                            'order_number', stored.shopify_order_number
                        )
                        order by stored.purchased_at, stored.id
                    ),
                    '[]'
                )
            from public.purchases as stored
            where
                stored.id = any(v_ids)
                and stored.status = 'active'
                and (stored.expires_at is null or stored.expires_at > now())
                and stored.user_id is null
        ),
        'withdrawn', (
            select coalesce(jsonb_agg(message.kind order by message.kind), '[]')
            from thetis.notifications as message
            where message.id = any(v_message_ids) and message.status = 'pending'
        )
    );

    -- From here on it is gone.
    update thetis.notifications as message set resend_reason = null
    where
        message.resend_reason is not null
        and message.id::text in (
            select told.after ->> 'message' from thetis.audit_log as told
            where told.id = any(v_audit_ids)
        );
    update thetis.audit_log as told
    set email = null, reason = null, before = null, after = null, erased_at = now()
    where told.id = any(v_audit_ids);
    delete from thetis.proven_addresses as proven where proven.email = p_email;
    delete from thetis.claim_codes as code where code.email = p_email;
    update thetis.privacy_requests as asked
    set email = null, answered_at = coalesce(asked.answered_at, now())
    where asked.email = p_email;
    v_counts := v_counts || jsonb_build_object(
        'copied_enrollments', thetis.erase_enrollments(p_email, v_ids),
        'rejected_webhooks', thetis.erase_rejected_webhooks(p_email, p_order_ids)
    );
    v_total := (select sum(counted.value::bigint) from jsonb_each_text(v_counts) as counted);

    update thetis.orders
    set
        email = case
            when orders.email = p_email or orders.shopify_order_id = any(p_order_ids) then null
            else orders.email
        end,
        transferred_to = case
            when
                orders.transferred_to = p_email
                or (
                    orders.shopify_order_id = any(p_order_ids)
                    and orders.transferred_to = any(v_emails)
                )
                then ''
            else orders.transferred_to
        end,
        erased_at = case
            when orders.email = p_email or orders.shopify_order_id = any(p_order_ids)
                then coalesce(orders.erased_at, now())
            else orders.erased_at
        end
    where
        orders.shopify_order_id = any(v_order_ids)
        and (
            orders.email = p_email
            or orders.transferred_to = p_email
            or orders.shopify_order_id = any(p_order_ids)
        );
    update thetis.orders set has_address_conflict = false
    where
        orders.shopify_order_id = any(v_order_ids)
        and orders.has_address_conflict
        and orders.holder_email is null;

    update thetis.overrides as override set transferred_to = ''
    where
        override.transferred_to = p_email
        or (override.purchase_id = any(v_ids) and override.transferred_to = any(v_emails));
    insert into thetis.overrides as existing (purchase_id, is_revoked)
    select stored.id, true from public.purchases as stored
    where
        stored.id = any(v_ids)
        and stored.user_id is null
        and (
            stored.status = 'active'
            -- a chargeback may be won, and this is to stay
            or exists (
                select from thetis.charged_back_purchases as ended
                where ended.purchase_id = stored.id
            )
        )
    on conflict (purchase_id) do update set is_revoked = true;
    update public.purchases as stored
    set
        shopify_customer_email = '',
        status = case
            when stored.user_id is null and stored.status = 'active' then 'cancelled'
            else stored.status
        end
    where stored.id = any(v_ids);
    perform thetis.refresh_expiry(null, v_emails);

    if p_email is not null then
        insert into thetis.erased_addresses as existing (address_hash, erased_at)
        values (thetis.address_hash(p_email), now())
        on conflict (address_hash) do update set erased_at = excluded.erased_at
        returning existing.xmax = 0 into v_is_new;
    end if;
    if v_total > 0 or v_is_new then
        foreach v_email in array v_emails loop
            if
                v_email = p_email
                or not exists (
                    select from thetis.orders where orders.holder_email = v_email
                    union all
                    select from public.purchases as other
                    where other.shopify_customer_email = v_email
                )
            then
                perform thetis.enqueue_forgetting(v_email, v_message_ids);
            end if;
        end loop;
        perform thetis.erase_messages(v_message_ids, v_order_ids);
        insert into thetis.audit_log (operator, action, reason, after)
        values (
            p_operator,
            'forget',
            case
                when p_email is null then p_reason
                else regexp_replace(p_reason, thetis.address_pattern(p_email), '[address]', 'gi')
            end,
            v_counts
        );
    end if;
    return v_answer || jsonb_build_object(
        'outcome', case when v_total > 0 or v_is_new then 'done' else 'unchanged' end,
        'counts', v_counts
    );
end;
$$;

-- Forgets a person: strikes their address and all that is known of them out of everything that is
-- kept, and has Knock do the same. It cannot be undone. Their account at Supabase Auth is not ours
-- to delete. Of what they bought:
--   keeps_access  [{product, user_id}]         an account owns it, and keeps it
--   loses_access  [{product, order_number}]    nobody owns it, and it ends
-- Returns these two and {action, outcome: done | unchanged, dry_run, account, withdrawn: [kind],
-- counts: {table: rows}}. With dry_run, what would become of it.
-- An order that was bought until now brings nothing back, whenever it comes. Safe to call again.
create function public.forget_customer(
    address text, reason text, operator text default null, dry_run boolean default false
)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(forget_customer.operator, true);
    v_reason text := thetis.stated_reason(forget_customer.reason);
    v_email text := thetis.held_address(forget_customer.address);
    v_answer jsonb;
begin
    begin
        v_answer := thetis.forget(v_operator, v_reason, v_email, '{}');
        if forget_customer.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_answer || jsonb_build_object('dry_run', forget_customer.dry_run);
end;
$$;

-- Privileges

revoke all on function thetis.lock_to_forget(text, text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.enqueue_forgetting(text, uuid[])
from public, anon, authenticated, service_role;
revoke all on function thetis.erase_messages(uuid[], text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.erase_enrollments(text, uuid[])
from public, anon, authenticated, service_role;
revoke all on function thetis.forget(text, text, text, text[])
from public, anon, authenticated, service_role;
revoke all on function public.forget_customer(text, text, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function public.forget_customer(text, text, text, boolean)
to authenticated, service_role;
