-- The outbox: whatever we owe a customer is a row here, written in the same transaction as the
-- purchase that caused it. The service claims what is due, sends it, and settles it.

create table thetis.notifications (
    id uuid primary key default gen_random_uuid(),
    kind text not null
    constraint kind_is_known check (
        kind in ('knock.trigger', 'knock.cancel', 'resend.course_access')
    ),
    provider text not null generated always as (split_part(kind, '.', 1)) stored,
    shopify_order_id text not null,
    payload jsonb not null,
    status text not null default 'pending'
    constraint status_is_known check (status in ('pending', 'sent', 'skipped', 'dead')),
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    leased_until timestamptz,
    first_attempt_at timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    settled_at timestamptz,
    constraint each_message_once_per_order unique (shopify_order_id, kind),
    constraint settled_unless_pending check ((status = 'pending') = (settled_at is null))
);

comment on column thetis.notifications.id is
'Also the idempotency key at the provider: a second try of the same row is the same message.';
comment on column thetis.notifications.payload is
'What the provider is sent. Never changed after the first attempt: a retry must be identical.';
comment on column thetis.notifications.due_at is
'When to send; moved forward by a lease and by every retry.';

-- The conditions of these two differ, so that no guess at how many rows are pending, which is
-- always out of date, makes the planner serve one purpose with the other's index.
create index notifications_due on thetis.notifications (provider, due_at)
where status = 'pending';
create index notifications_tried on thetis.notifications (first_attempt_at)
where status = 'pending' and first_attempt_at is not null;
create index notifications_dead on thetis.notifications (provider)
where status = 'dead';

alter table thetis.notifications enable row level security;

revoke all on table thetis.notifications from public, anon, authenticated, service_role;

-- Hands out up to max_count due messages of one provider (or of all) and leases them, so that no
-- other worker sends them too; an abandoned one is due again when its lease ends. `attempt` names
-- the lease and comes back in settle_notifications. Safe to call from any number of workers:
-- rows locked by another are skipped, not waited for.
create function public.claim_notifications(
    provider text default null,
    max_count integer default 10,
    lease_seconds integer default 60
)
returns table (id uuid, kind text, attempt integer, shopify_order_id text, payload jsonb)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = 'off'
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
as $$
#variable_conflict use_column
begin
    perform thetis.bury_stale_notifications();

    return query
    with due as materialized (
        select waiting.id
        from unnest(array['knock', 'resend']) as known (provider)
        cross join lateral (
            select each.id, each.due_at
            from thetis.notifications as each
            where
                each.status = 'pending'
                and each.due_at <= now()
                and each.provider = known.provider
            order by each.due_at
            limit claim_notifications.max_count
            for update skip locked
        ) as waiting
        where known.provider = coalesce(claim_notifications.provider, known.provider)
        order by waiting.due_at
        limit claim_notifications.max_count
    )
    update thetis.notifications as mine
    set
        attempts = mine.attempts + 1,
        first_attempt_at = coalesce(mine.first_attempt_at, now()),
        leased_until = now() + make_interval(secs => claim_notifications.lease_seconds),
        due_at = now() + make_interval(secs => claim_notifications.lease_seconds)
    from due
    where mine.id = due.id
    returning mine.id, mine.kind, mine.attempts, mine.shopify_order_id, mine.payload;
end;
$$;

revoke all on function public.claim_notifications(text, integer, integer)
from public, anon, authenticated, service_role;
grant execute on function public.claim_notifications(text, integer, integer) to service_role;

-- Providers remember an idempotency key for 24 hours. A message whose first attempt is older may
-- have been sent, and sending it again would no longer be recognised as a repetition.
create function thetis.bury_stale_notifications()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.notifications
    set
        status = 'dead',
        settled_at = now(),
        last_error = concat_ws(' ', 'gave up: not accepted within 23 hours.', last_error)
    where id in (
        select stale.id
        from thetis.notifications as stale
        where
            stale.status = 'pending'
            and stale.due_at <= now()
            and stale.first_attempt_at < now() - interval '23 hours'
        order by stale.first_attempt_at
        limit 100
        for update skip locked
    );
end;
$$;

revoke all on function thetis.bury_stale_notifications()
from public, anon, authenticated, service_role;

-- Doubles from 5 seconds up to an hour, and never sooner than the provider asked; the jitter of a
-- quarter either way keeps what failed together from coming back together.
create function thetis.retry_delay(p_attempts integer, p_retry_after_seconds double precision)
returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    select make_interval(secs => greatest(
        least(5 * 2 ^ least(p_attempts - 1, 10), 3600) * (0.75 + random() / 2),
        least(coalesce(p_retry_after_seconds, 0), 43200)
    ));
$$;

revoke all on function thetis.retry_delay(integer, double precision)
from public, anon, authenticated, service_role;

-- Takes back what became of claimed messages: an array of
--   {id, attempt, result: sent | retry | dead, error?, retry_after_seconds?}
-- Returns the status of each row that changed. A repeated call changes nothing but when a "retry"
-- is due. "sent" is a fact and is believed from any attempt; "retry" and "dead" only from the one
-- that holds the lease, and not for a message that was withdrawn meanwhile.
create function public.settle_notifications(results jsonb)
returns table (id uuid, status text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = 'off'
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
as $$
#variable_conflict use_column
begin
    return query
    update thetis.notifications as settled
    set
        status = case result.result when 'retry' then 'pending' else result.result end,
        settled_at = case when result.result <> 'retry' then now() end,
        due_at = case result.result
            when 'retry'
                then now() + thetis.retry_delay(settled.attempts, result.retry_after_seconds)
            else settled.due_at
        end,
        leased_until = null,
        last_error = left(result.error, 1000)
    from jsonb_to_recordset(results) as result (
        id uuid, attempt integer, result text, error text, retry_after_seconds double precision
    )
    where
        settled.id = result.id
        and case result.result
            when 'sent' then settled.status <> 'sent'
            when 'retry' then settled.status = 'pending' and settled.attempts = result.attempt
            when 'dead' then settled.status = 'pending' and settled.attempts = result.attempt
        end
    returning settled.id, settled.status;
end;
$$;

revoke all on function public.settle_notifications(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.settle_notifications(jsonb) to service_role;

-- How the outbox stands, one row per provider. The age is that of the message that has been due
-- the longest: it stays near zero while a worker runs, whatever the providers answer.
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
        known.provider,
        (
            select count(*) from thetis.notifications as waiting
            where waiting.provider = known.provider and waiting.status = 'pending'
        ),
        greatest(extract(epoch from now() - (
            select min(waiting.due_at) from thetis.notifications as waiting
            where waiting.provider = known.provider and waiting.status = 'pending'
        ))::double precision, 0),
        (
            select count(*) from thetis.notifications as buried
            where buried.provider = known.provider and buried.status = 'dead'
        )
    from (values ('knock'), ('resend')) as known (provider);
end;
$$;

revoke all on function public.notification_backlog()
from public, anon, authenticated, service_role;
grant execute on function public.notification_backlog() to service_role;
