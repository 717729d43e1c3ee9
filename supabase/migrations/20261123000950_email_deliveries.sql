-- What became of an email after the provider took it: whether it arrived. The provider tells that
-- later, at least once and in any order.

-- From the first word to the last: each may still come after those before it. A mailbox may accept
-- an email and send it back afterwards; who reads it may call it spam.
create type thetis.delivery_state as enum (
    'sent',
    'delayed',     -- the mailbox does not accept it for now; it is tried again
    'delivered',
    'failed',      -- it could not be sent
    'suppressed',  -- the provider sends nothing to this address, because of earlier mail
    'bounced',     -- the mailbox does not accept it, for good
    'complained'   -- who got it called it spam: the provider sends nothing more there
);

create table thetis.email_deliveries (
    notification_id uuid primary key references thetis.notifications (id) on delete cascade,
    state thetis.delivery_state not null,
    reason text,
    occurred_at timestamptz not null
);

comment on column thetis.email_deliveries.state is
'The furthest that was told, whatever came last.';
comment on column thetis.email_deliveries.reason is
'The provider''s own words, without addresses.';

create index email_deliveries_undelivered on thetis.email_deliveries (occurred_at)
where state > 'delivered';
create index notifications_provider_message on thetis.notifications (provider_message_id)
where provider_message_id is not null;

-- Records what an array of events says of emails and returns one row per element, in its order:
--   recorded   it is further than what we knew
--   unchanged  we knew that, or more
--   ignored    the email is not one of ours
-- An event: {notification_id?, provider_message_id?, state, reason?, occurred_at}. Our own id tells
-- which email it is, also if we never learnt that the provider took it; else the provider's does.
-- Called by the service. Safe to call again, in any order.
create function public.record_deliveries(events jsonb)
returns table (ordinal integer, notification_id uuid, outcome text)
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_ids uuid[];
    v_news uuid[];
begin
    v_ids := array(
        select (
            select mine.id from thetis.notifications as mine
            where
                mine.provider = 'resend'
                and (
                    mine.id = told.notification_id
                    or mine.provider_message_id = told.provider_message_id
                )
            order by (mine.id = told.notification_id) desc nulls last
            limit 1
        )
        from rows from (
            jsonb_to_recordset(events) as (notification_id uuid, provider_message_id text)
        ) with ordinality as told (notification_id, provider_message_id, place)
        order by told.place
    );

    with news as (
        insert into thetis.email_deliveries as existing (
            notification_id, state, reason, occurred_at
        )
        select distinct on (told.id)
            told.id,
            told.state,
            left(told.reason, 1000),
            told.occurred_at
        from rows from (
            unnest(v_ids),
            jsonb_to_recordset(events) as (
                state thetis.delivery_state, reason text, occurred_at timestamptz
            )
        ) as told (id, state, reason, occurred_at)
        where told.id is not null
        order by
            told.id asc, told.state desc, told.occurred_at desc, coalesce(told.reason, '') desc
        on conflict (notification_id) do update set
            state = excluded.state,
            reason = excluded.reason,
            occurred_at = excluded.occurred_at
        where
            (excluded.state, excluded.occurred_at, coalesce(excluded.reason, ''))
            > (existing.state, existing.occurred_at, coalesce(existing.reason, ''))
        returning existing.notification_id
    )

    select array_agg(news.notification_id) into v_news from news;

    return query
    select
        given.place::integer,
        given.id,
        case
            when given.id is null then 'ignored'
            when given.id = any(v_news) then 'recorded'
            else 'unchanged'
        end
    from unnest(v_ids) with ordinality as given (id, place)
    order by given.place;
end;
$$;

-- How many emails did not arrive within so many days, by what became of them, without test orders.
create function public.undelivered_emails(days integer default 7)
returns table (state text, total bigint)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select listed.state::text, count(message.id)
    from unnest(enum_range('failed'::thetis.delivery_state, null)) as listed (state)
    left join thetis.email_deliveries as stored
        on
            listed.state = stored.state
            and stored.state > 'delivered'
            and stored.occurred_at > now() - make_interval(days => undelivered_emails.days)
    left join thetis.notifications as message
        on stored.notification_id = message.id and not message.is_test
    group by listed.state
    order by listed.state;
end;
$$;

-- Privileges

alter table thetis.email_deliveries enable row level security;

revoke all on table thetis.email_deliveries from public, anon, authenticated, service_role;
revoke all on function public.record_deliveries(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries(jsonb) to service_role;
revoke all on function public.undelivered_emails(integer)
from public, anon, authenticated, service_role;
grant execute on function public.undelivered_emails(integer) to service_role;
