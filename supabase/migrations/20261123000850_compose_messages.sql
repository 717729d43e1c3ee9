-- What messages say: what is active, what was named of it, and what there is to tell.

-- What is active, and whom to tell. A purchase that somebody owns keeps the address it was linked
-- by, so nobody else is written to when its order's address is corrected.
create view thetis.live_purchases
with (security_invoker = true) as
select
    stored.id,
    stored.shopify_order_id,
    stored.shopify_customer_email as email,
    stored.user_id,
    stored.product_slug,
    coalesce(product.category, 'other') as category,
    product.name
from public.purchases as stored
left join public.products as product on stored.product_slug = product.slug
where
    -- "is true", so that no guess makes the planner read all that is active by its index
    (stored.status = 'active') is true
    and stored.shopify_customer_email <> '';

-- What the messages of these orders name.
create view thetis.named_purchases
with (security_invoker = true) as
select
    message.shopify_order_id,
    message.kind,
    message.email,
    message.run,
    message.uncertain_since is not null as may_have_arrived,
    named.purchase_id,
    live.id is not null as is_live
from thetis.notifications as message
cross join lateral unnest(message.purchase_ids) as named (purchase_id)
left join thetis.live_purchases as live
    on named.purchase_id = live.id and message.email = live.email
where
    message.attempts > 0
    and message.email <> ''  -- nobody runs anything for somebody erased
    and message.kind in ('post_purchase', 'course_access')
    and (message.status <> 'skipped' or message.uncertain_since is not null);

-- The run of each order and address that a next trigger may join: the last that was begun and
-- neither is nor may have been cancelled.
create view thetis.open_runs
with (security_invoker = true) as
select
    begun.shopify_order_id,
    begun.email,
    max(begun.run) as run
from thetis.notifications as begun
where
    begun.kind = 'post_purchase'
    and begun.attempts > 0
    and begun.email <> ''
    and begun.status <> 'skipped'
    and not exists (
        select from thetis.notifications as cancellation
        where
            cancellation.kind = 'post_purchase_cancel'
            and cancellation.shopify_order_id = begun.shopify_order_id
            and cancellation.run = begun.run
            and cancellation.email = begun.email
            and (cancellation.status <> 'skipped' or cancellation.attempts > 0)
    )
group by begun.shopify_order_id, begun.email;

-- What is active in these orders, put into the words of a message for each order, kind and address:
-- what messages have named (is_named) apart from what they have not. The payload holds the facts,
-- from which the service makes what a provider's API wants.
--   post_purchase   {order_id, order_number, email, run, is_addition, products, categories,
--                    purchases: [{id, product, category}]}
--   course_access   {order_number, email, has_account, is_addition, courses: [{slug, name}]};
--                   `has_account`: who reads the email finds the courses in their account already;
--                   with `signs_in_elsewhere` it is one that proved this address beside its own
-- `is_addition`: something of the order was announced to this address before.
-- p_has_messages: do the orders have any yet? Most are new and have none, and nothing is looked up.
create function thetis.compose_messages(p_order_ids text[], p_has_messages boolean)
returns table (
    shopify_order_id text,
    kind text,
    email text,
    is_named boolean,
    purchase_ids uuid[],
    run integer,
    payload jsonb,
    is_test boolean,
    is_historic boolean
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        told.shopify_order_id,
        told.kind,
        told.email,
        told.is_named,
        told.purchase_ids,
        series.run,
        case told.kind
            when 'post_purchase' then jsonb_build_object(
                'order_id', told.shopify_order_id,
                'order_number', orders.order_number,
                'email', told.email,
                'run', series.run,
                'is_addition', earlier.is_addition,
                'products', told.products,
                'categories', told.categories,
                'purchases', told.purchases
            )
            else jsonb_build_object(
                'order_number', orders.order_number,
                'email', told.email,
                'has_account', told.has_account,
                'is_addition', earlier.is_addition,
                'courses', told.courses
            ) || case
                when told.has_account and told.signs_in_elsewhere
                    then '{"signs_in_elsewhere": true}'::jsonb
                else '{}'
            end
        end,
        orders.is_test,
        orders.is_historic
    from (
        select
            each.shopify_order_id,
            each.email,
            each.kind,
            each.is_named,
            array_agg(each.id order by each.id) as purchase_ids,
            jsonb_agg(distinct each.product_slug) as products,
            jsonb_agg(distinct each.category) as categories,
            jsonb_agg(
                jsonb_build_object(
                    'id', each.id, 'product', each.product_slug, 'category', each.category
                )
                order by each.product_slug asc, each.id asc
            ) as purchases,
            jsonb_agg(distinct jsonb_build_object('slug', each.product_slug, 'name', each.name))
                as courses,
            bool_and(
                each.kind = 'course_access'
                and each.user_id is not null
                and (
                    thetis.is_address_of(each.user_id, each.email)
                    or thetis.has_proven(each.user_id, each.email)
                )
            ) as has_account,
            bool_or(
                each.kind = 'course_access'
                and each.user_id is not null
                and not thetis.is_address_of(each.user_id, each.email)
            ) as signs_in_elsewhere
        from (
            select
                live.*,
                kind.kind,
                -- looked up in a hash: an order may have thousands of lines
                p_has_messages
                and (live.shopify_order_id, kind.kind, live.email, live.id) in (
                    select named.shopify_order_id, named.kind, named.email, named.purchase_id
                    from thetis.named_purchases as named
                    where named.shopify_order_id = any(p_order_ids)
                ) as is_named
            from thetis.live_purchases as live
            cross join lateral (values ('post_purchase'), ('course_access')) as kind (kind)
            where
                live.shopify_order_id = any(p_order_ids)
                and (kind.kind = 'post_purchase' or live.category = 'course')
        ) as each
        group by each.shopify_order_id, each.email, each.kind, each.is_named
    ) as told
    inner join thetis.orders on told.shopify_order_id = orders.shopify_order_id
    cross join lateral (
        select
            p_has_messages
            and exists (
                select from thetis.named_purchases as named
                where
                    named.shopify_order_id = told.shopify_order_id
                    and named.kind = told.kind
                    and named.email = told.email
            ) as is_addition
    ) as earlier
    cross join lateral (
        select
            case
                when told.kind <> 'post_purchase' then null
                when not p_has_messages then 1
                else coalesce(
                    (
                        select open_runs.run from thetis.open_runs
                        where
                            open_runs.shopify_order_id = told.shopify_order_id
                            and open_runs.email = told.email
                    ),
                    (
                        select max(begun.run) + 1 from thetis.notifications as begun
                        where
                            begun.shopify_order_id = told.shopify_order_id
                            and begun.kind = 'post_purchase'
                            and begun.attempts > 0
                    ),
                    1
                )
            end as run
    ) as series;
end;
$$;

-- Privileges

revoke all on table thetis.live_purchases from public, anon, authenticated, service_role;
revoke all on table thetis.named_purchases from public, anon, authenticated, service_role;
revoke all on table thetis.open_runs from public, anon, authenticated, service_role;
revoke all on function thetis.compose_messages(text[], boolean)
from public, anon, authenticated, service_role;
