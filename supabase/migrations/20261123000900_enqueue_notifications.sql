-- Which notification a change of purchases puts into the outbox, or takes out of it.

-- What each order's notifications have to tell as things stand: the facts, from which the service
-- makes what a provider's API wants. No row where there is nothing to tell.
--   post_purchase   {order_id, order_number, email, products, categories}: what of it is active
--   course_access   {order_number, email, has_account, courses: [{slug, name}]}; `has_account`:
--                   whoever reads the email finds the courses in their account already
-- noqa: disable=LT02
create view thetis.notification_payloads
with (security_invoker = true) as
select
    ordered.shopify_order_id,
    told.kind,
    told.payload
from thetis.orders as ordered
cross join lateral (
    select
        jsonb_agg(distinct stored.product_slug) as products,
        jsonb_agg(distinct coalesce(product.category, 'other')) as categories,
        jsonb_agg(distinct jsonb_build_object('slug', product.slug, 'name', product.name))
        filter (where product.category = 'course') as courses,
        bool_and(thetis.is_address_of(stored.user_id, ordered.email))
        filter (where product.category = 'course') as has_account
    from public.purchases as stored
    left join public.products as product on stored.product_slug = product.slug
    where stored.shopify_order_id = ordered.shopify_order_id and stored.status = 'active'
) as bought
cross join lateral (
    values
    (
        'post_purchase',
        case
            when bought.products is not null then jsonb_build_object(
                'order_id', ordered.shopify_order_id,
                'order_number', ordered.order_number,
                'email', ordered.email,
                'products', bought.products,
                'categories', bought.categories
            )
        end
    ),
    (
        'course_access',
        case
            when bought.courses is not null then jsonb_build_object(
                'order_number', ordered.order_number,
                'email', ordered.email,
                'has_account', bought.has_account,
                'courses', bought.courses
            )
        end
    )
) as told (kind, payload)
where ordered.email is not null and told.payload is not null;
-- noqa: enable=LT02

-- Enqueues what is to be told of newly active purchases: each kind once per order, whatever is
-- told later. One that nobody has tried to send yet is brought up to date instead. One that was
-- withdrawn is pending again: if somebody tried to send it, exactly as it was, since it may have
-- arrived; but no trigger after its cancellation was tried, which could not be repeated.
-- A historic order causes none.
create function thetis.enqueue_notifications(p_changes thetis.purchase_change[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.notifications as existing (kind, shopify_order_id, payload, is_test)
    select told.kind, told.shopify_order_id, told.payload, orders.is_test
    from (
        select
            change.shopify_order_id,
            bool_or(product.category = 'course') as has_course
        from unnest(p_changes) as change
        left join public.products as product on change.product_slug = product.slug
        where change.became = 'active' and change.was is distinct from 'active'
        group by change.shopify_order_id
    ) as granted
    inner join thetis.orders on granted.shopify_order_id = orders.shopify_order_id
    inner join thetis.notification_payloads as told
        on granted.shopify_order_id = told.shopify_order_id
    where
        orders.is_historic is not true
        and (told.kind = 'post_purchase' or granted.has_course)
    on conflict (shopify_order_id, kind) do update set
        payload = case existing.attempts when 0 then excluded.payload else existing.payload end,
        status = excluded.status,
        due_at = greatest(excluded.due_at, existing.leased_until),
        enqueued_at = excluded.enqueued_at,
        settled_at = null
    where
        (existing.status = 'pending' and existing.attempts = 0)
        or (
            existing.status = 'skipped'
            and not exists (
                select from thetis.notifications as cancellation
                where
                    existing.kind = 'post_purchase'
                    and cancellation.shopify_order_id = existing.shopify_order_id
                    and cancellation.kind = 'post_purchase_cancel'
                    and cancellation.attempts > 0
            )
        );
end;
$$;

-- After a loss or a corrected address: a notification that nobody has tried to send yet tells what
-- is true now, and one that has lost its reason is withdrawn.
create function thetis.refresh_pending_notifications(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications as waiting
    set
        payload = case waiting.attempts
            when 0 then coalesce(told.payload, waiting.payload)
            else waiting.payload
        end,
        status = case when told.payload is null then 'skipped' else waiting.status end,
        settled_at = case when told.payload is null then now() end
    from (
        select pending.id, pending.shopify_order_id, pending.kind
        from thetis.notifications as pending
        where
            pending.shopify_order_id = any(p_order_ids)
            and pending.kind in ('post_purchase', 'course_access')
            and pending.status = 'pending'
        order by pending.id
        for update
    ) as locked
    left join lateral (
        select current.payload from thetis.notification_payloads as current
        where
            current.shopify_order_id = locked.shopify_order_id and current.kind = locked.kind
        limit 1  -- keeps the planner from reading the payloads of all orders
    ) as told on true
    where waiting.id = locked.id;
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

-- When nothing of an order is active any more, its workflow must stop: no crutch tips and no
-- review request for what was sent back. Only if the trigger was ever handed to a sender. While
-- the trigger is leased it may still be on its way, so the delay begins at the end of the lease.
-- When something is active again (the order was edited, or an earlier edit is told late), a
-- cancellation that was not sent yet is withdrawn.
create function thetis.refresh_cancellations(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_lost text[] := array(
        select distinct given.shopify_order_id
        from unnest(p_order_ids) as given (shopify_order_id)
        where (  -- not as a join, for which the planner might read all that is active
            select true from public.purchases as kept
            where kept.shopify_order_id = given.shopify_order_id and kept.status = 'active'
            limit 1
        ) is null
    );
begin
    update thetis.notifications as waiting
    set status = 'skipped', settled_at = now()
    where
        waiting.shopify_order_id = any(p_order_ids)
        and waiting.shopify_order_id <> all(v_lost)
        and waiting.kind = 'post_purchase_cancel'
        and waiting.status = 'pending';

    insert into thetis.notifications as existing (
        kind, shopify_order_id, payload, is_test, due_at
    )
    select
        'post_purchase_cancel',
        started.shopify_order_id,
        jsonb_build_object(
            'order_id', started.shopify_order_id, 'email', started.payload -> 'email'
        ),
        started.is_test,
        greatest(
            now(),
            coalesce(started.leased_until, started.settled_at) + thetis.cancellation_delay()
        )
    from thetis.notifications as started
    where
        started.shopify_order_id = any(v_lost)
        and started.kind = 'post_purchase'
        and started.attempts > 0
    on conflict (shopify_order_id, kind) do update set
        status = excluded.status,
        due_at = excluded.due_at,
        enqueued_at = excluded.enqueued_at,
        settled_at = null
    where existing.status = 'skipped';
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
    v_changed boolean := cardinality(p_refreshed.changes) > 0;
begin
    if p_refreshed.had_purchases then
        -- In the order in which settle_notifications locks them.
        perform from thetis.notifications
        where notifications.shopify_order_id = any(p_order_ids)
        order by notifications.id
        for update;
    end if;

    if v_changed and p_refreshed.has_new_orders then
        perform thetis.enqueue_notifications(p_refreshed.changes);
    end if;
    if p_refreshed.had_purchases then
        perform thetis.refresh_pending_notifications(p_order_ids);
        perform thetis.refresh_cancellations(p_order_ids);
    end if;
end;
$$;

-- Privileges

revoke all on table thetis.notification_payloads from public, anon, authenticated, service_role;
revoke all on function thetis.enqueue_notifications(thetis.purchase_change[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_pending_notifications(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.cancellation_delay()
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_cancellations(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.refresh_notifications(text[], thetis.refreshed)
from public, anon, authenticated, service_role;
