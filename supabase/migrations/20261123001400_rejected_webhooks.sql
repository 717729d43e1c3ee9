-- Authentic webhooks that we could not use. Shopify is told 200, since sending them again would
-- not help and too many failures cost us the subscription; so they must be kept here, whole.
-- These are the only bodies that are kept.

create table thetis.rejected_webhooks (
    id bigint generated always as identity primary key,
    topic text not null,
    webhook_id text,
    body bytea not null,
    body_sha256 bytea not null generated always as (sha256(body)) stored,
    reason text not null,
    received_at timestamptz not null default now(),
    replayed_at timestamptz,
    constraint kept_once unique (topic, body_sha256)
);

comment on column thetis.rejected_webhooks.body is
'The bytes as they came: they need not be text, let alone JSON. Where they only named somebody who
was erased, that address is struck out.';

-- Keeps one rejected webhook and returns its id. The same body again returns the same id, and
-- counts as not replayed: it was rejected again.
create function public.store_rejected_webhook(
    topic text, webhook_id text, body_base64 text, reason text
)
returns bigint
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_id bigint;
begin
    insert into thetis.rejected_webhooks as kept (topic, webhook_id, body, reason)
    values (
        store_rejected_webhook.topic,
        store_rejected_webhook.webhook_id,
        decode(store_rejected_webhook.body_base64, 'base64'),
        store_rejected_webhook.reason
    )
    on conflict on constraint kept_once do update set
        reason = excluded.reason, replayed_at = null
    returning kept.id into v_id;
    return v_id;
end;
$$;

-- What was rejected, the oldest first; without the bodies, which hold personal data. In pages: the
-- API hands out a thousand rows at most.
create function public.list_rejected_webhooks(
    include_replayed boolean default false, after_id bigint default 0, max_count integer default 500
)
returns table (
    id bigint, topic text, webhook_id text, reason text, received_at text, replayed_at text
)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
begin
    return query
    select
        kept.id,
        kept.topic,
        kept.webhook_id,
        kept.reason,
        date_trunc('second', kept.received_at)::text,
        date_trunc('second', kept.replayed_at)::text
    from thetis.rejected_webhooks as kept
    where
        kept.id > list_rejected_webhooks.after_id
        and (list_rejected_webhooks.include_replayed or kept.replayed_at is null)
    order by kept.id
    limit list_rejected_webhooks.max_count;
end;
$$;

-- One of them, whole, if there is one; its body in base64, because it need not be text.
create function public.get_rejected_webhook(id bigint)
returns table (
    topic text, webhook_id text, reason text, received_at text, replayed_at text, body_base64 text
)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
begin
    return query
    select
        kept.topic,
        kept.webhook_id,
        kept.reason,
        date_trunc('second', kept.received_at)::text,
        date_trunc('second', kept.replayed_at)::text,
        encode(kept.body, 'base64')
    from thetis.rejected_webhooks as kept
    where kept.id = get_rejected_webhook.id;
end;
$$;

-- Notes that one was handled after all. Safe to call again: the first time stays.
create function public.mark_webhook_replayed(id bigint)
returns void
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.rejected_webhooks as kept set replayed_at = now()
    where kept.id = mark_webhook_replayed.id and kept.replayed_at is null;
end;
$$;

-- Privileges

alter table thetis.rejected_webhooks enable row level security;

revoke all on table thetis.rejected_webhooks from public, anon, authenticated, service_role;
revoke all on sequence thetis.rejected_webhooks_id_seq
from public, anon, authenticated, service_role;
revoke all on function public.store_rejected_webhook(text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.store_rejected_webhook(text, text, text, text) to service_role;
revoke all on function public.list_rejected_webhooks(boolean, bigint, integer)
from public, anon, authenticated, service_role;
grant execute on function public.list_rejected_webhooks(boolean, bigint, integer) to service_role;
revoke all on function public.get_rejected_webhook(bigint)
from public, anon, authenticated, service_role;
grant execute on function public.get_rejected_webhook(bigint) to service_role;
revoke all on function public.mark_webhook_replayed(bigint)
from public, anon, authenticated, service_role;
grant execute on function public.mark_webhook_replayed(bigint) to service_role;
