-- Looking after messages: what `thetis messages` calls. To send one again by hand is safe in two
-- cases. If it certainly reached nobody, a new message takes its place, with present facts. If
-- nobody knows, the same is repeated with its key, for as long as the provider remembers that.
-- Everything else is a new message, which somebody has to ask for, with a reason.

-- The ids of the orders that these words mean: a Shopify order id, or the number that the customer
-- knows, with or without its #.
create function thetis.find_orders(p_order text)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select orders.shopify_order_id from thetis.orders
        where orders.shopify_order_id = p_order or orders.order_number = ltrim(p_order, '#')
        order by orders.shopify_order_id
    );
end;
$$;

-- Notifications, the latest first: those of an order, or else all of a status.
-- `before_id`: only what was enqueued before that one; in pages, since the API hands out a thousand
-- rows at most. What else is known of them is looked up for the rows of a page alone: a join, made
-- before the limit, reads all orders there are.
create function public.list_notifications(
    order_name text default null,
    state text default 'dead',
    before_id uuid default null,
    max_count integer default 100
)
returns table (
    id uuid, kind text, status text, shopify_order_id text, order_number text, email text,
    attempts integer, enqueued_at text, due_at text, settled_at text, last_error text,
    delivery text, delivery_reason text
)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = 'force_custom_plan'  -- one plan for every question reads everything
as $$
#variable_conflict use_column
declare
    v_order_ids text[] := thetis.find_orders(list_notifications.order_name);
    v_before record;
begin
    if list_notifications.order_name is null and list_notifications.state is null then
        raise exception 'messages: say of which order, or of which status' using errcode = 'TH004';
    end if;

    select enqueued_at, id into v_before
    from thetis.notifications as earlier where earlier.id = list_notifications.before_id;

    return query
    select
        listed.id,
        listed.kind,
        listed.status,
        listed.shopify_order_id,
        (
            select orders.order_number from thetis.orders
            where orders.shopify_order_id = listed.shopify_order_id
        ),
        listed.email,
        listed.attempts,
        date_trunc('second', listed.enqueued_at)::text,
        date_trunc('second', listed.due_at)::text,
        date_trunc('second', listed.settled_at)::text,
        listed.last_error,
        delivery.state::text,
        delivery.reason
    from (
        select stored.*
        from thetis.notifications as stored
        where
            (list_notifications.order_name is null or stored.shopify_order_id = any(v_order_ids))
            and (list_notifications.state is null or stored.status = list_notifications.state)
            and (
                list_notifications.before_id is null
                or (stored.enqueued_at, stored.id) < (v_before.enqueued_at, v_before.id)
            )
        order by stored.enqueued_at desc, stored.id desc
        limit list_notifications.max_count
    ) as listed
    left join lateral (
        select told.state, told.reason from thetis.email_deliveries as told
        where told.notification_id = listed.id
        limit 1
    ) as delivery on true
    order by listed.enqueued_at desc, listed.id desc;
end;
$$;

-- All that is stored of one, as JSON, but for a code; null if there is none.
create function public.get_notification(notification_id uuid)
returns jsonb
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return (
        select to_jsonb(stored) || jsonb_build_object(
            'payload', stored.payload - 'code', 'delivery', to_jsonb(delivery)
        )
        from thetis.notifications as stored
        left join thetis.email_deliveries as delivery on stored.id = delivery.notification_id
        where stored.id = get_notification.notification_id
    );
end;
$$;

-- Locks the orders of these notifications and then all that the orders have, in the order in which
-- events do it.
create function thetis.lock_messages(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from thetis.orders where orders.shopify_order_id = any(p_order_ids)
    order by orders.shopify_order_id
    for update;
    perform from thetis.notifications where notifications.shopify_order_id = any(p_order_ids)
    order by notifications.id
    for update;
end;
$$;

-- Has it still a reason to be sent?
create function thetis.has_reason(p_message thetis.notifications)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case p_message.kind
        when 'post_purchase_cancel' then not exists (
            select from thetis.named_purchases as named
            where
                named.shopify_order_id = p_message.shopify_order_id
                and named.kind = 'post_purchase'
                and named.run = p_message.run
                and named.email = p_message.email
                and named.is_live
        )
        when 'post_purchase_update' then not exists (
            select from thetis.notifications as newer
            where
                newer.shopify_order_id = p_message.shopify_order_id
                and newer.kind = p_message.kind
                and newer.enqueued_at > p_message.enqueued_at
        )
        when 'forget_recipient' then p_message.email <> ''
        else exists (
            select from thetis.live_purchases as live
            where live.id = any(p_message.purchase_ids) and live.email = p_message.email
        )
    end;
end;
$$;

-- Did somebody have it sent again since? Then that message stands for it, even one that was given
-- up: retried as well, the two would tell the customer the same twice.
create function thetis.was_resent(p_message thetis.notifications)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from thetis.notifications as later
        where
            later.shopify_order_id = p_message.shopify_order_id
            and later.kind = p_message.kind
            and later.email = p_message.email
            and later.resend_of is not null
            and later.enqueued_at > p_message.enqueued_at
            and later.purchase_ids && p_message.purchase_ids
            and (later.status <> 'skipped' or later.uncertain_since is not null)
    );
end;
$$;

-- Why it cannot be retried, in words; null if it can. A resent message is not renewed from what is
-- true now, as others are that were refused, so it must be true and its run open as it stands.
create function thetis.why_no_retry(p_message thetis.notifications)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when p_message.kind = 'claim_code' then 'a code is asked for anew, by the customer'
        when p_message.status = 'sent' then 'it was sent'
        when p_message.status = 'skipped' or not thetis.has_reason(p_message)
            then 'it has lost its reason'
        when p_message.is_stripped then 'it is too old: resend it'
        when p_message.leased_until > now() then 'it is being sent'
        when thetis.was_resent(p_message) then 'it was resent since'
        when
            p_message.kind in ('post_purchase_cancel', 'post_purchase_update')
            and p_message.status = 'pending'
            and p_message.due_at > now()
            and coalesce(p_message.claimed_at <= p_message.enqueued_at, true)
            then 'it waits for what it follows to arrive, and goes out by itself'
        when
            p_message.resend_of is not null
            and p_message.uncertain_since is null
            and (
                select count(*) from thetis.live_purchases as live
                where live.id = any(p_message.purchase_ids) and live.email = p_message.email
            ) < cardinality(p_message.purchase_ids)
            then 'not all that it says is true any more: resend it'
        when p_message.uncertain_since < now() - thetis.repeatable_for(p_message.kind)
            then 'it may have arrived, and the provider no longer knows its key: resend it'
        when
            (p_message.uncertain_since is not null or p_message.resend_of is not null)
            and exists (
                select from thetis.notifications as cancellation
                where
                    p_message.kind = 'post_purchase'
                    and cancellation.kind = 'post_purchase_cancel'
                    and cancellation.shopify_order_id = p_message.shopify_order_id
                    and cancellation.run = p_message.run
                    and cancellation.email = p_message.email
                    and cancellation.attempts > 0
            ) then 'its run was cancelled: resend it'
    end;
end;
$$;

-- Tries these again now, an array of ids, be they dead or waiting, where that is safe; one row for
-- each:
--   retried, or with dry_run: would be retried
--   refused  `refusal` says why
-- What certainly reached nobody makes place for a message with present facts. `operator` is who; a
-- reason is kept if one is given.
create function public.retry_notifications(
    ids jsonb,
    dry_run boolean default false,
    operator text default null,
    reason text default null
)
returns table (id uuid, outcome text, refusal text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(retry_notifications.operator, true);
    v_ids uuid[] := array(
        select element.id::uuid from jsonb_array_elements_text(ids) as element (id)
    );
    v_renewed text[];
begin
    perform thetis.lock_messages(array(
        select chosen.shopify_order_id from thetis.notifications as chosen
        where chosen.id = any(v_ids)
    ));

    return query
    select
        given.id,
        case when stored.id is null or stored.refusal is not null then 'refused' else 'retried' end,
        case when stored.id is null then 'there is none with this id' else stored.refusal end
    from unnest(v_ids) with ordinality as given (id, place)
    left join lateral (
        select message.id, thetis.why_no_retry(message) as refusal
        from thetis.notifications as message
        where message.id = given.id
    ) as stored on true
    order by given.place;

    if retry_notifications.dry_run is not false then
        return;
    end if;

    insert into thetis.audit_log (operator, action, email, shopify_order_id, reason, after)
    select
        v_operator,
        'retry',
        -- whom Knock is to forget is not to be written down anew
        case when message.kind <> 'forget_recipient' then nullif(message.email, '') end,
        message.shopify_order_id,
        nullif(btrim(retry_notifications.reason), ''),
        jsonb_build_object('kind', message.kind, 'message', message.id)
    from thetis.notifications as message
    where message.id = any(v_ids) and thetis.why_no_retry(message) is null;

    with retried as (
        update thetis.notifications as again
        set
            status = case when chosen.is_renewed then 'skipped' else 'pending' end,
            settled_at = case when chosen.is_renewed then now() end,
            due_at = now(),
            leased_until = null
        from (
            select
                message.id,
                message.attempts > 0
                and message.uncertain_since is null
                and message.resend_of is null
                and message.kind in ('post_purchase', 'course_access') as is_renewed
            from thetis.notifications as message
            where
                message.id = any(v_ids)
                and thetis.why_no_retry(message) is null
        ) as chosen
        where again.id = chosen.id
        returning again.shopify_order_id, chosen.is_renewed
    )

    select array_agg(retried.shopify_order_id) filter (where retried.is_renewed)
    into v_renewed
    from retried;
    if v_renewed is not null then
        perform thetis.enqueue_notifications(v_renewed, true);
    end if;
end;
$$;

-- Sends again what an order's customer was told, as a new message with present facts: what messages
-- of this kind have named and is still active, to the address that it has now. One row for each
-- message; none that names nothing. `reason` is why, and must be said; `operator` is who, unless it
-- is staff, whom their token names.
--   enqueued, or with dry_run: would be enqueued
--   refused  `refusal` says why
create function public.resend_notification(
    order_name text,
    kind text,
    reason text,
    operator text default null,
    dry_run boolean default false
)
returns table (id uuid, outcome text, email text, shopify_order_id text, refusal text)
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(resend_notification.operator, true);
    v_reason text := thetis.stated_reason(resend_notification.reason);
    v_order_ids text[] := array[thetis.stated_order(resend_notification.order_name)];
begin
    if (resend_notification.kind in ('post_purchase', 'course_access')) is not true then
        raise exception 'kind: post_purchase or course_access' using errcode = 'TH004';
    end if;
    perform thetis.lock_messages(v_order_ids);

    return query
    with composed as (
        select
            told.*,
            gen_random_uuid() as new_id,
            case
                when exists (
                    select from thetis.notifications as waiting
                    where
                        waiting.shopify_order_id = told.shopify_order_id
                        and waiting.kind = told.kind
                        and waiting.email = told.email
                        and waiting.status = 'pending'
                ) then 'one is waiting to be sent already'
            end as refusal
        from thetis.compose_messages(v_order_ids, true) as told
        where told.kind = resend_notification.kind and told.is_named
    ),

    enqueued as (
        insert into thetis.notifications (
            id, kind, shopify_order_id, purchase_ids, run, payload, is_test, resend_of,
            resend_reason
        )
        select
            composed.new_id,
            composed.kind,
            composed.shopify_order_id,
            composed.purchase_ids,
            composed.run,
            composed.payload || '{"is_addition": false}',
            composed.is_test,
            (
                select named.id from thetis.notifications as named
                where
                    named.shopify_order_id = composed.shopify_order_id
                    and named.kind = composed.kind
                    and named.email = composed.email
                    and named.attempts > 0
                order by named.enqueued_at desc
                limit 1
            ),
            v_reason
        from composed
        where composed.refusal is null and resend_notification.dry_run is false
    ),

    noted as (
        insert into thetis.audit_log (
            operator, action, email, shopify_order_id, reason, after
        )
        select
            v_operator,
            'resend',
            composed.email,
            composed.shopify_order_id,
            v_reason,
            jsonb_build_object('kind', composed.kind, 'message', composed.new_id)
        from composed
        where composed.refusal is null and resend_notification.dry_run is false
    )

    select
        case when composed.refusal is null then composed.new_id end,
        case when composed.refusal is null then 'enqueued' else 'refused' end,
        composed.email,
        composed.shopify_order_id,
        composed.refusal
    from composed;

    if not found then
        return query
        select null::uuid, 'refused', null::text, v_order_ids[1],
            case
                when exists (
                    select from thetis.notifications as waiting
                    where
                        waiting.shopify_order_id = any(v_order_ids)
                        and waiting.kind = resend_notification.kind
                        and waiting.status = 'pending'
                ) then 'one is waiting to be sent already'
                else 'nothing of it that was told of is active'
            end;
    end if;
end;
$$;

-- Privileges

revoke all on function thetis.find_orders(text) from public, anon, authenticated, service_role;
revoke all on function thetis.lock_messages(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.has_reason(thetis.notifications)
from public, anon, authenticated, service_role;
revoke all on function thetis.was_resent(thetis.notifications)
from public, anon, authenticated, service_role;
revoke all on function thetis.why_no_retry(thetis.notifications)
from public, anon, authenticated, service_role;
revoke all on function public.list_notifications(text, text, uuid, integer)
from public, anon, authenticated, service_role;
grant execute on function public.list_notifications(text, text, uuid, integer) to service_role;
revoke all on function public.get_notification(uuid)
from public, anon, authenticated, service_role;
grant execute on function public.get_notification(uuid) to service_role;
revoke all on function public.retry_notifications(jsonb, boolean, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.retry_notifications(jsonb, boolean, text, text)
to service_role;
revoke all on function public.resend_notification(text, text, text, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function public.resend_notification(text, text, text, text, boolean)
to authenticated, service_role;
