-- The database after all migrations, as pg_dump writes it: for reading and for comparing, not for
-- running. Written by `make schema`; a test sees to it that it is current.

CREATE SCHEMA private;

COMMENT ON SCHEMA private IS 'Machinery of Thetis. Not an interface: use the functions in public.';

CREATE SCHEMA public;

COMMENT ON SCHEMA public IS 'standard public schema';

CREATE TYPE thetis.purchase_status AS ENUM (
    'active',
    'expired',
    'cancelled',
    'refunded'
);

CREATE TYPE thetis.heard_line AS (
	shopify_order_id text,
	shopify_line_item_id text,
	product_slug text,
	quantity integer,
	is_granted boolean,
	ended thetis.purchase_status
);

CREATE TYPE thetis.purchase_change AS (
	shopify_order_id text,
	product_slug text,
	was text,
	became text
);

CREATE FUNCTION thetis.apply_facts(p_order_ids text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    v_changes thetis.purchase_change[];
begin
    perform thetis.lock_emails(array(
        select known.email from thetis.orders as known
        where known.shopify_order_id = any(p_order_ids)
        union
        select stored.shopify_customer_email from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
    ));

    v_changes := thetis.update_purchases(p_order_ids);
    if cardinality(v_changes) > 0 then
        perform thetis.update_messages(v_changes);
    end if;
    return array(select distinct change.shopify_order_id from unnest(v_changes) as change);
end;
$$;

CREATE FUNCTION thetis.bury_stale_notifications() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

CREATE FUNCTION thetis.confirmed_user_id(p_email text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    return (
        select users.id
        from auth.users
        where
            users.email = p_email
            and p_email <> ''
            and users.is_sso_user = false
            and users.email_confirmed_at is not null
            and users.deleted_at is null
        for key share
    );
end;
$$;

CREATE FUNCTION thetis.course_access_payload(p_order_id text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    return (
        select jsonb_build_object(
            'to', known.email,
            'order_number', known.order_number,
            'has_account', bool_and(exists (
                select from auth.users
                where users.id = bought.user_id and users.email = known.email
            )),
            'courses', jsonb_agg(
                distinct jsonb_build_object('slug', product.slug, 'name', product.name)
            )
        )
        from thetis.orders as known
        inner join public.purchases as bought on known.shopify_order_id = bought.shopify_order_id
        inner join public.products as product on bought.product_slug = product.slug
        where
            known.shopify_order_id = p_order_id
            and bought.status = 'active'
            and product.category = 'course'
        group by known.email, known.order_number
    );
end;
$$;

CREATE FUNCTION thetis.hear_lines(p_lines thetis.heard_line[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.order_lines as known (
            shopify_order_id, shopify_line_item_id, product_slug, quantity, is_granted, ended
        )
        select
            heard.shopify_order_id,
            heard.shopify_line_item_id,
            max(heard.product_slug),
            max(heard.quantity),
            bool_or(heard.is_granted),
            max(heard.ended)
        from unnest(p_lines) as heard
        group by heard.shopify_order_id, heard.shopify_line_item_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            product_slug = coalesce(known.product_slug, excluded.product_slug),
            quantity = greatest(known.quantity, excluded.quantity),
            is_granted = known.is_granted or excluded.is_granted,
            ended = greatest(known.ended, excluded.ended)
        where
            (known.product_slug is null and excluded.product_slug is not null)
            or excluded.quantity > coalesce(known.quantity, -1)
            or (excluded.is_granted and not known.is_granted)
            or greatest(known.ended, excluded.ended) is distinct from known.ended
        returning known.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.hear_orders(p_orders jsonb, p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    insert into thetis.orders as known (
        shopify_order_id, order_number, email, email_as_of, purchased_at,
        paid_as_of, voided_as_of
    )
    select distinct on (heard.shopify_order_id)
        heard.shopify_order_id,
        heard.order_number,
        heard.email,
        heard.as_of,
        heard.purchased_at,
        min(heard.as_of) filter (where heard.is_paid) over same_order,
        max(heard.as_of) filter (where heard.is_voided) over same_order
    from (
        select
            entry ->> 'id' as shopify_order_id,
            entry ->> 'order_number' as order_number,
            thetis.order_email(entry) as email,
            coalesce((entry ->> 'updated_at')::timestamptz, '-infinity') as as_of,
            coalesce(entry ->> 'processed_at', entry ->> 'created_at')::timestamptz as purchased_at,
            thetis.is_paid(entry) as is_paid,
            entry ->> 'financial_status' = 'voided' as is_voided
        from jsonb_array_elements(p_orders) as ordered (entry)
    ) as heard
    where heard.shopify_order_id = any(p_order_ids)
    window same_order as (partition by heard.shopify_order_id)
    order by
        heard.shopify_order_id asc,
        heard.email is null asc,
        heard.as_of desc,
        heard.email desc
    on conflict (shopify_order_id) do update set
        order_number = coalesce(known.order_number, excluded.order_number),
        purchased_at = coalesce(known.purchased_at, excluded.purchased_at),
        paid_as_of = least(known.paid_as_of, excluded.paid_as_of),
        voided_as_of = greatest(known.voided_as_of, excluded.voided_as_of),
        (email, email_as_of) = (
            select address.email, address.as_of
            from (
                values (known.email, known.email_as_of), (excluded.email, excluded.email_as_of)
            ) as address (email, as_of)
            order by address.email is null asc, address.as_of desc, address.email desc
            limit 1
        )
    where
        known.purchased_at is null
        or (excluded.email is not null and known.email is null)
        or (excluded.email_as_of, excluded.email) > (known.email_as_of, known.email)
        or least(known.paid_as_of, excluded.paid_as_of) is distinct from known.paid_as_of
        or greatest(known.voided_as_of, excluded.voided_as_of) is distinct from known.voided_as_of;
end;
$$;

CREATE FUNCTION thetis.hear_refunds(p_refunds jsonb) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.refunds as known (
            shopify_refund_id, shopify_line_item_id, shopify_order_id, quantity
        )
        select distinct on (1, 2)
            refund.entry ->> 'id',
            line.entry ->> 'line_item_id',
            refund.entry ->> 'order_id',
            sum((line.entry ->> 'quantity')::bigint)
        from jsonb_array_elements(p_refunds) with ordinality as refund (entry, place)
        cross join lateral jsonb_array_elements(
            refund.entry -> 'refund_line_items'
        ) as line (entry)
        group by refund.place, 1, 2, 3
        order by 1, 2, 4 desc
        on conflict (shopify_refund_id, shopify_line_item_id) do update set
            quantity = excluded.quantity
        where excluded.quantity > known.quantity
        returning known.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.heard_lines(p_orders jsonb) RETURNS thetis.heard_line[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return array(
        select
            row(
                ordered.entry ->> 'id',
                line.entry ->> 'id',
                product.product_slug,
                (line.entry ->> 'quantity')::integer,
                thetis.is_paid(ordered.entry),
                greatest(
                    case
                        when ordered.entry ->> 'cancelled_at' is not null
                            then 'cancelled'::thetis.purchase_status
                    end,
                    case
                        when ordered.entry ->> 'financial_status' = 'refunded'
                            then 'refunded'::thetis.purchase_status
                    end,
                    case
                        when line.entry ->> 'current_quantity' = '0'
                            then 'refunded'::thetis.purchase_status
                    end
                )
            )::thetis.heard_line
        from jsonb_array_elements(p_orders) as ordered (entry)
        cross join lateral jsonb_array_elements(ordered.entry -> 'line_items') as line (entry)
        left join thetis.shopify_products as product
            on line.entry ->> 'product_id' = product.shopify_product_id
        where
            product.product_slug is not null
            or line.entry ->> 'product_id' is null
            or (
                select true from thetis.order_lines as known
                where
                    known.shopify_order_id = ordered.entry ->> 'id'
                    and known.shopify_line_item_id = line.entry ->> 'id'
            )
    );
end;
$$;

CREATE FUNCTION thetis.is_paid(p_order jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return coalesce(
        p_order ->> 'financial_status' in ('paid', 'partially_refunded', 'refunded'), false
    );
end;
$$;

CREATE FUNCTION thetis.is_quantity(p_value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select p_value #>> '{}' ~ '^[0-9]{1,9}$';
$_$;

CREATE FUNCTION thetis.is_shopify_id(p_value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $_$
    select p_value #>> '{}' ~ '^[1-9][0-9]{0,18}$';
$_$;

CREATE FUNCTION thetis.judge_orders(p_order_ids text[], OUT tracked text[], OUT without_email text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    select
        array_agg(line.shopify_order_id),
        array_agg(line.shopify_order_id) filter (
            where
            known.email is null
            and line.is_granted
            and line.ended is null
            and not exists (
                select from public.purchases as stored
                where
                    stored.shopify_order_id = line.shopify_order_id
                    and stored.shopify_line_item_id = line.shopify_line_item_id
            )
        )
    into tracked, without_email
    from thetis.order_lines as line
    inner join thetis.orders as known on line.shopify_order_id = known.shopify_order_id
    where line.shopify_order_id = any(p_order_ids) and line.product_slug is not null;
end;
$$;

CREATE FUNCTION thetis.knock_trigger_payload(p_order_id text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return (
        select jsonb_build_object(
            'workflow', 'post-purchase',
            'recipient', jsonb_build_object('id', known.email, 'email', known.email),
            'cancellation_key', p_order_id,
            'data', jsonb_build_object(
                'order_number', known.order_number,
                'products_ordered', jsonb_agg(distinct bought.product_slug),
                'categories_ordered', jsonb_agg(distinct coalesce(product.category, 'other'))
            )
        )
        from thetis.orders as known
        inner join public.purchases as bought on known.shopify_order_id = bought.shopify_order_id
        left join public.products as product on bought.product_slug = product.slug
        where known.shopify_order_id = p_order_id and bought.status = 'active'
        group by known.email, known.order_number
    );
end;
$$;

CREATE FUNCTION thetis.link_purchases(p_user_id uuid) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    v_email text;
    v_linked integer;
begin
    select users.email into v_email from auth.users where users.id = p_user_id;
    perform thetis.lock_emails(array[v_email]);

    if thetis.confirmed_user_id(v_email) is distinct from p_user_id then
        return 0;
    end if;

    update public.purchases set user_id = p_user_id
    where shopify_customer_email = v_email and user_id is null;

    get diagnostics v_linked = row_count;
    return v_linked;
end;
$$;

CREATE FUNCTION thetis.link_purchases_to_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '3s'
    AS $$
begin
    if new.deleted_at is null then
        perform thetis.link_purchases(new.id);
    else
        update public.purchases set user_id = null
        where user_id = new.id;
    end if;
    return null;
exception when others then
    raise warning 'link_purchases_to_user: user % not linked: % (%)', new.id, sqlerrm, sqlstate;
    return null;
end;
$$;

CREATE FUNCTION thetis.lock_emails(p_emails text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock(hashtext('thetis.purchases.email'), bucket.number)
    from (
        select distinct mod(abs(hashtext(address)::bigint), 1024)::integer as number
        from unnest(p_emails) as address
        where address is not null
        order by number
    ) as bucket;
end;
$$;

CREATE FUNCTION thetis.lock_orders(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    insert into thetis.orders as known (shopify_order_id)
    select distinct order_id from unnest(p_order_ids) as order_id order by order_id
    on conflict (shopify_order_id) do update set shopify_order_id = excluded.shopify_order_id
    where false;
end;
$$;

CREATE FUNCTION thetis.merged_status(p_stored text, p_derived thetis.purchase_status) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    AS $$
    select case p_stored
        when 'refunded' then p_derived
        else greatest(p_stored::thetis.purchase_status, p_derived)
    end::text;
$$;

CREATE FUNCTION thetis.normalised_email(p_email text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return nullif(lower(btrim(p_email, E' \t\r\n')), '');
end;
$$;

CREATE FUNCTION thetis.order_email(p_order jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return coalesce(
        thetis.normalised_email(p_order ->> 'email'),
        thetis.normalised_email(p_order ->> 'contact_email'),
        thetis.normalised_email(p_order #>> '{customer,email}')
    );
end;
$$;

CREATE FUNCTION thetis.order_faults(p_orders jsonb) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $_$
begin
    return array(
        select
            case
                when jsonb_typeof(ordered.entry) is distinct from 'object' then 'not an object'
                when (ordered.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
                    then 'id: not a Shopify id'
                when jsonb_typeof(ordered.entry -> 'line_items') is distinct from 'array'
                    then 'line_items: not an array'
                when exists (
                    select from jsonb_array_elements(ordered.entry -> 'line_items') as line (entry)
                    where
                        (line.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
                        or (line.entry ->> 'quantity' ~ '^[0-9]{1,9}$') is not true
                        or (line.entry ->> 'current_quantity' ~ '^[0-9]{1,9}$') is false
                ) then 'line_items: an id or a quantity is not usable'
                when jsonb_typeof(ordered.entry -> 'refunds') not in ('array', 'null')
                    then 'refunds: not an array'
                when jsonb_typeof(ordered.entry -> 'refunds') = 'array' and exists (
                    select from jsonb_array_elements(ordered.entry -> 'refunds') as refund (entry)
                    where thetis.refund_fault(refund.entry) is not null
                ) then 'refunds: one is not usable'
                when
                    not pg_input_is_valid(ordered.entry ->> 'updated_at', 'timestamptz')
                    or not pg_input_is_valid(ordered.entry ->> 'processed_at', 'timestamptz')
                    or not pg_input_is_valid(ordered.entry ->> 'created_at', 'timestamptz')
                    or not pg_input_is_valid(ordered.entry ->> 'cancelled_at', 'timestamptz')
                    then 'updated_at, processed_at, created_at or cancelled_at: not a timestamp'
                when
                    jsonb_typeof(ordered.entry -> 'email') not in ('string', 'null')
                    or jsonb_typeof(ordered.entry -> 'contact_email') not in ('string', 'null')
                    or jsonb_typeof(ordered.entry #> '{customer,email}') not in ('string', 'null')
                    then 'email, contact_email or customer.email: not text'
            end
        from jsonb_array_elements(p_orders) with ordinality as ordered (entry, ordinal)
        order by ordered.ordinal
    );
end;
$_$;

CREATE FUNCTION thetis.owe_cancellations(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    insert into thetis.notifications (kind, shopify_order_id, payload, due_at)
    select
        'knock.cancel',
        started.shopify_order_id,
        jsonb_build_object(
            'workflow', started.payload -> 'workflow',
            'recipients', jsonb_build_array(started.payload -> 'recipient' -> 'id'),
            'cancellation_key', started.payload -> 'cancellation_key'
        ),
        greatest(
            now(), coalesce(started.leased_until, started.settled_at) + interval '6 seconds'
        )
    from thetis.notifications as started
    where
        started.shopify_order_id = any(p_order_ids)
        and started.kind = 'knock.trigger'
        and started.attempts > 0
        and not exists (
            select from public.purchases as kept
            where kept.shopify_order_id = started.shopify_order_id and kept.status = 'active'
        )
    on conflict (shopify_order_id, kind) do update set
        status = excluded.status, due_at = excluded.due_at, settled_at = null
    where notifications.status = 'skipped';
end;
$$;

CREATE FUNCTION thetis.owe_messages(p_changes thetis.purchase_change[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    insert into thetis.notifications (kind, shopify_order_id, payload)
    select owed.kind, owed.shopify_order_id, owed.payload
    from (
        select
            due.kind,
            due.shopify_order_id,
            case due.kind
                when 'knock.trigger' then thetis.knock_trigger_payload(due.shopify_order_id)
                else thetis.course_access_payload(due.shopify_order_id)
            end as payload
        from (
            select distinct
                message.kind,
                change.shopify_order_id
            from unnest(p_changes) as change
            inner join thetis.orders as known
                on change.shopify_order_id = known.shopify_order_id
            left join public.products as product on change.product_slug = product.slug
            inner join (values ('knock.trigger'), ('resend.course_access')) as message (kind)
                on message.kind = 'knock.trigger' or product.category = 'course'
            where
                change.became = 'active'
                and change.was is distinct from 'active'
                and known.email <> ''
                and known.first_heard_at
                < coalesce(known.purchased_at, known.first_heard_at) + interval '3 days'
        ) as due
    ) as owed
    where owed.payload is not null
    on conflict (shopify_order_id, kind) do update set
        payload = case notifications.attempts
            when 0 then excluded.payload else notifications.payload
        end,
        status = excluded.status,
        due_at = greatest(excluded.due_at, notifications.leased_until),
        settled_at = null
    where
        (notifications.status = 'pending' and notifications.attempts = 0)
        or (
            notifications.status = 'skipped'
            and not exists (
                select from thetis.notifications as cancellation
                where
                    notifications.kind = 'knock.trigger'
                    and cancellation.shopify_order_id = notifications.shopify_order_id
                    and cancellation.kind = 'knock.cancel'
                    and cancellation.attempts > 0
            )
        );
end;
$$;

CREATE FUNCTION thetis.refund_fault(p_refund jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return case
        when jsonb_typeof(p_refund) is distinct from 'object' then 'not an object'
        when thetis.is_shopify_id(p_refund -> 'id') is not true then 'id: not a Shopify id'
        when jsonb_typeof(p_refund -> 'refund_line_items') is distinct from 'array'
            then 'refund_line_items: not an array'
        when exists (
            select from jsonb_array_elements(p_refund -> 'refund_line_items') as line (entry)
            where
                thetis.is_shopify_id(line.entry -> 'line_item_id') is not true
                or thetis.is_quantity(line.entry -> 'quantity') is not true
        ) then 'refund_line_items: an id or a quantity is not usable'
    end;
end;
$$;

CREATE FUNCTION thetis.refunds_of(p_orders jsonb, p_order_ids text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO ''
    AS $$
begin
    return (
        select jsonb_agg(
            refund.entry || jsonb_build_object('order_id', ordered.entry -> 'id')
        )
        from jsonb_array_elements(p_orders) as ordered (entry)
        cross join lateral jsonb_array_elements(
            coalesce(nullif(ordered.entry -> 'refunds', 'null'), '[]')
        ) as refund (entry)
        where ordered.entry ->> 'id' = any(p_order_ids)
    );
end;
$$;

CREATE FUNCTION thetis.retry_delay(p_attempts integer, p_retry_after_seconds double precision) RETURNS interval
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select make_interval(secs => greatest(
        least(5 * 2 ^ least(p_attempts - 1, 10), 3600) * (0.75 + random() / 2),
        least(coalesce(p_retry_after_seconds, 0), 43200)
    ));
$$;

CREATE FUNCTION thetis.revise_messages(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    update thetis.notifications as waiting
    set
        payload = case
            when waiting.attempts = 0 then coalesce(revised.payload, waiting.payload)
            else waiting.payload
        end,
        status = case when revised.payload is null then 'skipped' else waiting.status end,
        settled_at = case when revised.payload is null then now() end
    from (
        select
            pending.id,
            case pending.kind
                when 'knock.trigger' then thetis.knock_trigger_payload(pending.shopify_order_id)
                else thetis.course_access_payload(pending.shopify_order_id)
            end as payload
        from thetis.notifications as pending
        where
            pending.shopify_order_id = any(p_order_ids)
            and pending.kind in ('knock.trigger', 'resend.course_access')
            and pending.settled_at is null
        for update
    ) as revised
    where waiting.id = revised.id;
end;
$$;

CREATE FUNCTION thetis.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    if new is distinct from old then
        new.updated_at := now();
    end if;
    return new;
end;
$$;

CREATE FUNCTION thetis.update_messages(p_changes thetis.purchase_change[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    v_revised text[] := array(
        select distinct change.shopify_order_id
        from unnest(p_changes) as change
        where change.was is not null
    );
begin
    perform thetis.owe_messages(p_changes);
    perform thetis.withdraw_cancellations(
        array(select distinct change.shopify_order_id from unnest(p_changes) as change)
    );
    if cardinality(v_revised) > 0 then
        perform thetis.revise_messages(v_revised);
        perform thetis.owe_cancellations(v_revised);
    end if;
end;
$$;

CREATE FUNCTION thetis.update_purchases(p_order_ids text[]) RETURNS thetis.purchase_change[]
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    v_changes thetis.purchase_change[];
    v_user_ids uuid[] := array(
        select thetis.confirmed_user_id(known.email)
        from unnest(p_order_ids) with ordinality as given (order_id, place)
        left join thetis.orders as known on given.order_id = known.shopify_order_id
        order by given.place
    );
begin
    with before as (
        select stored.id, stored.status
        from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
    ),

    written as (
        insert into public.purchases as stored (
            user_id, product_slug, shopify_order_id, shopify_order_number,
            shopify_customer_email, shopify_line_item_id, status, purchased_at, expires_at
        )
        select
            owner.user_id,
            derived.product_slug,
            derived.shopify_order_id,
            derived.shopify_order_number,
            derived.shopify_customer_email,
            derived.shopify_line_item_id,
            derived.status,
            derived.purchased_at,
            derived.expires_at
        from unnest(p_order_ids, v_user_ids) as owner (shopify_order_id, user_id)
        inner join thetis.derived_purchases as derived
            on owner.shopify_order_id = derived.shopify_order_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            user_id = coalesce(stored.user_id, excluded.user_id),
            shopify_customer_email = excluded.shopify_customer_email,
            status = thetis.merged_status(
                stored.status, excluded.status::thetis.purchase_status
            )
        where
            (stored.user_id is null and excluded.user_id is not null)
            or stored.shopify_customer_email <> excluded.shopify_customer_email
            or stored.status <> thetis.merged_status(
                stored.status, excluded.status::thetis.purchase_status
            )
        returning stored.id, stored.shopify_order_id, stored.product_slug, stored.status
    )

    select
        array_agg(
            row(
                written.shopify_order_id, written.product_slug, before.status, written.status
            )::thetis.purchase_change
        )
    into v_changes
    from written
    left join before on written.id = before.id;

    return v_changes;
end;
$$;

CREATE FUNCTION thetis.withdraw_cancellations(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    update thetis.notifications as waiting
    set status = 'skipped', settled_at = now()
    where
        waiting.shopify_order_id = any(p_order_ids)
        and waiting.kind = 'knock.cancel'
        and waiting.settled_at is null
        and exists (
            select from public.purchases as kept
            where kept.shopify_order_id = waiting.shopify_order_id and kept.status = 'active'
        );
end;
$$;

CREATE FUNCTION public.add_product(slug text, name text, category text, shopify_product_id text DEFAULT NULL::text, access_period interval DEFAULT NULL::interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
    v_taken_by text;
begin
    insert into public.products as known (slug, name, category, access_period)
    values (
        add_product.slug, add_product.name, add_product.category, add_product.access_period
    )
    on conflict (slug) do update set
        name = excluded.name, category = excluded.category, access_period = excluded.access_period;

    if add_product.shopify_product_id is null then
        return;
    end if;

    insert into thetis.shopify_products as mapped (shopify_product_id, product_slug)
    values (add_product.shopify_product_id, add_product.slug)
    on conflict (shopify_product_id) do update set product_slug = mapped.product_slug
    returning mapped.product_slug into v_taken_by;

    if v_taken_by <> add_product.slug then
        raise exception 'Shopify product % is already %', add_product.shopify_product_id, v_taken_by
        using errcode = 'TH001';
    end if;
end;
$$;

CREATE FUNCTION public.claim_notifications(provider text DEFAULT NULL::text, max_count integer DEFAULT 10, lease_seconds integer DEFAULT 60) RETURNS TABLE(id uuid, kind text, attempt integer, shopify_order_id text, payload jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

CREATE FUNCTION public.claim_purchases() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return thetis.link_purchases((select auth.uid()));
end;
$$;

CREATE FUNCTION public.has_access(slug text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
begin
    return exists (
        select from public.purchases
        where
            purchases.user_id = (select auth.uid())
            and purchases.product_slug = has_access.slug
            and purchases.status = 'active'
            and (purchases.expires_at is null or purchases.expires_at > now())
    );
end;
$$;

CREATE FUNCTION public.list_products() RETURNS TABLE(slug text, name text, category text, access_period text, shopify_product_ids text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
begin
    return query
    select
        product.slug,
        product.name,
        product.category,
        product.access_period::text,
        array(
            select mapped.shopify_product_id
            from thetis.shopify_products as mapped
            where mapped.product_slug = product.slug
            order by mapped.shopify_product_id
        )
    from public.products as product
    order by product.category, product.slug;
end;
$$;

CREATE FUNCTION public.list_rejected_webhooks(include_replayed boolean DEFAULT false) RETURNS TABLE(id bigint, topic text, webhook_id text, reason text, received_at text, replayed_at text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET "TimeZone" TO 'UTC'
    AS $$
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
    where list_rejected_webhooks.include_replayed or kept.replayed_at is null
    order by kept.id;
end;
$$;

CREATE FUNCTION public.mark_webhook_replayed(id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update thetis.rejected_webhooks as kept set replayed_at = now()
    where kept.id = mark_webhook_replayed.id and kept.replayed_at is null;
end;
$$;

CREATE FUNCTION public.notification_backlog() RETURNS TABLE(provider text, pending bigint, oldest_due_seconds double precision, dead bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

CREATE FUNCTION public.record_orders(orders jsonb) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $_$
#variable_conflict use_column
declare
    v_faults text[];
    v_usable jsonb := orders;
    v_lines thetis.heard_line[];
    v_order_ids text[];
    v_news text[];
    v_tracked text[];
    v_without_email text[];
begin
    v_faults := thetis.order_faults(orders);
    if num_nonnulls(variadic v_faults) > 0 then
        select coalesce(jsonb_agg(ordered.entry), '[]') into v_usable
        from jsonb_array_elements(orders) with ordinality as ordered (entry, ordinal)
        where v_faults[ordered.ordinal] is null;
    end if;

    v_lines := thetis.heard_lines(v_usable);
    v_order_ids := array(select distinct line.shopify_order_id from unnest(v_lines) as line);

    if cardinality(v_order_ids) > 0 then
        perform thetis.hear_orders(v_usable, v_order_ids);
        v_news := thetis.hear_lines(v_lines);
        if jsonb_path_exists(v_usable, '$[*].refunds[*]') then
            v_news := v_news || thetis.hear_refunds(
                thetis.refunds_of(v_usable, v_order_ids)
            );
        end if;
        v_news := v_news || thetis.apply_facts(v_order_ids);
        select judged.tracked, judged.without_email into v_tracked, v_without_email
        from thetis.judge_orders(v_order_ids) as judged;
    end if;

    return query
    select
        ordered.ordinal::integer,
        ordered.entry ->> 'id',
        case
            when v_faults[ordered.ordinal] is not null then 'rejected'
            when (ordered.entry ->> 'id' = any(v_tracked)) is not true then 'ignored'
            when ordered.entry ->> 'id' = any(v_without_email) then 'rejected'
            when ordered.entry ->> 'id' = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        coalesce(
            v_faults[ordered.ordinal],
            case
                when ordered.entry ->> 'id' = any(v_without_email) then 'no email address'
            end
        )
    from jsonb_array_elements(orders) with ordinality as ordered (entry, ordinal)
    order by ordered.ordinal;
end;
$_$;

CREATE FUNCTION public.record_refunds(refunds jsonb) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_usable jsonb;
    v_order_ids text[];
    v_news text[];
begin
    select coalesce(jsonb_agg(entry), '[]') into v_usable
    from jsonb_array_elements(refunds) as refund (entry)
    where
        thetis.refund_fault(entry) is null
        and thetis.is_shopify_id(entry -> 'order_id')
        and entry -> 'refund_line_items' <> '[]';

    v_order_ids := array(
        select distinct entry ->> 'order_id' from jsonb_array_elements(v_usable) as refund (entry)
    );

    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids);
        v_news := thetis.hear_refunds(v_usable);
        v_news := v_news || thetis.apply_facts(v_order_ids);
    end if;

    return query
    select
        refund.ordinal::integer,
        refund.entry ->> 'order_id',
        case
            when judged.fault is not null then 'rejected'
            when refund.entry -> 'refund_line_items' = '[]' then 'ignored'
            when refund.entry ->> 'order_id' = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        judged.fault
    from jsonb_array_elements(refunds) with ordinality as refund (entry, ordinal)
    cross join lateral (
        select coalesce(
            thetis.refund_fault(refund.entry),
            case
                when thetis.is_shopify_id(refund.entry -> 'order_id') is not true
                    then 'order_id: not a Shopify id'
            end
        ) as fault
    ) as judged
    order by refund.ordinal;
end;
$$;

CREATE FUNCTION public.rejected_webhook_body(id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return (
        select encode(kept.body, 'base64')
        from thetis.rejected_webhooks as kept
        where kept.id = rejected_webhook_body.id
    );
end;
$$;

CREATE FUNCTION public.remove_product(slug text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
begin
    if exists (
        select from public.purchases as bought where bought.product_slug = remove_product.slug
    ) then
        raise exception 'there are purchases of %', remove_product.slug using errcode = 'TH002';
    end if;

    delete from public.products as known where known.slug = remove_product.slug;
    return found;
end;
$$;

CREATE FUNCTION public.settle_notifications(results jsonb) RETURNS TABLE(id uuid, status text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

CREATE FUNCTION public.store_rejected_webhook(topic text, webhook_id text, body_base64 text, reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

CREATE TABLE thetis.order_lines (
    shopify_order_id text NOT NULL,
    shopify_line_item_id text NOT NULL,
    product_slug text,
    quantity integer,
    is_granted boolean NOT NULL,
    ended thetis.purchase_status,
    CONSTRAINT ended_is_an_end CHECK ((ended <> 'active'::thetis.purchase_status))
);

COMMENT ON COLUMN thetis.order_lines.product_slug IS 'The first product heard. Shopify sends null once a product is deleted; that takes nothing away.';

COMMENT ON COLUMN thetis.order_lines.quantity IS 'The most ever heard to be bought; null on rows that came from the old enrollments table.';

COMMENT ON COLUMN thetis.order_lines.is_granted IS 'Paid for, at some time.';

COMMENT ON COLUMN thetis.order_lines.ended IS 'The furthest end an order event gave this line.';

CREATE TABLE thetis.orders (
    shopify_order_id text NOT NULL,
    order_number text,
    email text,
    email_as_of timestamp with time zone,
    purchased_at timestamp with time zone,
    paid_as_of timestamp with time zone,
    voided_as_of timestamp with time zone,
    first_heard_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON COLUMN thetis.orders.email IS 'The newest address heard (a shop may correct a typing error), as of the order''s own updated_at.';

COMMENT ON COLUMN thetis.orders.paid_as_of IS 'The earliest word that it was paid, as of the order''s own updated_at.';

COMMENT ON COLUMN thetis.orders.voided_as_of IS 'The latest word that its payment was voided. Shopify lets such an order be paid after all.';

COMMENT ON COLUMN thetis.orders.first_heard_at IS 'An order that was already old when we first heard of it is history and owes nobody a message.';

CREATE TABLE thetis.refunds (
    shopify_refund_id text NOT NULL,
    shopify_line_item_id text NOT NULL,
    shopify_order_id text NOT NULL,
    quantity bigint NOT NULL
);

CREATE TABLE public.products (
    slug text NOT NULL,
    name text NOT NULL,
    category text NOT NULL,
    access_period interval,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT access_period_is_positive CHECK ((access_period > '00:00:00'::interval)),
    CONSTRAINT category_is_lower_snake_case CHECK ((category ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT name_is_not_blank CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT slug_is_lower_snake_case CHECK ((slug ~ '^[a-z][a-z0-9_]*$'::text))
);

COMMENT ON COLUMN public.products.category IS 'course, device, ...: messages are decided by category, so a hundredth product needs no new rule.';

COMMENT ON COLUMN public.products.access_period IS 'How long a purchase grants access, from the day it was bought; null is for ever.';

CREATE VIEW thetis.derived_purchases WITH (security_invoker='true') AS
 SELECT line.shopify_order_id,
    line.shopify_line_item_id,
    line.product_slug,
    known.order_number AS shopify_order_number,
    known.email AS shopify_customer_email,
    known.purchased_at,
    (known.purchased_at + product.access_period) AS expires_at,
    GREATEST('active'::thetis.purchase_status, line.ended,
        CASE
            WHEN (known.voided_as_of >= COALESCE(known.paid_as_of, '-infinity'::timestamp with time zone)) THEN 'cancelled'::thetis.purchase_status
            ELSE NULL::thetis.purchase_status
        END,
        CASE
            WHEN (( SELECT sum(refund.quantity) AS sum
               FROM thetis.refunds refund
              WHERE ((refund.shopify_order_id = line.shopify_order_id) AND (refund.shopify_line_item_id = line.shopify_line_item_id))) >= (line.quantity)::numeric) THEN 'refunded'::thetis.purchase_status
            ELSE NULL::thetis.purchase_status
        END) AS status
   FROM ((thetis.order_lines line
     JOIN thetis.orders known ON ((line.shopify_order_id = known.shopify_order_id)))
     LEFT JOIN public.products product ON ((line.product_slug = product.slug)))
  WHERE (line.is_granted AND (line.product_slug IS NOT NULL) AND (known.email IS NOT NULL));

CREATE TABLE thetis.notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    provider text GENERATED ALWAYS AS (split_part(kind, '.'::text, 1)) STORED NOT NULL,
    shopify_order_id text NOT NULL,
    payload jsonb NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone,
    first_attempt_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['knock.trigger'::text, 'knock.cancel'::text, 'resend.course_access'::text]))),
    CONSTRAINT settled_unless_pending CHECK (((status = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'sent'::text, 'skipped'::text, 'dead'::text])))
);

COMMENT ON COLUMN thetis.notifications.id IS 'Also the idempotency key at the provider: a second try of the same row is the same message.';

COMMENT ON COLUMN thetis.notifications.payload IS 'What the provider is sent. Never changed after the first attempt: a retry must be identical.';

COMMENT ON COLUMN thetis.notifications.due_at IS 'When to send; moved forward by a lease and by every retry.';

CREATE TABLE thetis.rejected_webhooks (
    id bigint NOT NULL,
    topic text NOT NULL,
    webhook_id text,
    body bytea NOT NULL,
    body_sha256 bytea GENERATED ALWAYS AS (sha256(body)) STORED NOT NULL,
    reason text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    replayed_at timestamp with time zone
);

COMMENT ON COLUMN thetis.rejected_webhooks.body IS 'The bytes as they came: they need not be text, let alone JSON.';

ALTER TABLE thetis.rejected_webhooks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME thetis.rejected_webhooks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE thetis.shopify_products (
    shopify_product_id text NOT NULL,
    product_slug text NOT NULL,
    CONSTRAINT shopify_product_id_is_a_number CHECK ((shopify_product_id ~ '^[1-9][0-9]{0,18}$'::text))
);

CREATE TABLE public.purchases (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    product_slug text NOT NULL,
    shopify_order_id text,
    shopify_order_number text,
    shopify_customer_email text NOT NULL,
    shopify_line_item_id text,
    status text DEFAULT 'active'::text NOT NULL,
    purchased_at timestamp with time zone,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT email_is_normalised CHECK ((shopify_customer_email = lower(btrim(shopify_customer_email, ' 	
'::text)))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'expired'::text, 'cancelled'::text, 'refunded'::text])))
);

COMMENT ON COLUMN public.purchases.user_id IS 'Null until an account with this address, confirmed, exists; null again if it is deleted.';

COMMENT ON COLUMN public.purchases.product_slug IS 'Not a foreign key: what was bought stays true when the catalogue changes.';

ALTER TABLE ONLY thetis.notifications
    ADD CONSTRAINT each_message_once_per_order UNIQUE (shopify_order_id, kind);

ALTER TABLE ONLY thetis.rejected_webhooks
    ADD CONSTRAINT kept_once UNIQUE (topic, body_sha256);

ALTER TABLE ONLY thetis.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.order_lines
    ADD CONSTRAINT order_lines_pkey PRIMARY KEY (shopify_order_id, shopify_line_item_id);

ALTER TABLE ONLY thetis.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (shopify_order_id);

ALTER TABLE ONLY thetis.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (shopify_refund_id, shopify_line_item_id);

ALTER TABLE ONLY thetis.rejected_webhooks
    ADD CONSTRAINT rejected_webhooks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.shopify_products
    ADD CONSTRAINT shopify_products_pkey PRIMARY KEY (shopify_product_id);

ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT one_row_per_line_item UNIQUE (shopify_order_id, shopify_line_item_id);

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT purchases_pkey PRIMARY KEY (id);

CREATE INDEX notifications_dead ON thetis.notifications USING btree (provider) WHERE (status = 'dead'::text);

CREATE INDEX notifications_due ON thetis.notifications USING btree (provider, due_at) WHERE (status = 'pending'::text);

CREATE INDEX notifications_tried ON thetis.notifications USING btree (first_attempt_at) WHERE ((status = 'pending'::text) AND (first_attempt_at IS NOT NULL));

CREATE INDEX refunds_line ON thetis.refunds USING btree (shopify_order_id, shopify_line_item_id);

CREATE INDEX shopify_products_product_slug ON thetis.shopify_products USING btree (product_slug);

CREATE INDEX purchases_email ON public.purchases USING btree (shopify_customer_email);

CREATE INDEX purchases_product_slug_status ON public.purchases USING btree (product_slug, status);

CREATE INDEX purchases_user_id ON public.purchases USING btree (user_id, product_slug, status);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.purchases FOR EACH ROW EXECUTE FUNCTION thetis.set_updated_at();

ALTER TABLE ONLY thetis.shopify_products
    ADD CONSTRAINT shopify_products_product_slug_fkey FOREIGN KEY (product_slug) REFERENCES public.products(slug) ON DELETE CASCADE;

ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT purchases_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE thetis.notifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.order_lines ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.refunds ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.rejected_webhooks ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.shopify_products ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Signed-in users read the catalogue" ON public.products FOR SELECT TO authenticated USING (true);

CREATE POLICY "Users read their own purchases" ON public.purchases FOR SELECT TO authenticated USING ((( SELECT auth.uid() AS uid) = user_id));

ALTER TABLE public.products ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.purchases ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO postgres;
GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;

REVOKE ALL ON FUNCTION thetis.apply_facts(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.bury_stale_notifications() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.confirmed_user_id(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.course_access_payload(p_order_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.hear_lines(p_lines thetis.heard_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.hear_orders(p_orders jsonb, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.hear_refunds(p_refunds jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.heard_lines(p_orders jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_paid(p_order jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_quantity(p_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_shopify_id(p_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.judge_orders(p_order_ids text[], OUT tracked text[], OUT without_email text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.knock_trigger_payload(p_order_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.link_purchases(p_user_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.link_purchases_to_user() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_emails(p_emails text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_orders(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.merged_status(p_stored text, p_derived thetis.purchase_status) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.normalised_email(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.order_email(p_order jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.order_faults(p_orders jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.owe_cancellations(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.owe_messages(p_changes thetis.purchase_change[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refund_fault(p_refund jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refunds_of(p_orders jsonb, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.retry_delay(p_attempts integer, p_retry_after_seconds double precision) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.revise_messages(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.set_updated_at() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.update_messages(p_changes thetis.purchase_change[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.update_purchases(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.withdraw_cancellations(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.add_product(slug text, name text, category text, shopify_product_id text, access_period interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_product(slug text, name text, category text, shopify_product_id text, access_period interval) TO service_role;

REVOKE ALL ON FUNCTION public.claim_notifications(provider text, max_count integer, lease_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_notifications(provider text, max_count integer, lease_seconds integer) TO service_role;

REVOKE ALL ON FUNCTION public.claim_purchases() FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_purchases() TO authenticated;

REVOKE ALL ON FUNCTION public.has_access(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.has_access(slug text) TO authenticated;

REVOKE ALL ON FUNCTION public.list_products() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_products() TO service_role;

REVOKE ALL ON FUNCTION public.list_rejected_webhooks(include_replayed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_rejected_webhooks(include_replayed boolean) TO service_role;

REVOKE ALL ON FUNCTION public.mark_webhook_replayed(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.mark_webhook_replayed(id bigint) TO service_role;

REVOKE ALL ON FUNCTION public.notification_backlog() FROM PUBLIC;
GRANT ALL ON FUNCTION public.notification_backlog() TO service_role;

REVOKE ALL ON FUNCTION public.record_orders(orders jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_orders(orders jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.record_refunds(refunds jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_refunds(refunds jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.rejected_webhook_body(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rejected_webhook_body(id bigint) TO service_role;

REVOKE ALL ON FUNCTION public.remove_product(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_product(slug text) TO service_role;

REVOKE ALL ON FUNCTION public.settle_notifications(results jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.settle_notifications(results jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.store_rejected_webhook(topic text, webhook_id text, body_base64 text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.store_rejected_webhook(topic text, webhook_id text, body_base64 text, reason text) TO service_role;

GRANT SELECT ON TABLE public.products TO authenticated;
GRANT SELECT ON TABLE public.products TO service_role;

GRANT SELECT ON TABLE public.purchases TO authenticated;
GRANT SELECT ON TABLE public.purchases TO service_role;

CREATE CONSTRAINT TRIGGER link_purchases_to_user AFTER INSERT OR UPDATE OF email, email_confirmed_at, deleted_at ON auth.users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.email_confirmed_at IS NOT NULL) OR (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION thetis.link_purchases_to_user();
