-- What is held of a person, and how they are forgotten. A person is an address. What somebody owns
-- stays theirs without an address; what nobody owns yet has nobody left to prove that it is theirs,
-- and ends.

-- Which addresses were erased, so that no later webhook brings them back. A keyed hash: who has the
-- table alone cannot try addresses. The key never leaves the database.
create table thetis.erasure_key (
    is_the_only_row boolean primary key default true
    constraint there_is_one_row check (is_the_only_row),
    hash_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);

insert into thetis.erasure_key default values;

create table thetis.erased_addresses (
    address_hash bytea primary key,
    erased_at timestamptz not null
);

comment on column thetis.erased_addresses.erased_at is
'What was bought before is nobody''s. Who buys later is a new customer, and so is who buys in that
very second: Shopify tells no more than the second.';

create function thetis.address_hash(p_email text)
returns bytea
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select sha256(erasure_key.hash_key || convert_to(p_email, 'UTF8')) from thetis.erasure_key
    );
end;
$$;

-- Takes the address out of these orders where it is of somebody who was erased after they bought
-- them. The caller holds the orders' row locks and the locks of their addresses.
create function thetis.erase_returned_orders(p_order_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update thetis.orders
    set email = null, erased_at = coalesce(orders.erased_at, returned.erased_at)
    from (
        select
            told.shopify_order_id,
            (
                select erased.erased_at from thetis.erased_addresses as erased
                where
                    erased.address_hash = thetis.address_hash(told.email)
                    and (told.purchased_at < date_trunc('second', erased.erased_at)) is not false
            ) as erased_at
        from thetis.orders as told
        where told.shopify_order_id = any(p_order_ids) and told.email <> ''
    ) as returned
    where
        orders.shopify_order_id = returned.shopify_order_id
        and returned.erased_at is not null;
end;
$$;

-- An address as a regular expression that finds it, and not another that it is a part of. In JSON
-- as text, the letter before it may be that of a line break.
create function thetis.address_pattern(p_email text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return '(?:(?<![[:alnum:]._%+-])|(?<=\\[bfnrt]))'
        || regexp_replace(p_email, '([][*.+?^${}()|\\])', '\\\1', 'g')
        || '(?![[:alnum:]_-]|\.[[:alnum:]])';
end;
$$;

-- This text, or JSON as text, with every other address struck out. It begins after no backslash,
-- which would leave an escape without its letter.
create function thetis.without_others(p_text text, p_email text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return regexp_replace(
        p_text,
        '(?!' || thetis.address_pattern(p_email) || ')'
        || '(?<![[:alnum:]._%+\\-])[[:alnum:]._%+-]+@[[:alnum:]-]+(\.[[:alnum:]-]+)*',
        '[address]',
        'gi'
    );
end;
$$;

-- Does this text hold that address, in whatever case?
create function thetis.mentions(p_text text, p_email text)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        position(p_email in lower(p_text)) > 0
        and lower(p_text) ~ thetis.address_pattern(p_email),
        false
    );
end;
$$;

-- A body as text; null where it is none.
create function thetis.body_text(p_body bytea)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return convert_from(p_body, 'UTF8');
exception when data_exception then
    return null;
end;
$$;

-- A body as JSON; null where it is none, or deeper than Postgres reads.
create function thetis.body_json(p_body bytea)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return thetis.body_text(p_body)::jsonb;
exception when data_exception or program_limit_exceeded then
    return null;
end;
$$;

-- The rejected webhooks that speak of this address or are about these orders. JSON is written anew
-- before it is searched, because it may spell a letter in more than one way; what is no text is
-- searched byte by byte. `is_theirs`: it is not known to be of somebody else, who is only said to
-- have to do with this address.
create function thetis.rejected_webhooks_of(p_email text, p_order_ids text[])
returns table (id bigint, is_theirs boolean)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        kept.id,
        told.order_id = any(p_order_ids) is true
        or p_email = any(told.emails)
        or (
            told.emails = '{}'
            and not exists (
                select from thetis.orders
                where orders.shopify_order_id = told.order_id and orders.email <> p_email
            )
        )
    from thetis.rejected_webhooks as kept
    cross join lateral (select thetis.body_json(kept.body) as content offset 0) as body
    cross join lateral (
        select thetis.told_order_id(body.content) as order_id,
            thetis.told_emails(body.content) as emails
    ) as told
    where
        thetis.mentions(
            coalesce(
                body.content::text,
                replace(thetis.body_text(kept.body), '\u0040', '@'),
                encode(kept.body, 'escape')
            ),
            p_email
        )
        or told.order_id = any(p_order_ids);
end;
$$;

-- Deletes those that are theirs, strikes the address out of the others, and returns of how many. A
-- body that has become like another one is that one.
create function thetis.erase_rejected_webhooks(p_email text, p_order_ids text[])
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_each record;
    v_total bigint := 0;
begin
    for v_each in select found.* from thetis.rejected_webhooks_of(p_email, p_order_ids) as found
    loop
        v_total := v_total + 1;
        begin
            update thetis.rejected_webhooks as kept
            set
                body = convert_to(
                    regexp_replace(
                        thetis.body_json(kept.body)::text,
                        thetis.address_pattern(p_email),
                        '[address]',
                        'gi'
                    ),
                    'UTF8'
                )
            where kept.id = v_each.id and not v_each.is_theirs;
        exception when unique_violation then
            v_each.is_theirs := true;
        end;
        delete from thetis.rejected_webhooks as kept
        where kept.id = v_each.id and v_each.is_theirs;
    end loop;
    return v_total;
end;
$$;

-- What the old table left: its ledger, where there is one.
create function thetis.copied_enrollments_of(p_email text, p_purchase_ids uuid[])
returns table (id bigint, enrollment jsonb, outcome text, purchase_id uuid, note text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('thetis.copied_enrollments') is not null then
        return query execute
            'select id, enrollment, outcome, purchase_id, note from thetis.copied_enrollments'
            ' where thetis.mentions(enrollment::text, $1) or thetis.mentions(note, $1)'
            ' or (purchase_id = any($2) and enrollment ? ''shopify_customer_email'')'
        using p_email, p_purchase_ids;
    end if;
end;
$$;

-- What operators did and said of this address.
create function thetis.audit_rows_of(p_email text, p_order_ids text[])
returns setof thetis.audit_log
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select told.*
    from thetis.audit_log as told
    where
        told.erased_at is null
        and (
            told.email = p_email
            or told.shopify_order_id = any(p_order_ids)
            or thetis.mentions(told.reason, p_email)
            or thetis.mentions(told.before::text, p_email)
            or thetis.mentions(told.after::text, p_email)
        );
end;
$$;

-- The orders that have to do with an address: by what Shopify or an operator said, by a purchase or
-- by a message.
create function thetis.orders_of_address(p_email text)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select orders.shopify_order_id from thetis.orders where orders.holder_email = p_email
        union
        select transferred.shopify_order_id from thetis.orders as transferred
        where transferred.transferred_to is not null and transferred.email = p_email
        union
        select stored.shopify_order_id from public.purchases as stored
        where stored.shopify_customer_email = p_email and stored.shopify_order_id is not null
        union
        select message.shopify_order_id from thetis.notifications as message
        where
            message.email = p_email
            and message.email <> ''
            and message.shopify_order_id is not null
        order by 1
    );
end;
$$;

-- Everything that is held of an address, and of the account that has it confirmed, as JSON; a part
-- of which there is nothing is []. That it was asked for is written down. Of other people's
-- addresses in the same orders nothing is told.
create function public.export_customer(address text, operator text default null)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(export_customer.operator, true);
    v_email text := thetis.held_address(export_customer.address);
    v_user_id uuid := thetis.confirmed_user_id(v_email);
    v_order_ids text[] := thetis.orders_of_address(v_email);
    v_ids uuid[];
    v_export jsonb;
begin
    v_ids := array(
        select stored.id from public.purchases as stored
        where stored.shopify_customer_email = v_email
        union
        select owned.id from public.purchases as owned where owned.user_id = v_user_id
    );
    v_order_ids := v_order_ids || array(
        select stored.shopify_order_id from public.purchases as stored
        where stored.id = any(v_ids) and stored.shopify_order_id is not null
    );

    v_export := jsonb_build_object(
        'address', v_email,
        'exported_at', now(),
        'account', (
            select
                jsonb_build_object(
                    'id', users.id, 'email', users.email, 'confirmed', users.email_confirmed_at
                )
            from auth.users where users.id = v_user_id
        ),
        'purchases', (
            select jsonb_agg(to_jsonb(stored) order by stored.purchased_at, stored.id)
            from public.purchases as stored where stored.id = any(v_ids)
        ),
        'overrides', (
            select
                jsonb_agg(
                    to_jsonb(override) || jsonb_build_object(
                        'transferred_to', case
                            when override.transferred_to = v_email then v_email
                        end
                    )
                )
            from thetis.overrides as override where override.purchase_id = any(v_ids)
        ),
        'grants', (
            select jsonb_agg(to_jsonb(given)) from thetis.grants as given
            where given.purchase_id = any(v_ids)
        ),
        'orders', (
            select
                jsonb_agg(
                    to_jsonb(told) - 'holder_email' || jsonb_build_object(
                        'email', case when told.email = v_email then v_email end,
                        'transferred_to', case when told.transferred_to = v_email then v_email end,
                        'lines', (
                            select jsonb_agg(to_jsonb(line)) from thetis.order_lines as line
                            where line.shopify_order_id = told.shopify_order_id
                        ),
                        'refunds', (
                            select jsonb_agg(to_jsonb(refund)) from thetis.refunds as refund
                            where refund.shopify_order_id = told.shopify_order_id
                        ),
                        'disputes', (
                            select jsonb_agg(to_jsonb(dispute)) from thetis.disputes as dispute
                            where dispute.shopify_order_id = told.shopify_order_id
                        )
                    )
                    order by told.shopify_order_id
                )
            from thetis.orders as told where told.shopify_order_id = any(v_order_ids)
        ),
        'notifications', (
            select
                jsonb_agg(
                    to_jsonb(message) || jsonb_build_object(
                        'payload', message.payload - 'code', 'delivery', to_jsonb(delivery)
                    )
                    order by message.enqueued_at, message.id
                )
            from thetis.notifications as message
            left join thetis.email_deliveries as delivery on message.id = delivery.notification_id
            where message.email = v_email and message.email <> ''
        ),
        'proven_addresses', (
            select jsonb_agg(to_jsonb(proven) order by proven.proven_at, proven.email)
            from thetis.proven_addresses as proven
            where proven.email = v_email or proven.user_id = v_user_id
        ),
        'claim_codes', (
            select
                jsonb_agg(
                    to_jsonb(code) - array['code_hash', 'guess_hash', 'guessed_in']
                    order by code.requested_at, code.id
                )
            from thetis.claim_codes as code
            where code.email = v_email or code.user_id = v_user_id
        ),
        'audit_log', (
            select
                jsonb_agg(
                    to_jsonb(told) || jsonb_build_object(
                        'email', thetis.without_others(told.email, v_email),
                        'reason', thetis.without_others(told.reason, v_email),
                        'before', thetis.without_others(told.before::text, v_email)::jsonb,
                        'after', thetis.without_others(told.after::text, v_email)::jsonb
                    )
                    order by told.id
                )
            from thetis.audit_rows_of(v_email, '{}') as told
        ),
        'rejected_webhooks', (
            select
                jsonb_agg(
                    to_jsonb(kept) - 'body_sha256'
                    || jsonb_build_object(
                        'body', case
                            when found.is_theirs then coalesce(
                                thetis.body_text(kept.body), encode(kept.body, 'base64')
                            )
                        end
                    )
                    order by kept.id
                )
            from thetis.rejected_webhooks_of(v_email, '{}') as found
            inner join thetis.rejected_webhooks as kept on found.id = kept.id
        ),
        'privacy_requests', (
            select jsonb_agg(to_jsonb(asked) - 'request_hash' order by asked.id)
            from thetis.privacy_requests as asked where asked.email = v_email
        ),
        'copied_enrollments', (
            select jsonb_agg(to_jsonb(copied) order by copied.id)
            from thetis.copied_enrollments_of(v_email, v_ids) as copied
        )
    );
    insert into thetis.audit_log (operator, action, email) values (v_operator, 'export', v_email);
    return (
        select
            jsonb_object_agg(
                part.key,
                case
                    when part.value = 'null' and part.key <> 'account' then '[]'
                    else part.value
                end
            )
        from jsonb_each(v_export) as part
    );
end;
$$;

-- Privileges

alter table thetis.erasure_key enable row level security;
alter table thetis.erased_addresses enable row level security;

revoke all on table thetis.erasure_key from public, anon, authenticated, service_role;
revoke all on table thetis.erased_addresses from public, anon, authenticated, service_role;
revoke all on function thetis.address_hash(text) from public, anon, authenticated, service_role;
revoke all on function thetis.erase_returned_orders(text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.address_pattern(text) from public, anon, authenticated, service_role;
revoke all on function thetis.without_others(text, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.mentions(text, text) from public, anon, authenticated, service_role;
revoke all on function thetis.body_text(bytea) from public, anon, authenticated, service_role;
revoke all on function thetis.body_json(bytea) from public, anon, authenticated, service_role;
revoke all on function thetis.rejected_webhooks_of(text, text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.erase_rejected_webhooks(text, text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.copied_enrollments_of(text, uuid[])
from public, anon, authenticated, service_role;
revoke all on function thetis.audit_rows_of(text, text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.orders_of_address(text)
from public, anon, authenticated, service_role;
revoke all on function public.export_customer(text, text)
from public, anon, authenticated, service_role;
grant execute on function public.export_customer(text, text) to authenticated, service_role;
