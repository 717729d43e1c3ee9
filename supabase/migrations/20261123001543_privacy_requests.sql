-- What Shopify's compliance webhooks ask for: what a shop holds of a customer, to forget a
-- customer, and to forget a shop. The second is done at once; the others wait for a person.
-- https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance

create table thetis.privacy_requests (
    id bigint generated always as identity primary key,
    topic text not null
    constraint topic_is_known check (
        topic in (
            'customers/data_request',  -- export_customer has the answer, for the customer
            'customers/redact',        -- done when it came
            'shop/redact'              -- the shop has removed the app: whose data is it now?
        )
    ),
    shop text,
    email text,
    shopify_order_ids text[] not null default '{}',
    request_hash bytea not null,
    received_at timestamptz not null default now(),
    answered_at timestamptz,
    constraint kept_while_open check (answered_at is null or email is null),
    constraint recorded_once unique (request_hash)
);

comment on column thetis.privacy_requests.request_hash is
'Of the whole request, keyed: Shopify sends it again until it is answered 200.';

-- Records one such request and does what can be done at once; returns recorded, or unchanged if it
-- is known. `request`: {topic, shop, email, shopify_order_ids, request_id}; but for the topic, each
-- may be missing or null. Safe to call again: Shopify sends a request for hours until it is
-- answered, and may send it twice all the same; what was bought meanwhile is a new customer's. The
-- same words two days later are a new request.
create function public.record_privacy_request(request jsonb)
returns text
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
declare
    v_topic text := record_privacy_request.request ->> 'topic';
    v_email text := thetis.normalised_email(record_privacy_request.request ->> 'email');
    v_order_ids text[] := array(
        select jsonb_array_elements_text(
            coalesce(nullif(record_privacy_request.request -> 'shopify_order_ids', 'null'), '[]')
        )
    );
    v_is_new boolean;
begin
    if (v_topic in ('customers/data_request', 'customers/redact', 'shop/redact')) is not true then
        raise exception 'topic: none of the three' using errcode = 'TH004';
    end if;
    if v_email is not null then
        v_email := thetis.held_address(v_email);
    end if;

    insert into thetis.privacy_requests as existing (
        topic, shop, email, shopify_order_ids, request_hash, answered_at
    )
    values (
        v_topic,
        record_privacy_request.request ->> 'shop',
        case when v_topic <> 'customers/redact' then v_email end,
        v_order_ids,
        thetis.address_hash(record_privacy_request.request::text),
        case when v_topic = 'customers/redact' then now() end
    )
    on conflict (request_hash) do update set received_at = now(), answered_at = now()
    where existing.topic = 'customers/redact' and existing.received_at < now() - interval '2 days';
    v_is_new := found;

    if
        v_is_new
        and v_topic = 'customers/redact'
        and (v_email is not null or cardinality(v_order_ids) > 0)
    then
        perform thetis.forget('shopify', v_topic, v_email, v_order_ids);
    end if;
    return case when v_is_new then 'recorded' else 'unchanged' end;
end;
$$;

-- The requests that wait for an answer, or all; the oldest first, a thousand at most.
create function public.list_privacy_requests(include_answered boolean default false)
returns table (
    id bigint, topic text, shop text, email text, shopify_order_ids text[], received_at text,
    answered_at text
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
        asked.id,
        asked.topic,
        asked.shop,
        asked.email,
        asked.shopify_order_ids,
        date_trunc('second', asked.received_at)::text,
        date_trunc('second', asked.answered_at)::text
    from thetis.privacy_requests as asked
    where list_privacy_requests.include_answered or asked.answered_at is null
    order by asked.id
    limit 1000;
end;
$$;

-- How many wait for an answer.
create function public.count_privacy_requests()
returns bigint
language plpgsql
stable
security definer  -- the table is private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from thetis.privacy_requests as asked where asked.answered_at is null);
end;
$$;

-- Notes that one was answered, and drops its address; `operator` is who says so. Safe to call
-- again: the first time stays.
create function public.mark_privacy_request_answered(id bigint, operator text default null)
returns void
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator text := thetis.operator(mark_privacy_request_answered.operator, true);
begin
    if not exists (
        select from thetis.privacy_requests as asked
        where asked.id = mark_privacy_request_answered.id
    ) then
        raise exception 'there is no request %', mark_privacy_request_answered.id
        using errcode = 'TH004';
    end if;
    with answered as (
        update thetis.privacy_requests as asked set answered_at = now(), email = null
        where asked.id = mark_privacy_request_answered.id and asked.answered_at is null
        returning asked.id, asked.topic, asked.shopify_order_ids
    )

    insert into thetis.audit_log (operator, action, shopify_order_id, after)
    select
        v_operator,
        'answer',
        answered.shopify_order_ids[1],
        jsonb_build_object('request', answered.id, 'topic', answered.topic)
    from answered;
end;
$$;

-- Privileges

alter table thetis.privacy_requests enable row level security;

revoke all on table thetis.privacy_requests from public, anon, authenticated, service_role;
revoke all on sequence thetis.privacy_requests_id_seq
from public, anon, authenticated, service_role;
revoke all on function public.record_privacy_request(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.record_privacy_request(jsonb) to service_role;
revoke all on function public.list_privacy_requests(boolean)
from public, anon, authenticated, service_role;
grant execute on function public.list_privacy_requests(boolean) to service_role;
revoke all on function public.count_privacy_requests()
from public, anon, authenticated, service_role;
grant execute on function public.count_privacy_requests() to service_role;
revoke all on function public.mark_privacy_request_answered(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.mark_privacy_request_answered(bigint, text) to service_role;
