-- Which notifications a change of purchases puts into the outbox, or takes out of it.
--
-- Each purchase is named once: by one post_purchase message to each address that was rightfully its
-- own, and, if it is a course, by one course_access email. What no message has named yet goes into
-- the next one. The messages of a kind, of an order and to an address stand in one of two ways:
--   untried  nobody has tried to send it: it follows the truth, and there is one at most
--   tried    it is never changed again; it stands for what it names, unless it was withdrawn and
--            certainly reached nobody
-- The triggers of an order to one address make up a run, until that is cancelled.

-- How long a message waits that adds to one before it. An edit of an order is told in several
-- webhooks, a second or two apart, and a retry of Shopify's comes after a few more: what they tell
-- goes into one message. The first message of an order waits for nothing.
create function thetis.addition_delay()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return interval '30 seconds';
end;
$$;

-- Knock may miss a cancellation in the first five seconds after its trigger.
-- https://docs.knock.app/send-notifications/canceling-workflows
create function thetis.cancellation_delay()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return interval '6 seconds';
end;
$$;

-- Withdraws what was tried and has lost its reason while it waits to be tried again. If the reason
-- comes back it is pending again, exactly as it was, since it may have arrived; but no trigger
-- after its cancellation was tried, which could not be repeated.
create function thetis.refresh_tried_messages(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications as tried
    set
        status = case when found.has_reason then 'pending' else 'skipped' end,
        settled_at = case when not found.has_reason then now() end,
        due_at = case
            when found.has_reason then greatest(now(), tried.leased_until) else tried.due_at
        end
    from (
        select
            message.id,
            exists (
                select from thetis.live_purchases as live
                where live.id = any(message.purchase_ids) and live.email = message.email
            ) as has_reason
        from thetis.notifications as message
        where
            message.shopify_order_id = any(p_order_ids)
            and message.kind in ('post_purchase', 'course_access')
            and message.attempts > 0
            and (
                message.status = 'pending'
                or (
                    message.status = 'skipped'
                    and message.uncertain_since is not null
                    and not message.is_stripped
                    and not exists (
                        select from thetis.notifications as cancellation
                        where
                            cancellation.kind = 'post_purchase_cancel'
                            and cancellation.shopify_order_id = message.shopify_order_id
                            and cancellation.run = message.run
                            and cancellation.email = message.email
                            and cancellation.attempts > 0
                    )
                )
            )
    ) as found
    where tried.id = found.id and (tried.status = 'pending') <> found.has_reason;
end;
$$;

-- When nothing that a run announced is active any more, or none of it is the recipient's, the run
-- must stop: no crutch tips and no review request for what was sent back, and nothing to a stranger
-- whose address stood in the order by mistake. Only if a trigger may have arrived. While it is
-- leased it may still be on its way, so the delay begins at the end of the lease.
-- A cancellation does not wait for an edit's payment: what is bought in exchange gets a run of its
-- own, whenever it is paid. One that was not sent yet is withdrawn when its reason is gone.
create function thetis.refresh_cancellations(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    with runs as materialized (
        select
            named.shopify_order_id,
            named.run,
            named.email,
            bool_or(named.is_live) as is_live
        from thetis.named_purchases as named
        where
            named.shopify_order_id = any(p_order_ids)
            and named.kind = 'post_purchase'
            and named.may_have_arrived
        group by named.shopify_order_id, named.run, named.email
    ),

    withdrawn as (
        update thetis.notifications as waiting
        set status = 'skipped', settled_at = now()
        from runs
        where
            waiting.shopify_order_id = runs.shopify_order_id
            and waiting.run = runs.run
            and waiting.email = runs.email
            and waiting.kind = 'post_purchase_cancel'
            and waiting.status = 'pending'
            and runs.is_live
    )

    insert into thetis.notifications as existing (
        kind, shopify_order_id, run, payload, is_test, due_at
    )
    select
        'post_purchase_cancel',
        runs.shopify_order_id,
        runs.run,
        jsonb_build_object(
            'order_id', runs.shopify_order_id, 'run', runs.run, 'email', runs.email
        ),
        started.is_test,
        greatest(now(), started.latest_at + thetis.cancellation_delay())
    from runs
    cross join lateral (
        select
            bool_or(message.is_test) as is_test,
            max(coalesce(message.leased_until, message.settled_at)) as latest_at
        from thetis.notifications as message
        where
            message.shopify_order_id = runs.shopify_order_id
            and message.run = runs.run
            and message.email = runs.email
            and message.kind = 'post_purchase'
            and message.uncertain_since is not null
    ) as started
    where not runs.is_live
    on conflict (shopify_order_id, run, email)
    where kind = 'post_purchase_cancel' and email <> ''
    do update set
        status = excluded.status,
        due_at = excluded.due_at,
        enqueued_at = excluded.enqueued_at,
        settled_at = null
    where existing.status = 'skipped';
end;
$$;

-- Enqueues a message for what no message has named yet, or brings the untried one up to date. A
-- historic order causes none, but the course email to somebody to whom it was transferred.
create function thetis.enqueue_notifications(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.notifications as existing (
        kind, shopify_order_id, purchase_ids, run, payload, is_test, due_at
    )
    select
        composed.kind,
        composed.shopify_order_id,
        composed.purchase_ids,
        composed.run,
        composed.payload,
        composed.is_test,
        now() + case
            when (composed.payload -> 'is_addition')::boolean then thetis.addition_delay()
            else interval '0'
        end
    from thetis.compose_messages(p_order_ids) as composed
    where
        not composed.is_named
        and (
            composed.is_historic is not true
            or (
                composed.kind = 'course_access'
                and thetis.was_transferred(composed.shopify_order_id, composed.purchase_ids)
            )
        )
    on conflict (shopify_order_id, kind, email)
    where
        attempts = 0 and kind in ('post_purchase', 'course_access') and resend_of is null
        and email <> ''
    do update set
        purchase_ids = excluded.purchase_ids,
        run = excluded.run,
        payload = excluded.payload,
        status = 'pending',
        due_at = case existing.status when 'pending' then existing.due_at else excluded.due_at end,
        enqueued_at = case existing.status
            when 'pending' then existing.enqueued_at else excluded.enqueued_at
        end,
        settled_at = null
    where existing.status = 'skipped' or existing.payload <> excluded.payload;
end;
$$;

-- Withdraws the untried messages that have nothing left to tell, and what a person asked to send
-- again as soon as anything of it is not true any more.
create function thetis.withdraw_untried_messages(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications as untried
    set status = 'skipped', settled_at = now()
    where
        untried.shopify_order_id = any(p_order_ids)
        and untried.kind in ('post_purchase', 'course_access')
        and untried.attempts = 0
        and untried.status = 'pending'
        and (
            select count(*) from thetis.live_purchases as live
            where live.id = any(untried.purchase_ids) and live.email = untried.email
        ) < case when untried.resend_of is null then 1 else cardinality(untried.purchase_ids) end;
end;
$$;

-- Tells a run that goes on what was lost of that which it announced: the whole list each time, so
-- that only the newest word counts. An older one that still waits for another try is withdrawn, and
-- the newer waits until it cannot be on its way any more.
create function thetis.refresh_updates(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    with wanted as materialized (
        select
            lost.shopify_order_id,
            lost.ended,
            lost.ended is distinct from coalesce(told.ended, '[]') as is_news
        from (
            select
                named.shopify_order_id,
                coalesce(
                    jsonb_agg(distinct named.purchase_id) filter (where not named.is_live), '[]'
                ) as ended
            from thetis.named_purchases as named
            inner join thetis.open_runs
                on
                    named.shopify_order_id = open_runs.shopify_order_id
                    and named.email = open_runs.email
                    and named.run = open_runs.run
            where
                named.shopify_order_id = any(p_order_ids)
                and open_runs.shopify_order_id = any(p_order_ids)
                and named.kind = 'post_purchase'
                and named.may_have_arrived
            group by named.shopify_order_id
        ) as lost
        left join lateral (
            select earlier.payload -> 'ended' as ended
            from thetis.notifications as earlier
            where
                earlier.shopify_order_id = lost.shopify_order_id
                and earlier.kind = 'post_purchase_update'
                and earlier.attempts > 0
                and earlier.status <> 'skipped'
            order by earlier.enqueued_at desc
            limit 1
        ) as told on true
    ),

    outdated as (
        update thetis.notifications as waiting
        set status = 'skipped', settled_at = now()
        from wanted
        where
            waiting.shopify_order_id = wanted.shopify_order_id
            and waiting.kind = 'post_purchase_update'
            and waiting.status = 'pending'
            and (
                (wanted.is_news and waiting.attempts > 0)
                or (not wanted.is_news and waiting.attempts = 0)
            )
    )

    insert into thetis.notifications as existing (
        kind, shopify_order_id, payload, is_test, due_at
    )
    select
        'post_purchase_update',
        wanted.shopify_order_id,
        jsonb_build_object('order_id', wanted.shopify_order_id, 'ended', wanted.ended),
        orders.is_test,
        greatest(
            now(),
            (
                select max(earlier.leased_until) from thetis.notifications as earlier
                where
                    earlier.shopify_order_id = wanted.shopify_order_id
                    and earlier.kind = 'post_purchase_update'
            )
        )
    from wanted
    inner join thetis.orders on wanted.shopify_order_id = orders.shopify_order_id
    where wanted.is_news
    on conflict (shopify_order_id) where attempts = 0 and kind = 'post_purchase_update'
    do update set
        payload = excluded.payload,
        status = excluded.status,
        due_at = greatest(existing.due_at, excluded.due_at),
        enqueued_at = excluded.enqueued_at,
        settled_at = null
    where existing.status = 'skipped' or existing.payload <> excluded.payload;
end;
$$;

-- Everything that refreshing these orders means for the outbox. Orders that had no purchase before
-- have nothing there that could be outdated, and historic ones get nothing into it.
create function thetis.refresh_notifications(p_order_ids text[], p_refreshed thetis.refreshed)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_has_messages boolean := false;
begin
    if p_refreshed.had_purchases then
        -- In the order in which settle_notifications locks them.
        perform from thetis.notifications
        where notifications.shopify_order_id = any(p_order_ids)
        order by notifications.id
        for update;
        v_has_messages := found;
    end if;

    if v_has_messages then
        perform thetis.refresh_tried_messages(p_order_ids);
        perform thetis.refresh_cancellations(p_order_ids);
    end if;
    if
        p_refreshed.has_new_orders
        and (p_refreshed.had_purchases or cardinality(p_refreshed.changes) > 0)
    then
        perform thetis.enqueue_notifications(p_order_ids);
    end if;
    if v_has_messages then
        perform thetis.withdraw_untried_messages(p_order_ids);
        perform thetis.refresh_updates(p_order_ids);
    end if;
end;
$$;

-- Privileges

revoke all on function thetis.addition_delay() from public, anon, authenticated, service_role;
revoke all on function thetis.cancellation_delay()
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_tried_messages(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_cancellations(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.enqueue_notifications(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.withdraw_untried_messages(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_updates(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_notifications(text[], thetis.refreshed)
from public, anon, authenticated, service_role;
