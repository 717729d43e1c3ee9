-- The outbox: whatever a customer is to be sent is a row here, written in the same transaction as
-- the purchase that caused it. A worker claims what is due, sends it, and settles it.

create table thetis.notifications (
    id uuid primary key default gen_random_uuid(),
    kind text not null
    constraint kind_is_known check (
        kind in (
            'post_purchase',         -- start the workflow that follows an order
            'post_purchase_update',  -- tell it what of the order was lost since
            'post_purchase_cancel',  -- stop it
            'course_access',         -- the email that says how to reach the courses
            'claim_code',            -- the code by which a user proves another address
            'forget_recipient'       -- delete the person whom Knock knows by this address
        )
    ),
    provider text not null generated always as (
        case when kind in ('course_access', 'claim_code') then 'resend' else 'knock' end
    ) stored,
    shopify_order_id text
    constraint order_unless_about_an_address check (
        (kind in ('forget_recipient', 'claim_code')) = (shopify_order_id is null)
    ),
    payload jsonb not null,
    email text not null generated always as (coalesce(payload ->> 'email', '')) stored,
    purchase_ids uuid[] not null default '{}',
    run integer,
    resend_of uuid,
    resend_reason text,
    is_test boolean not null default false,
    status text not null default 'pending'
    constraint status_is_known check (
        status in (
            'pending',  -- to be sent at due_at, or claimed until leased_until
            'sent',     -- the provider took it
            'skipped',  -- its reason was gone before it was sent; pending again if that returns
            'dead'      -- given up: last_error says why, and a person has to look
        )
    ),
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    claimed_at timestamptz,
    leased_until timestamptz,
    uncertain_since timestamptz,
    last_error text,
    provider_message_id text,
    enqueued_at timestamptz not null default now(),
    settled_at timestamptz,
    is_stripped boolean not null default false,
    constraint settled_unless_pending check ((status = 'pending') = (settled_at is null)),
    constraint no_code_once_settled check (status = 'pending' or not payload ? 'code')
);

comment on column thetis.notifications.id is
'Also the idempotency key at the provider: a second try of the same row is the same message.';
comment on column thetis.notifications.payload is
'What there is to tell. Never changed after the first attempt: a retry must be identical. Empty
once the person was erased.';
comment on column thetis.notifications.email is
'To whom; empty where a kind addresses nobody, and where the person was erased.';
comment on column thetis.notifications.purchase_ids is
'The purchases that it names. Each is named once to an address, by the messages of a kind.';
comment on column thetis.notifications.run is
'The series of post_purchase messages of its order that it belongs to, counted from 1. What comes
after a cancellation is of another run, so that the cancellation cannot end it.';
comment on column thetis.notifications.resend_of is
'The one that a person asked to send again, for resend_reason.';
comment on column thetis.notifications.provider_message_id is
'The provider''s own name for what it took.';
comment on column thetis.notifications.is_test is
'Of a test order: sent like any other, and left out of figures.';
comment on column thetis.notifications.is_stripped is
'So old that its payload tells only what later messages follow from. It is not sent any more.';
comment on column thetis.notifications.due_at is
'When to send; moved forward by a lease and by every retry.';
comment on column thetis.notifications.uncertain_since is
'The first attempt of which nobody knows whether the provider took it.';

-- Not with the kind, by which alone a plan made for an empty table would look.
create index notifications_order on thetis.notifications (shopify_order_id);
-- Who asks what is held of them names no order.
create index notifications_email on thetis.notifications (email) where email <> '';
-- What nobody has tried to send yet is brought up to date, not added to.
create unique index notifications_untried_message
on thetis.notifications (shopify_order_id, kind, email)
where
attempts = 0 and kind in ('post_purchase', 'course_access') and resend_of is null
and email <> '';
create unique index notifications_untried_update on thetis.notifications (shopify_order_id)
where attempts = 0 and kind = 'post_purchase_update';
create unique index notifications_one_cancellation
on thetis.notifications (shopify_order_id, run, email)
where kind = 'post_purchase_cancel' and email <> '';

-- The conditions of these two differ, so that no guess at how many rows are pending, which is
-- always out of date, makes the planner serve one purpose with the other's index.
create index notifications_due on thetis.notifications (provider, due_at)
where status = 'pending';
create index notifications_uncertain on thetis.notifications (uncertain_since)
where status = 'pending' and uncertain_since is not null;
create index notifications_prunable on thetis.notifications (settled_at)
where settled_at is not null and not is_stripped;
create index notifications_dead on thetis.notifications (provider)
where status = 'dead';
create index notifications_codes on thetis.notifications (id)
where kind = 'claim_code' and status in ('pending', 'dead');

-- For how long an attempt may be repeated after one of which nobody knows the outcome. Providers
-- remember an idempotency key for 24 hours: sent again later, a message would come twice. To stop
-- a workflow again, to tell it the same, or to delete somebody again changes nothing, so that goes
-- on for as long as the workflow may run.
create function thetis.repeatable_for(p_kind text)
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case p_kind
        when 'post_purchase_cancel' then interval '14 days'
        when 'post_purchase_update' then interval '14 days'
        when 'forget_recipient' then interval '14 days'
        else interval '23 hours'
    end;
end;
$$;

-- Gives up what can no longer be repeated safely.
create function thetis.expire_stale_notifications()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications
    set
        status = 'dead',
        settled_at = now(),
        last_error = concat_ws(
            ' ',
            'gave up: not accepted within',
            extract(epoch from thetis.repeatable_for(kind))::integer / 3600,
            'hours.',
            last_error
        )
    where id in (
        select stale.id
        from thetis.notifications as stale
        where
            stale.status = 'pending'
            and stale.due_at <= now()
            and stale.uncertain_since < now() - thetis.repeatable_for('post_purchase')
            and stale.uncertain_since < now() - thetis.repeatable_for(stale.kind)
        order by stale.uncertain_since
        limit 100
        for update skip locked
    );
end;
$$;

-- Hands out up to max_count due notifications of one provider and leases them, so that no other
-- worker sends them too; an abandoned one is due again when its lease ends. `attempt` names the
-- lease and comes back in settle_notifications. Safe to call from any number of workers: rows
-- locked by another are skipped, not waited for.
-- Until somebody settles it, nobody knows what became of an attempt. A code is handed out only
-- while it is good for longer than the lease.
create function public.claim_notifications(
    provider text, max_count integer default 10, lease_seconds integer default 60
)
returns table (id uuid, kind text, attempt integer, shopify_order_id text, payload jsonb)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_lease interval := make_interval(secs => claim_notifications.lease_seconds);
begin
    perform thetis.expire_stale_notifications();
    perform thetis.withdraw_spent_codes(v_lease);

    return query
    with due as materialized (
        select waiting.id
        from thetis.notifications as waiting
        where
            waiting.status = 'pending'
            and waiting.due_at <= now()
            and waiting.provider = claim_notifications.provider
            -- of many that are to be given up at once, some wait for the next claim
            and (
                waiting.uncertain_since < now() - thetis.repeatable_for(waiting.kind)
            ) is not true
            and (
                waiting.kind <> 'claim_code' or thetis.is_code_to_send(waiting.id, v_lease)
            )
        order by waiting.due_at
        limit claim_notifications.max_count
        for update skip locked
    )
    update thetis.notifications as mine
    set
        attempts = mine.attempts + 1,
        claimed_at = now(),
        uncertain_since = coalesce(mine.uncertain_since, now()),
        leased_until = now() + v_lease,
        due_at = now() + v_lease
    from due
    where mine.id = due.id
    returning mine.id, mine.kind, mine.attempts, mine.shopify_order_id, mine.payload;
end;
$$;

-- Doubles from 5 seconds up to an hour, and never sooner than the provider asked; the jitter of a
-- quarter either way keeps what failed together from coming back together.
create function thetis.retry_delay(p_attempts integer, p_retry_after_seconds double precision)
returns interval
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return make_interval(secs => greatest(
        least(5 * 2 ^ least(p_attempts - 1, 10), 3600) * (0.75 + random() / 2),
        least(coalesce(p_retry_after_seconds, 0), 43200)
    ));
end;
$$;

-- Takes back what became of claimed notifications: an array of
--   {id, attempt, result: sent | retry | paused | dead, error?, retry_after_seconds?, is_refused?,
--    provider_message_id?}
-- Returns the status of each row that changed. A repeated call changes nothing but when a "retry"
-- is due. "sent" is a fact and is believed from any attempt; the others only from the one that
-- holds the lease, and not for a notification that was withdrawn meanwhile.
-- "paused": the provider refuses everything. It is due at once: the caller knows when to ask again.
-- `is_refused`: the provider said that it did not take this attempt, so that nothing about it is
-- uncertain.
create function public.settle_notifications(results jsonb)
returns table (id uuid, status text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- In the order in which record_orders locks them, whatever the order of the results.
    perform from thetis.notifications as settled
    where settled.id in (select each.id from jsonb_to_recordset(results) as each (id uuid))
    order by settled.id
    for update;

    return query
    update thetis.notifications as settled
    set
        status = case
            when result.result in ('retry', 'paused') then 'pending' else result.result
        end,
        settled_at = case when result.result in ('sent', 'dead') then now() end,
        due_at = case result.result
            when 'paused' then now()
            when 'retry'
                then now() + thetis.retry_delay(settled.attempts, result.retry_after_seconds)
            else settled.due_at
        end,
        uncertain_since = case
            when result.is_refused and settled.uncertain_since = settled.claimed_at then null
            else settled.uncertain_since
        end,
        leased_until = null,
        -- the last place that holds the address of somebody who was erased
        payload = case
            when settled.kind = 'forget_recipient' and result.result = 'sent' then '{}'
            else settled.payload
        end,
        last_error = left(result.error, 1000),
        provider_message_id = coalesce(
            left(result.provider_message_id, 200), settled.provider_message_id
        )
    from (
        select distinct on (told.id) told.*
        from jsonb_to_recordset(results) as told (
            id uuid,
            attempt integer,
            result text,
            error text,
            retry_after_seconds double precision,
            is_refused boolean,
            provider_message_id text
        )
        order by told.id asc, (told.result = 'sent') desc, told.attempt desc
    ) as result
    where
        settled.id = result.id
        and case
            when result.result = 'sent' then settled.status <> 'sent'
            when result.result in ('retry', 'paused', 'dead')
                then settled.status = 'pending' and settled.attempts = result.attempt
        end
    returning settled.id, settled.status;
end;
$$;

-- How the outbox stands, one row per provider, without test orders. The age is that of the
-- notification that has been due the longest: it stays near zero while a worker runs, whatever the
-- providers answer.
create function public.notification_backlog()
returns table (
    provider text, pending bigint, oldest_due_seconds double precision, dead bigint
)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        each.provider,
        waiting.total,
        greatest(extract(epoch from now() - waiting.first_due)::double precision, 0),
        (
            select count(*) from thetis.notifications as given_up
            where
                given_up.provider = each.provider
                and given_up.status = 'dead'
                and not given_up.is_test
        )
    from unnest(array['knock', 'resend']) as each (provider)
    cross join lateral (
        select count(*) as total, min(pending.due_at) as first_due
        from thetis.notifications as pending
        where
            pending.provider = each.provider
            and pending.status = 'pending'
            and not pending.is_test
    ) as waiting;
end;
$$;

-- Privileges

alter table thetis.notifications enable row level security;

revoke all on table thetis.notifications from public, anon, authenticated, service_role;
revoke all on function thetis.repeatable_for(text) from public, anon, authenticated, service_role;
revoke all on function thetis.expire_stale_notifications()
from public, anon, authenticated, service_role;
revoke all on function thetis.retry_delay(integer, double precision)
from public, anon, authenticated, service_role;
revoke all on function public.claim_notifications(text, integer, integer)
from public, anon, authenticated, service_role;
grant execute on function public.claim_notifications(text, integer, integer) to service_role;
revoke all on function public.settle_notifications(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.settle_notifications(jsonb) to service_role;
revoke all on function public.notification_backlog()
from public, anon, authenticated, service_role;
grant execute on function public.notification_backlog() to service_role;
