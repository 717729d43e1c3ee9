-- When Shopify was last heard from. Nothing else tells whether webhooks still come: an order in the
-- database may have been fetched, and most webhooks are about what we knew already.

create table thetis.webhook_heartbeats (
    topic text primary key,
    received_at timestamptz not null default now(),
    webhook_id text
);

comment on column thetis.webhook_heartbeats.topic is
'A topic of Shopify''s; or `test`, for the test webhook of `thetis doctor --live`.';
comment on column thetis.webhook_heartbeats.webhook_id is
'By which a test webhook is recognised; of the others, the one that was noted.';

-- Notes that an authentic webhook of this topic has come just now. The service says it once a
-- minute for each topic and process, so the newest may be a minute newer. Safe to call again.
create function public.note_webhook(topic text, webhook_id text default null)
returns void
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.webhook_heartbeats as noted (topic, webhook_id)
    values (note_webhook.topic, note_webhook.webhook_id)
    on conflict on constraint webhook_heartbeats_pkey do update set
        received_at = excluded.received_at, webhook_id = excluded.webhook_id
    where noted.received_at <= excluded.received_at;
end;
$$;

-- Privileges

alter table thetis.webhook_heartbeats enable row level security;

revoke all on table thetis.webhook_heartbeats from public, anon, authenticated, service_role;
revoke all on function public.note_webhook(text, text)
from public, anon, authenticated, service_role;
grant execute on function public.note_webhook(text, text) to service_role;
