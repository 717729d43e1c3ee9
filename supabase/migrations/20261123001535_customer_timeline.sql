-- "I paid, where is my course?": one document about one customer, the answer first.

-- For each product what is closest to access, with the reason.
create function thetis.customer_answer(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'product', best.product,
                        'name', product.name,
                        'has_access', best.reason = 'has_access',
                        'reason', best.reason,
                        'since', date_trunc('second', best.since),
                        'until', date_trunc('second', best.until),
                        'purchase_id', best.id,
                        'order_number', orders.order_number,
                        'address', best.address,
                        'owner_address', best.owner_address
                    )
                    order by best.rank, best.product
                ),
                '[]'
            )
        from (
            select distinct on (each.product) each.*
            from (
                select
                    product, reason, rank, since, until, id, address, owner_address,
                    shopify_order_id
                from thetis.explain_purchases(p_customer)
                union all
                select product, reason, 90, since, null, null, null, null, shopify_order_id
                from thetis.explain_missing(p_customer.order_ids)
            ) as each
            order by
                each.product asc, each.rank asc, each.until desc nulls first, each.since asc, each.id
        ) as best
        left join public.products as product on best.product = product.slug
        left join thetis.orders on best.shopify_order_id = orders.shopify_order_id
    );
end;
$$;

create function thetis.customer_accounts(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'user_id', users.id,
                        'address', users.email,
                        'created_at', date_trunc('second', users.created_at),
                        'confirmed_at', date_trunc('second', users.email_confirmed_at),
                        'last_sign_in_at', date_trunc('second', users.last_sign_in_at),
                        'is_single_sign_on', users.is_sso_user,
                        'proven_addresses', (
                            select
                                coalesce(
                                    jsonb_agg(
                                        jsonb_build_object(
                                            'address', proven.email,
                                            'proven_at', date_trunc('second', proven.proven_at)
                                        )
                                        order by proven.proven_at, proven.email
                                    ),
                                    '[]'
                                )
                            from thetis.proven_addresses as proven
                            where proven.user_id = users.id
                        ),
                        'deleted_at', date_trunc('second', users.deleted_at)
                    )
                    order by users.created_at, users.id
                ),
                '[]'
            )
        from auth.users
        where users.id = any(p_customer.user_ids)
    );
end;
$$;

create function thetis.customer_purchases(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', each.id,
                        'product', each.product,
                        'reason', each.reason,
                        'status', stored.status,
                        'source',
                        case
                            when given.purchase_id is not null then 'grant'
                            when stored.shopify_line_item_id is not null then 'order_line'
                            else 'enrollment'
                        end,
                        'order_number', stored.shopify_order_number,
                        'shopify_order_id', stored.shopify_order_id,
                        'address', each.address,
                        'user_id', each.user_id,
                        'owned_by', each.owned_by,
                        'purchased_at', date_trunc('second', stored.purchased_at),
                        'expires_at', date_trunc('second', stored.expires_at),
                        'is_revoked', coalesce(override.is_revoked, false),
                        'transferred_to', override.transferred_to,
                        'extended_to', override.extended_to
                    )
                    order by each.purchased_at, each.id
                ),
                '[]'
            )
        from thetis.explain_purchases(p_customer) as each
        inner join public.purchases as stored on each.id = stored.id
        left join thetis.overrides as override on each.id = override.purchase_id
        left join thetis.grants as given on each.id = given.purchase_id
    );
end;
$$;

create function thetis.customer_orders(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = 'force_custom_plan'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    to_jsonb(orders) || jsonb_build_object(
                        'lines', (
                            select coalesce(jsonb_agg(
                                to_jsonb(line) - 'shopify_order_id'
                                order by line.shopify_line_item_id
                            ), '[]')
                            from thetis.order_lines as line
                            where line.shopify_order_id = orders.shopify_order_id
                        ),
                        'refunds', (
                            select coalesce(jsonb_agg(
                                to_jsonb(refund) - 'shopify_order_id'
                                order by refund.shopify_refund_id, refund.shopify_line_item_id
                            ), '[]')
                            from thetis.refunds as refund
                            where refund.shopify_order_id = orders.shopify_order_id
                        ),
                        'disputes', (
                            select coalesce(jsonb_agg(
                                to_jsonb(dispute) - 'shopify_order_id'
                                order by dispute.first_recorded_at, dispute.shopify_dispute_id
                            ), '[]')
                            from thetis.disputes as dispute
                            where dispute.shopify_order_id = orders.shopify_order_id
                        )
                    )
                    order by orders.purchased_at, orders.shopify_order_id
                ),
                '[]'
            )
        from thetis.orders
        where orders.shopify_order_id = any(p_customer.order_ids)
    );
end;
$$;

create function thetis.customer_messages(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = 'force_custom_plan'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', message.id,
                        'kind', message.kind,
                        'status', message.status,
                        'shopify_order_id', message.shopify_order_id,
                        'address', message.email,
                        'attempts', message.attempts,
                        'enqueued_at', date_trunc('second', message.enqueued_at),
                        'due_at', date_trunc('second', message.due_at),
                        'settled_at', date_trunc('second', message.settled_at),
                        'last_error', message.last_error,
                        'resend_reason', message.resend_reason,
                        'delivery', delivery.state,
                        'delivery_reason', delivery.reason
                    )
                    order by message.enqueued_at, message.kind, message.id
                ),
                '[]'
            )
        from thetis.notifications as message
        left join thetis.email_deliveries as delivery on message.id = delivery.notification_id
        where message.id in (
            select by_order.id from thetis.notifications as by_order
            where by_order.shopify_order_id = any(p_customer.order_ids)
            union
            select by_email.id from thetis.notifications as by_email
            where
                by_email.kind = 'claim_code'
                and by_email.email <> ''
                and by_email.email = any(p_customer.emails)
            union
            select asked.id from thetis.claim_codes as asked
            where asked.user_id = any(p_customer.user_ids)
        )
    );
end;
$$;

-- What operators did, who looked, and what the customer did about an address.
create function thetis.customer_acts(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = 'force_custom_plan'
as $$
begin
    return (
        select coalesce(jsonb_agg(to_jsonb(act) order by act.id), '[]')
        from thetis.audit_log as act
        where act.id in (
            select by_email.id from thetis.audit_log as by_email
            where by_email.email = any(p_customer.emails)
            union all
            select by_order.id from thetis.audit_log as by_order
            where by_order.shopify_order_id = any(p_customer.order_ids)
            union all
            select by_customer.id from thetis.audit_log as by_customer
            where
                by_customer.operator = any(p_customer.user_ids::text[])
                and by_customer.action in ('request_code', 'prove_address', 'remove_address')
            union all
            select by_purchase.id from thetis.audit_log as by_purchase
            where by_purchase.purchase_id in (
                select each.id from thetis.explain_purchases(p_customer) as each
            )
        )
    );
end;
$$;

-- Rejected webhooks that name one of the orders or addresses, of the latest thousand.
create function thetis.customer_rejected(p_customer thetis.customer)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', kept.id,
                        'topic', kept.topic,
                        'reason', kept.reason,
                        'received_at', date_trunc('second', kept.received_at),
                        'replayed_at', date_trunc('second', kept.replayed_at)
                    )
                    order by kept.id
                ),
                '[]'
            )
        from (
            select latest.* from thetis.rejected_webhooks as latest
            order by latest.id desc
            limit 1000
        ) as kept
        where exists (
            select from unnest(p_customer.order_ids || p_customer.emails) as name
            where position(convert_to(name, 'UTF8') in kept.body) > 0
        )
    );
end;
$$;

-- All that is known of a customer; who asked is written down:
--   query, found_by  what was asked, and how it was understood; null: nothing found
--   addresses        whom it is about
--   answer           [{product, name, has_access, reason, since, until, purchase_id, order_number,
--                    address, owner_address}], the best first; see explain_purchases for reasons
--   accounts, purchases, orders, messages, acts, rejected   in the order of time
--   near_misses      {addresses, orders}: what else may be meant
create function public.customer_timeline(query text, operator text default null)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'  -- by key, whatever the statistics say: docs/decisions/0012
set enable_hashjoin = 'off'
set enable_mergejoin = 'off'
as $$
declare
    v_operator text := thetis.operator(customer_timeline.operator, false);
    v_customer thetis.customer := thetis.find_customer(customer_timeline.query);
    v_answer jsonb := thetis.customer_answer(v_customer);
begin
    insert into thetis.audit_log (operator, action, email, shopify_order_id)
    values (
        v_operator,
        'show',
        v_customer.emails[1],
        case when v_customer.found_by = 'order' then v_customer.order_ids[1] end
    );
    return jsonb_build_object(
        'query', customer_timeline.query,
        'found_by',
        case
            when
                v_answer <> '[]'
                or cardinality(v_customer.user_ids) > 0
                or cardinality(v_customer.order_ids) > 0
                then v_customer.found_by
        end,
        'addresses', to_jsonb(v_customer.emails),
        'answer', v_answer,
        'accounts', thetis.customer_accounts(v_customer),
        'purchases', thetis.customer_purchases(v_customer),
        'orders', thetis.customer_orders(v_customer),
        'messages', thetis.customer_messages(v_customer),
        'acts', thetis.customer_acts(v_customer),
        'rejected', thetis.customer_rejected(v_customer),
        'near_misses', jsonb_build_object(
            'addresses', case
                when v_customer.found_by = 'address' and not v_answer @> '[{"has_access": true}]'
                    then to_jsonb(thetis.near_addresses(v_customer.emails[1]))
                else '[]'
            end,
            'orders', case
                when v_customer.found_by is null
                    then to_jsonb(thetis.near_orders(customer_timeline.query))
                else '[]'
            end
        )
    );
end;
$$;

-- Privileges

revoke all on function thetis.customer_answer(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.customer_accounts(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.customer_purchases(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.customer_orders(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.customer_messages(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.customer_acts(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function thetis.customer_rejected(thetis.customer)
from public, anon, authenticated, service_role;
revoke all on function public.customer_timeline(text, text)
from public, anon, authenticated, service_role;
grant execute on function public.customer_timeline(text, text) to authenticated, service_role;
