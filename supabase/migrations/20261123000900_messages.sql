-- What we owe whom: which message a change of purchases puts into the outbox, or takes out of it.

-- The post-purchase workflow run of an order: what of it is active, for Knock to branch on.
create function thetis.knock_trigger_payload(p_order_id text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select jsonb_build_object(
            'workflow', 'post-purchase',
            'recipient', jsonb_build_object('id', known.email, 'email', known.email),
            'cancellation_key', p_order_id,
            'data', jsonb_build_object(
                'order_number', known.order_number,
                'products_ordered', jsonb_agg(distinct bought.product_slug),
                'categories_ordered', jsonb_agg(distinct coalesce(product.category, 'other'))
            )
        )
        from thetis.orders as known
        inner join public.purchases as bought on known.shopify_order_id = bought.shopify_order_id
        left join public.products as product on bought.product_slug = product.slug
        where known.shopify_order_id = p_order_id and bought.status = 'active'
        group by known.email, known.order_number
    );
end;
$$;

revoke all on function thetis.knock_trigger_payload(text)
from public, anon, authenticated, service_role;

-- The email that tells a customer how to reach their courses; null when the order holds none.
-- `has_account`: whoever reads it finds the courses in their account already.
create function thetis.course_access_payload(p_order_id text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select jsonb_build_object(
            'to', known.email,
            'order_number', known.order_number,
            'has_account', bool_and(exists (
                select from auth.users
                where users.id = bought.user_id and users.email = known.email
            )),
            'courses', jsonb_agg(
                distinct jsonb_build_object('slug', product.slug, 'name', product.name)
            )
        )
        from thetis.orders as known
        inner join public.purchases as bought on known.shopify_order_id = bought.shopify_order_id
        inner join public.products as product on bought.product_slug = product.slug
        where
            known.shopify_order_id = p_order_id
            and bought.status = 'active'
            and product.category = 'course'
        group by known.email, known.order_number
    );
end;
$$;

revoke all on function thetis.course_access_payload(text)
from public, anon, authenticated, service_role;

-- Owes the messages for what was newly granted: once per order and kind, whatever is heard later.
-- One that nobody has tried to send yet is brought up to date instead. One that was withdrawn is
-- owed again: if somebody tried to send it, exactly as it was, since it may have arrived; but no
-- trigger after its cancellation was tried, which could not be repeated.
-- An order that was more than three days old when we first heard of it is history (a backfill, an
-- old order that somebody edits) and owes none; one that waited long for its payment still does.
create function thetis.owe_messages(p_changes thetis.purchase_change[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.notifications (kind, shopify_order_id, payload)
    select owed.kind, owed.shopify_order_id, owed.payload
    from (
        select
            due.kind,
            due.shopify_order_id,
            case due.kind
                when 'knock.trigger' then thetis.knock_trigger_payload(due.shopify_order_id)
                else thetis.course_access_payload(due.shopify_order_id)
            end as payload
        from (
            select distinct
                message.kind,
                change.shopify_order_id
            from unnest(p_changes) as change
            inner join thetis.orders as known
                on change.shopify_order_id = known.shopify_order_id
            left join public.products as product on change.product_slug = product.slug
            inner join (values ('knock.trigger'), ('resend.course_access')) as message (kind)
                on message.kind = 'knock.trigger' or product.category = 'course'
            where
                change.became = 'active'
                and change.was is distinct from 'active'
                and known.email <> ''
                and known.first_heard_at
                < coalesce(known.purchased_at, known.first_heard_at) + interval '3 days'
        ) as due
    ) as owed
    where owed.payload is not null
    on conflict (shopify_order_id, kind) do update set
        payload = case notifications.attempts
            when 0 then excluded.payload else notifications.payload
        end,
        status = excluded.status,
        due_at = greatest(excluded.due_at, notifications.leased_until),
        settled_at = null
    where
        (notifications.status = 'pending' and notifications.attempts = 0)
        or (
            notifications.status = 'skipped'
            and not exists (
                select from thetis.notifications as cancellation
                where
                    notifications.kind = 'knock.trigger'
                    and cancellation.shopify_order_id = notifications.shopify_order_id
                    and cancellation.kind = 'knock.cancel'
                    and cancellation.attempts > 0
            )
        );
end;
$$;

revoke all on function thetis.owe_messages(thetis.purchase_change[])
from public, anon, authenticated, service_role;

-- After a loss or a corrected address: a message that nobody has tried to send yet tells what is
-- true now, and one that has lost its reason is withdrawn.
create function thetis.revise_messages(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications as waiting
    set
        payload = case
            when waiting.attempts = 0 then coalesce(revised.payload, waiting.payload)
            else waiting.payload
        end,
        status = case when revised.payload is null then 'skipped' else waiting.status end,
        settled_at = case when revised.payload is null then now() end
    from (
        select
            pending.id,
            case pending.kind
                when 'knock.trigger' then thetis.knock_trigger_payload(pending.shopify_order_id)
                else thetis.course_access_payload(pending.shopify_order_id)
            end as payload
        from thetis.notifications as pending
        where
            pending.shopify_order_id = any(p_order_ids)
            and pending.kind in ('knock.trigger', 'resend.course_access')
            and pending.settled_at is null
        for update
    ) as revised
    where waiting.id = revised.id;
end;
$$;

revoke all on function thetis.revise_messages(text[])
from public, anon, authenticated, service_role;

-- When nothing of an order is active any more, its workflow run must stop: no crutch tips and no
-- review request for what was sent back. Only if the trigger was ever handed to a sender, and not
-- within six seconds of it: Knock may miss a cancellation in the first five. While the trigger is
-- leased it may still be on its way, so the wait begins at the end of the lease.
create function thetis.owe_cancellations(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.notifications (kind, shopify_order_id, payload, due_at)
    select
        'knock.cancel',
        started.shopify_order_id,
        jsonb_build_object(
            'workflow', started.payload -> 'workflow',
            'recipients', jsonb_build_array(started.payload -> 'recipient' -> 'id'),
            'cancellation_key', started.payload -> 'cancellation_key'
        ),
        greatest(
            now(), coalesce(started.leased_until, started.settled_at) + interval '6 seconds'
        )
    from thetis.notifications as started
    where
        started.shopify_order_id = any(p_order_ids)
        and started.kind = 'knock.trigger'
        and started.attempts > 0
        and not exists (
            select from public.purchases as kept
            where kept.shopify_order_id = started.shopify_order_id and kept.status = 'active'
        )
    on conflict (shopify_order_id, kind) do update set
        status = excluded.status, due_at = excluded.due_at, settled_at = null
    where notifications.status = 'skipped';
end;
$$;

revoke all on function thetis.owe_cancellations(text[])
from public, anon, authenticated, service_role;

-- When something of an order is active again (it was edited, or we hear of an earlier edit late),
-- a cancellation that was not sent yet must not stop its run.
create function thetis.withdraw_cancellations(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications as waiting
    set status = 'skipped', settled_at = now()
    where
        waiting.shopify_order_id = any(p_order_ids)
        and waiting.kind = 'knock.cancel'
        and waiting.settled_at is null
        and exists (
            select from public.purchases as kept
            where kept.shopify_order_id = waiting.shopify_order_id and kept.status = 'active'
        );
end;
$$;

revoke all on function thetis.withdraw_cancellations(text[])
from public, anon, authenticated, service_role;

-- Everything that a change of purchases means for the outbox.
create function thetis.update_messages(p_changes thetis.purchase_change[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_revised text[] := array(
        select distinct change.shopify_order_id
        from unnest(p_changes) as change
        where change.was is not null
    );
begin
    perform thetis.owe_messages(p_changes);
    perform thetis.withdraw_cancellations(
        array(select distinct change.shopify_order_id from unnest(p_changes) as change)
    );
    if cardinality(v_revised) > 0 then
        perform thetis.revise_messages(v_revised);
        perform thetis.owe_cancellations(v_revised);
    end if;
end;
$$;

revoke all on function thetis.update_messages(thetis.purchase_change[])
from public, anon, authenticated, service_role;
