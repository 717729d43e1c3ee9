-- Syncs: passes over Shopify's orders by the API, for what no webhook told. A backfill goes over
-- those of a time that a person names; a reconcile goes on where the last one ended. How far a sync
-- has come is a row, so that one that is killed is resumed.

create table thetis.order_syncs (
    id bigint generated always as identity primary key,
    purpose text not null
    constraint purpose_is_known check (purpose in ('backfill', 'reconcile')),
    since timestamptz not null,
    through timestamptz not null,
    reached timestamptz not null,
    status text not null default 'running'
    constraint status_is_known check (
        status in (
            'running',   -- or killed: whoever begins the next one resumes it
            'finished',
            'abandoned'  -- somebody has begun one for another time instead
        )
    ),
    holder text not null,
    leased_until timestamptz not null,
    pages integer not null default 0,
    seen integer not null default 0,
    recorded integer not null default 0,
    unchanged integer not null default 0,
    ignored integer not null default 0,
    rejected integer not null default 0,
    missed integer not null default 0,
    follows_another boolean not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint ended_unless_running check ((status = 'running') = (ended_at is null))
);

comment on column thetis.order_syncs.since is
'It goes over the orders that were changed from this moment on, through the other.';
comment on column thetis.order_syncs.reached is
'All that was changed before this moment is recorded. Resumed from here: Shopify''s own cursors
expire, and an order that is changed meanwhile moves to the end.';
comment on column thetis.order_syncs.holder is
'The run that it belongs to until the lease ends. A row, and not a lock of Postgres''s: each call of
Supabase''s API is a transaction of its own.';
comment on column thetis.order_syncs.missed is
'How many told something new that a webhook should have told long before.';
comment on column thetis.order_syncs.follows_another is
'Only then can anything be missed: before the first one, nobody had promised a webhook.';

create unique index order_syncs_running on thetis.order_syncs (purpose) where status = 'running';
create index order_syncs_ended on thetis.order_syncs (purpose, ended_at);

-- For how long a webhook may be on its way before its absence means something.
create function thetis.webhook_patience()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return interval '10 minutes';
end;
$$;

-- Where a reconcile begins: an hour before the end of the last one, as Shopify's index of orders
-- may lag behind; the first one goes back for as long as an order still causes its notifications.
create function thetis.reconcile_since()
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (
            select max(past.through) - interval '1 hour' from thetis.order_syncs as past
            where past.purpose = 'reconcile' and past.status = 'finished'
        ),
        now() - thetis.new_for()
    );
end;
$$;

-- Begins a sync, or resumes the one that was killed; returns its row. `since` null: for a reconcile
-- from where the last one ended, for a backfill from the beginning. `until` null: until now, or
-- until what the one that is resumed had. `holder` names the run. `state` tells: begun; resumed;
-- busy, if another run is at it, for `leased_seconds` more. A backfill of another time than the
-- unfinished one takes its place. Called by the service. Safe to call again by the same holder.
create function public.begin_order_sync(
    purpose text, since timestamptz, until timestamptz, holder text, lease_seconds integer
)
returns jsonb
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_since timestamptz := begin_order_sync.since;
    v_running thetis.order_syncs;
    v_state text := 'resumed';
begin
    if (begin_order_sync.purpose in ('backfill', 'reconcile')) is not true then
        raise exception 'purpose: say "backfill" or "reconcile"' using errcode = 'TH004';
    end if;
    -- of two that begin at once the second finds the first one's row
    perform pg_advisory_xact_lock(hashtextextended('thetis.order_syncs', 0));
    select running.* into v_running
    from thetis.order_syncs as running
    where running.purpose = begin_order_sync.purpose and running.status = 'running'
    for update;

    if v_running.leased_until > now() and v_running.holder <> begin_order_sync.holder then
        v_state := 'busy';
    elsif
        v_running.id is not null
        and (
            begin_order_sync.purpose = 'reconcile'
            or (
                v_running.since = coalesce(v_since, timestamptz '2006-01-01T00:00:00Z')
                and v_running.through = coalesce(begin_order_sync.until, v_running.through)
            )
        )
    then
        update thetis.order_syncs as running
        set
            holder = begin_order_sync.holder,
            leased_until = now() + make_interval(secs => begin_order_sync.lease_seconds)
        where running.id = v_running.id;
    else
        v_state := 'begun';
        update thetis.order_syncs as running set status = 'abandoned', ended_at = now()
        where running.id = v_running.id;
        delete from thetis.order_syncs as past
        where
            past.purpose = begin_order_sync.purpose
            and past.ended_at < now() - interval '90 days'
            and past.through < now() - interval '90 days';
        v_since := coalesce(
            v_since,
            case begin_order_sync.purpose
                when 'reconcile' then thetis.reconcile_since()
                else timestamptz '2006-01-01T00:00:00Z'  -- Shopify is no older
            end
        );
        insert into thetis.order_syncs as begun (
            purpose, since, through, reached, holder, leased_until, follows_another
        )
        values (
            begin_order_sync.purpose,
            v_since,
            coalesce(begin_order_sync.until, now()),
            v_since,
            begin_order_sync.holder,
            now() + make_interval(secs => begin_order_sync.lease_seconds),
            begin_order_sync.purpose = 'reconcile'
            and exists (
                select from thetis.order_syncs as past
                where past.purpose = 'reconcile' and past.status = 'finished'
            )
        )
        returning begun.* into v_running;
    end if;

    return jsonb_build_object(
        'state', v_state,
        'until', v_running.through,
        'leased_seconds', ceil(extract(epoch from v_running.leased_until - now()))
    )
        || (
            to_jsonb(v_running) - array[
                'purpose', 'through', 'status', 'holder', 'leased_until', 'follows_another',
                'started_at', 'ended_at'
            ]
        );
end;
$$;

-- What became of one element of an array of orders.
create type thetis.order_outcome as (
    ordinal integer, shopify_order_id text, outcome text, reason text
);

-- Records a page of orders and, in the same transaction, how far the sync has come. `page` counts
-- from 1; `reached` is the last change in it; `unreadable` names the orders in it that could not be
-- translated, [{order_id, reason}]; `is_last` ends the sync. Returns what record_orders does.
-- Called by the service, which renews its lease with it, or gives it back with 0 `lease_seconds`.
-- Safe to call again: a page is counted once. Refused to who lost the lease to another run. What is
-- rejected is kept as a rejected webhook is: it can be replayed. Of what could not even be
-- translated that is its id, so that somebody sees it.
create function public.record_order_page(
    sync_id bigint,
    holder text,
    page integer,
    orders jsonb,
    unreadable jsonb,
    reached timestamptz,
    is_last boolean,
    test_orders text,
    lease_seconds integer
)
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_sync thetis.order_syncs;
    v_outcomes thetis.order_outcome[];
begin
    select mine.* into v_sync
    from thetis.order_syncs as mine where mine.id = record_order_page.sync_id
    for update;
    if
        (
            v_sync.holder = record_order_page.holder
            and (v_sync.status = 'running' or v_sync.pages = record_order_page.page)
        ) is not true
    then
        raise exception 'another run has taken over' using errcode = 'TH005';
    end if;

    v_outcomes := array(
        select row(each.ordinal, each.shopify_order_id, each.outcome, each.reason)
            ::thetis.order_outcome
        from public.record_orders(
            record_order_page.orders, record_order_page.test_orders
        ) as each
    );
    perform public.store_rejected_webhook(
        'orders/updated', null, encode(convert_to(refused.body::text, 'UTF8'), 'base64'),
        refused.reason
    )
    from (
        select record_order_page.orders -> (each.ordinal - 1) as body, each.reason
        from unnest(v_outcomes) as each
        where each.outcome = 'rejected'
        union all
        select jsonb_build_object('id', each.order_id), each.reason
        from jsonb_to_recordset(record_order_page.unreadable) as each (order_id text, reason text)
    ) as refused;
    -- also when the page is told again: a run that was stopped does not know whether it counted
    update thetis.order_syncs as mine
    set leased_until = now() + make_interval(secs => record_order_page.lease_seconds)
    where mine.id = v_sync.id and mine.status = 'running';
    update thetis.order_syncs as mine
    set
        pages = record_order_page.page,
        reached = case
            when record_order_page.is_last then mine.through
            else greatest(mine.reached, record_order_page.reached)
        end,
        seen = mine.seen + counted.seen + counted.unreadable,
        recorded = mine.recorded + counted.recorded,
        unchanged = mine.unchanged + counted.unchanged,
        ignored = mine.ignored + counted.ignored,
        rejected = mine.rejected + counted.rejected + counted.unreadable,
        missed = mine.missed + case when mine.follows_another then counted.missed else 0 end,
        status = case when record_order_page.is_last then 'finished' else mine.status end,
        ended_at = case when record_order_page.is_last then now() end
    from (
        select
            count(*) as seen,
            count(*) filter (where each.outcome = 'recorded') as recorded,
            count(*) filter (where each.outcome = 'unchanged') as unchanged,
            count(*) filter (where each.outcome = 'ignored') as ignored,
            count(*) filter (where each.outcome = 'rejected') as rejected,
            count(*) filter (
                where
                each.outcome = 'recorded'
                and thetis.order_as_of(record_order_page.orders -> (each.ordinal - 1))
                < now() - thetis.webhook_patience()
            ) as missed,
            jsonb_array_length(record_order_page.unreadable) as unreadable
        from unnest(v_outcomes) as each
    ) as counted
    where mine.id = v_sync.id and mine.pages < record_order_page.page;

    return query
    select each.ordinal, each.shopify_order_id, each.outcome, each.reason
    from unnest(v_outcomes) as each
    order by each.ordinal;
end;
$$;

-- Says what record_orders would say, and changes nothing: it is done, and undone.
create function public.preview_orders(orders jsonb, test_orders text default 'grant')
returns table (ordinal integer, shopify_order_id text, outcome text, reason text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_outcomes thetis.order_outcome[];
begin
    begin
        v_outcomes := array(
            select row(each.ordinal, each.shopify_order_id, each.outcome, each.reason)
                ::thetis.order_outcome
            from public.record_orders(preview_orders.orders, preview_orders.test_orders) as each
        );
        raise exception 'dry run' using errcode = 'TH099';
    exception when sqlstate 'TH099' then
        null;
    end;
    return query
    select each.ordinal, each.shopify_order_id, each.outcome, each.reason
    from unnest(v_outcomes) as each
    order by each.ordinal;
end;
$$;

-- How reconciling stands, for those who watch: since when nothing was compared with Shopify, when
-- the last one ended, and how many orders of the last day told what a webhook should have told.
-- No row if there never was one.
create function public.reconcile_status()
returns table (lag_seconds double precision, ended_at double precision, missed bigint)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        extract(epoch from now() - max(past.through))::double precision,
        extract(epoch from max(past.ended_at))::double precision,
        coalesce(
            sum(past.missed) filter (where past.ended_at > now() - interval '1 day'), 0
        )::bigint
    from thetis.order_syncs as past
    where past.purpose = 'reconcile' and past.status = 'finished'
    having count(*) > 0;
end;
$$;

-- Privileges

alter table thetis.order_syncs enable row level security;

revoke all on table thetis.order_syncs from public, anon, authenticated, service_role;
revoke all on sequence thetis.order_syncs_id_seq
from public, anon, authenticated, service_role;
revoke all on function thetis.webhook_patience() from public, anon, authenticated, service_role;
revoke all on function thetis.reconcile_since() from public, anon, authenticated, service_role;
revoke all on function public.begin_order_sync(text, timestamptz, timestamptz, text, integer)
from public, anon, authenticated, service_role;
grant execute on function public.begin_order_sync(text, timestamptz, timestamptz, text, integer)
to service_role;
revoke all on function public.record_order_page(
    bigint, text, integer, jsonb, jsonb, timestamptz, boolean, text, integer
)
from public, anon, authenticated, service_role;
grant execute on function public.record_order_page(
    bigint, text, integer, jsonb, jsonb, timestamptz, boolean, text, integer
)
to service_role;
revoke all on function public.preview_orders(jsonb, text)
from public, anon, authenticated, service_role;
grant execute on function public.preview_orders(jsonb, text) to service_role;
revoke all on function public.reconcile_status() from public, anon, authenticated, service_role;
grant execute on function public.reconcile_status() to service_role;
