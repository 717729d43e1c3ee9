-- Authentic webhooks that we could not use. Shopify is told 200, since sending them again would
-- not help and too many failures cost us the subscription; so they must be kept here, whole.
-- These are the only bodies that are kept.

create table private.rejected_webhooks (
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

comment on column private.rejected_webhooks.body is
'The bytes as they came: they need not be text, let alone JSON.';

alter table private.rejected_webhooks enable row level security;

revoke all on table private.rejected_webhooks from public, anon, authenticated, service_role;

-- Keeps one rejected webhook and returns its id. The same body again returns the same id, and
-- counts as not replayed: it was rejected again.
create function public.store_rejected_webhook(
    topic text, webhook_id text, body_base64 text, reason text
)
returns bigint
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_id bigint;
begin
    insert into private.rejected_webhooks as kept (topic, webhook_id, body, reason)
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

revoke all on function public.store_rejected_webhook(text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.store_rejected_webhook(text, text, text, text) to service_role;
