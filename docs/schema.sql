-- The database after all migrations, as pg_dump writes it: for reading and for comparing, not for
-- running. Written by `make schema`; a test sees to it that it is current.

CREATE SCHEMA public;

COMMENT ON SCHEMA public IS 'standard public schema';

CREATE SCHEMA thetis;

COMMENT ON SCHEMA thetis IS 'Machinery of Thetis. Not an interface: use the functions in public.';

CREATE TYPE thetis.customer AS (
	found_by text,
	emails text[],
	user_ids uuid[],
	order_ids text[]
);

CREATE TYPE thetis.delivery_state AS ENUM (
    'sent',
    'delayed',
    'delivered',
    'failed',
    'suppressed',
    'bounced',
    'complained'
);

CREATE TYPE thetis.dispute_status AS ENUM (
    'needs_response',
    'under_review',
    'lost',
    'accepted',
    'charge_refunded',
    'prevented',
    'won'
);

CREATE TYPE thetis.exported_order AS (
	shopify_order_id text,
	is_untold boolean,
	refusal text,
	is_due boolean,
	grants boolean
);

CREATE TYPE thetis.incoming_dispute AS (
	shopify_dispute_id text,
	shopify_order_id text,
	is_chargeback boolean,
	status thetis.dispute_status,
	inquiry_status thetis.dispute_status
);

CREATE TYPE thetis.purchase_status AS ENUM (
    'active',
    'expired',
    'cancelled',
    'refunded'
);

CREATE TYPE thetis.incoming_line AS (
	shopify_order_id text,
	shopify_line_item_id text,
	product_slug text,
	quantity integer,
	paid_as_of timestamp with time zone,
	end_status thetis.purchase_status
);

CREATE TYPE thetis.incoming_order AS (
	shopify_order_id text,
	order_number text,
	email text,
	as_of timestamp with time zone,
	purchased_at timestamp with time zone,
	is_paid boolean,
	is_voided boolean,
	is_refunded boolean,
	cancelled_at timestamp with time zone,
	is_test boolean
);

CREATE TYPE thetis.incoming_refund AS (
	shopify_refund_id text,
	shopify_line_item_id text,
	shopify_order_id text,
	quantity bigint
);

CREATE TYPE thetis.untracked_line AS (
	shopify_order_id text,
	shopify_product_id text
);

CREATE TYPE thetis.incoming AS (
	orders thetis.incoming_order[],
	lines thetis.incoming_line[],
	untracked thetis.untracked_line[],
	refunds thetis.incoming_refund[],
	disputes thetis.incoming_dispute[]
);

CREATE DOMAIN thetis."json_array" AS jsonb NOT NULL
	CONSTRAINT is_an_array CHECK ((jsonb_typeof(VALUE) = 'array'::text));

CREATE DOMAIN thetis.optional_json_array AS jsonb
	CONSTRAINT is_an_array CHECK ((jsonb_typeof(VALUE) = 'array'::text));

CREATE DOMAIN thetis.optional_json_text AS jsonb
	CONSTRAINT fits_an_address CHECK ((length((VALUE #>> '{}'::text[])) <= 320))
	CONSTRAINT is_text CHECK ((jsonb_typeof(VALUE) = ANY (ARRAY['string'::text, 'null'::text])));

CREATE DOMAIN thetis.optional_quantity AS integer
	CONSTRAINT quantity_is_in_range CHECK (((VALUE >= 0) AND (VALUE <= 999999999)));

CREATE DOMAIN thetis.optional_time AS timestamp with time zone
	CONSTRAINT is_of_our_calendar CHECK (((VALUE > '-infinity'::timestamp with time zone) AND (VALUE < '10000-01-01 00:00:00+00'::timestamp with time zone)));

CREATE TYPE thetis.order_outcome AS (
	ordinal integer,
	shopify_order_id text,
	outcome text,
	reason text
);

CREATE TYPE thetis.purchase_change AS (
	shopify_order_id text,
	product_slug text,
	was text,
	became text
);

CREATE TYPE thetis.refreshed AS (
	changes thetis.purchase_change[],
	had_purchases boolean,
	has_new_orders boolean,
	conflicts text[]
);

CREATE DOMAIN thetis.shopify_id AS text NOT NULL
	CONSTRAINT shopify_id_is_a_number CHECK ((VALUE ~ '^[1-9][0-9]{0,18}$'::text));

CREATE DOMAIN thetis.shopify_quantity AS integer NOT NULL
	CONSTRAINT quantity_is_in_range CHECK (((VALUE >= 0) AND (VALUE <= 999999999)));

CREATE FUNCTION public.add_product(slug text, name text, category text, shopify_product_id text DEFAULT NULL::text, access_period text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_taken_by text;
    v_constraint text;
begin
    insert into public.products as existing (slug, name, category, access_period)
    values (
        add_product.slug, add_product.name, add_product.category,
        thetis.access_period(add_product.access_period)
    )
    on conflict (slug) do update set
        name = excluded.name,
        category = excluded.category,
        access_period = case
            when add_product.access_period is null then existing.access_period
            else excluded.access_period
        end;

    if add_product.shopify_product_id is null then
        return;
    end if;

    insert into thetis.shopify_products as existing (shopify_product_id, product_slug)
    values (add_product.shopify_product_id, add_product.slug)
    on conflict (shopify_product_id) do update set product_slug = existing.product_slug
    returning existing.product_slug into v_taken_by;

    if v_taken_by <> add_product.slug then
        raise exception 'Shopify product % is already %', add_product.shopify_product_id, v_taken_by
        using errcode = 'TH001';
    end if;
exception when check_violation or not_null_violation then
    get stacked diagnostics v_constraint = constraint_name;
    raise exception '%', case v_constraint
        when 'slug_is_lower_snake_case'
            then 'slug: lower case letters, digits and underscores, beginning with a letter'
        when 'name_is_not_blank' then 'name: must not be blank'
        when 'category_is_lower_snake_case'
            then 'category: lower case letters, digits and underscores, beginning with a letter'
        when 'access_period_is_possible'
            then 'access period: must be longer than nothing, and 1000 years at most'
        when 'shopify_product_id_is_a_number'
            then 'Shopify product id: a number of 19 digits at most'
        else 'slug, name and category must be given'
    end
    using errcode = 'TH004';
end;
$$;

CREATE FUNCTION public.begin_order_sync(purpose text, since timestamp with time zone, until timestamp with time zone, holder text, lease_seconds integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION public.check_installation(functions jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    v_role text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
begin
    return jsonb_build_object(
        'role', v_role,
        'migrations', thetis.applied_migrations(),
        'open_functions', array(
            select distinct called.proname::text
            from pg_proc as called
            where
                called.pronamespace = 'public'::regnamespace
                and check_installation.functions ? called.proname::text
                and has_function_privilege('anon', called.oid, 'execute')
            order by 1
        ),
        'open_tables', thetis.open_tables(),
        'is_linking', exists (
            select from pg_trigger as linking
            where
                linking.tgrelid = 'auth.users'::regclass
                and linking.tgfoid = 'thetis.link_purchases_to_user()'::regprocedure
                and linking.tgenabled in ('O', 'A')
        ),
        'webhooks', (
            select coalesce(
                jsonb_object_agg(
                    noted.topic,
                    jsonb_build_object(
                        'received_at', noted.received_at, 'webhook_id', noted.webhook_id
                    )
                ),
                '{}'
            )
            from thetis.webhook_heartbeats as noted
        ),
        'time', clock_timestamp(),
        -- Two ways lead to one database if its server started at the same microsecond.
        'identity', format('%s of %s', current_database(), pg_postmaster_start_time())
    );
end;
$$;

CREATE FUNCTION public.check_schema(calls jsonb) RETURNS TABLE(version integer, missing text[])
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        1,
        array(
            select call.function
            from jsonb_each(check_schema.calls) as call (function, arguments)
            where not exists (
                select from pg_proc as present
                where
                    present.pronamespace = 'public'::regnamespace
                    and present.proname = call.function
                    and has_function_privilege(present.oid, 'execute')
                    and not exists (
                        select from jsonb_array_elements_text(call.arguments) as argument
                        where argument <> all(
                            coalesce(present.proargnames[:present.pronargs], '{}')
                        )
                    )
                    and not exists (
                        select
                        from unnest(
                            present.proargnames[:present.pronargs - present.pronargdefaults]
                        ) as required (argument)
                        where not (call.arguments @> to_jsonb(required.argument))
                    )
            )
            order by call.function
        );
end;
$$;

CREATE FUNCTION public.claim_notifications(provider text, max_count integer DEFAULT 10, lease_seconds integer DEFAULT 60) RETURNS TABLE(id uuid, kind text, attempt integer, shopify_order_id text, payload jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_lease interval := make_interval(secs => claim_notifications.lease_seconds);
begin
    perform thetis.expire_stale_notifications();
    perform thetis.withdraw_spent_codes(v_lease);

    return query
    with due as materialized (
        select waiting.id
        from thetis.notifications as waiting
        where
            waiting.status = 'pending'
            and waiting.due_at <= now()
            and waiting.provider = claim_notifications.provider
            -- of many that are to be given up at once, some wait for the next claim
            and (
                waiting.uncertain_since < now() - thetis.repeatable_for(waiting.kind)
            ) is not true
            and (
                waiting.kind <> 'claim_code' or thetis.is_code_to_send(waiting.id, v_lease)
            )
        order by waiting.due_at
        limit claim_notifications.max_count
        for update skip locked
    )
    update thetis.notifications as mine
    set
        attempts = mine.attempts + 1,
        claimed_at = now(),
        uncertain_since = coalesce(mine.uncertain_since, now()),
        leased_until = now() + v_lease,
        due_at = now() + v_lease
    from due
    where mine.id = due.id
    returning mine.id, mine.kind, mine.attempts, mine.shopify_order_id, mine.payload;
end;
$$;

CREATE FUNCTION public.claim_purchases() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return thetis.link_purchases((select auth.uid()));
end;
$$;

CREATE FUNCTION public.count_address_conflicts() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select count(*) from thetis.orders
        where
            orders.has_address_conflict
            and not orders.is_test
            and exists (
                select from public.purchases as owned
                left join thetis.overrides as override on owned.id = override.purchase_id
                where
                    owned.shopify_order_id = orders.shopify_order_id
                    and owned.user_id is not null
                    and owned.shopify_customer_email
                    <> coalesce(override.transferred_to, orders.holder_email)
            )
    );
end;
$$;

CREATE FUNCTION public.count_privacy_requests() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (select count(*) from thetis.privacy_requests as asked where asked.answered_at is null);
end;
$$;

CREATE FUNCTION public.customer_timeline(query text, operator text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

CREATE FUNCTION public.expire_purchases(max_count integer DEFAULT 500) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_expired integer;
begin
    update public.purchases as stored set status = 'expired'
    where stored.id in (
        select over.id from public.purchases as over
        where over.status = 'active' and over.expires_at <= now()
        order by over.expires_at
        limit expire_purchases.max_count
        for update skip locked
    );
    get diagnostics v_expired = row_count;
    return v_expired;
end;
$$;

CREATE FUNCTION public.export_customer(address text, operator text DEFAULT NULL::text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION public.extend_purchase(purchase_id uuid, until timestamp with time zone, reason text, expected_address text DEFAULT NULL::text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(extend_purchase.operator, true);
    v_reason text := thetis.stated_reason(extend_purchase.reason);
    v_purchase public.purchases;
    v_ids uuid[] := array[extend_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    if (extend_purchase.until > now()) is not true then
        raise exception 'until: is over already' using errcode = 'TH004';
    end if;
    begin
        v_purchase := thetis.stated_purchase(
            extend_purchase.purchase_id, extend_purchase.expected_address, null
        );
        if v_purchase.status in ('cancelled', 'refunded') then
            raise exception 'it is %', v_purchase.status using errcode = 'TH005';
        end if;
        if exists (
            select from thetis.overrides as override
            where
                override.purchase_id = v_purchase.id
                and override.extended_to = extend_purchase.until
        ) then
            v_act := thetis.unchanged_act('extend', v_ids);
        elsif v_purchase.status = 'active' and v_purchase.expires_at is null then
            raise exception 'its access does not end' using errcode = 'TH005';
        elsif v_purchase.expires_at >= extend_purchase.until then
            raise exception 'until: its access ends later than that already'
            using errcode = 'TH004';
        else
            v_before := thetis.describe_purchases(v_ids);
            insert into thetis.overrides as existing (purchase_id, extended_to)
            values (v_purchase.id, extend_purchase.until)
            on conflict on constraint overrides_pkey do update set
                extended_to = excluded.extended_to;
            update public.purchases as stored
            set status = 'active', expires_at = nullif(extend_purchase.until, 'infinity')
            where stored.id = v_purchase.id;
            v_act := thetis.conclude_act(
                v_operator, 'extend', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if extend_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', extend_purchase.dry_run);
end;
$$;

CREATE FUNCTION public.forget_customer(address text, reason text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(forget_customer.operator, true);
    v_reason text := thetis.stated_reason(forget_customer.reason);
    v_email text := thetis.held_address(forget_customer.address);
    v_answer jsonb;
begin
    begin
        v_answer := thetis.forget(v_operator, v_reason, v_email, '{}');
        if forget_customer.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_answer || jsonb_build_object('dry_run', forget_customer.dry_run);
end;
$$;

CREATE FUNCTION public.get_notification(notification_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
begin
    return (
        select to_jsonb(stored) || jsonb_build_object(
            'payload', stored.payload - 'code', 'delivery', to_jsonb(delivery)
        )
        from thetis.notifications as stored
        left join thetis.email_deliveries as delivery on stored.id = delivery.notification_id
        where stored.id = get_notification.notification_id
    );
end;
$$;

CREATE FUNCTION public.get_rejected_webhook(id bigint) RETURNS TABLE(topic text, webhook_id text, reason text, received_at text, replayed_at text, body_base64 text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION public.grant_access(slug text, recipient text, reason text, until timestamp with time zone DEFAULT NULL::timestamp with time zone, operator text DEFAULT NULL::text, grant_id uuid DEFAULT gen_random_uuid(), dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(grant_access.operator, true);
    v_reason text := thetis.stated_reason(grant_access.reason);
    v_email text;
    v_user_id uuid;
    v_act jsonb;
begin
    if not exists (select from public.products where products.slug = grant_access.slug) then
        raise exception 'there is no product %', grant_access.slug using errcode = 'TH004';
    end if;
    if grant_access.until <= now() then
        raise exception 'until: is over already' using errcode = 'TH004';
    end if;
    if thetis.uuid_or_null(grant_access.recipient) is not null then
        select
            users.id,
            case
                when users.email_confirmed_at is not null
                    then thetis.normalised_email(users.email)
            end
        into v_user_id, v_email
        from auth.users
        where users.id = grant_access.recipient::uuid and users.deleted_at is null;
        if v_user_id is null then
            raise exception 'there is no account %', grant_access.recipient using errcode = 'TH004';
        end if;
    else
        v_email := thetis.stated_address(grant_access.recipient);
    end if;

    begin
        perform thetis.lock_for_act(null, '{}', v_email);
        if v_user_id is null then
            v_user_id := thetis.owner_of(v_email);
        end if;
        insert into public.purchases (
            id, user_id, product_slug, shopify_customer_email, purchased_at, expires_at
        )
        values (
            grant_access.grant_id, v_user_id, grant_access.slug, coalesce(v_email, ''), now(),
            nullif(grant_access.until, 'infinity')
        )
        on conflict (id) do nothing;
        if found then
            insert into thetis.grants (purchase_id) values (grant_access.grant_id);
            v_act := thetis.conclude_act(
                v_operator, 'grant', v_reason, v_email, null, array[grant_access.grant_id], '[]'
            );
        else
            v_act := thetis.unchanged_act('grant', array[grant_access.grant_id]);
        end if;
        if grant_access.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', grant_access.dry_run);
end;
$$;

CREATE FUNCTION public.has_access(slug text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from public.purchases
        inner join auth.users on purchases.user_id = users.id
        where
            purchases.user_id = (select auth.uid())
            and purchases.product_slug = has_access.slug
            and purchases.status = 'active'
            and (purchases.expires_at is null or purchases.expires_at > now())
            and users.deleted_at is null
    );
end;
$$;

CREATE FUNCTION public.honor_disputes(is_on boolean, max_count integer DEFAULT 500) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_order_ids text[];
begin
    if honor_disputes.is_on is null then
        raise exception 'is_on: must be said' using errcode = 'TH004';
    end if;
    update thetis.dispute_rules set are_honored = honor_disputes.is_on
    where dispute_rules.is_the_only_row and dispute_rules.are_honored <> honor_disputes.is_on;

    v_order_ids := array(
        select stale.shopify_order_id
        from (
            select stored.shopify_order_id
            from thetis.charged_back_purchases as ended
            inner join public.purchases as stored on ended.purchase_id = stored.id
            where not honor_disputes.is_on
            union
            select dispute.shopify_order_id
            from thetis.disputes as dispute
            inner join public.purchases as stored
                on dispute.shopify_order_id = stored.shopify_order_id
            where
                honor_disputes.is_on
                and dispute.ends_access
                and stored.status in ('active', 'expired')
        ) as stale
        order by stale.shopify_order_id
        limit honor_disputes.max_count
    );
    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids, now());
        perform thetis.refresh_orders(v_order_ids);
    end if;
    return cardinality(v_order_ids);
end;
$$;

CREATE FUNCTION public.list_notifications(order_name text DEFAULT NULL::text, state text DEFAULT 'dead'::text, before_id uuid DEFAULT NULL::uuid, max_count integer DEFAULT 100) RETURNS TABLE(id uuid, kind text, status text, shopify_order_id text, order_number text, email text, attempts integer, enqueued_at text, due_at text, settled_at text, last_error text, delivery text, delivery_reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
declare
    v_order_ids text[] := thetis.find_orders(list_notifications.order_name);
    v_before record;
begin
    if list_notifications.order_name is null and list_notifications.state is null then
        raise exception 'messages: say of which order, or of which status' using errcode = 'TH004';
    end if;

    select enqueued_at, id into v_before
    from thetis.notifications as earlier where earlier.id = list_notifications.before_id;

    return query
    select
        listed.id,
        listed.kind,
        listed.status,
        listed.shopify_order_id,
        (
            select orders.order_number from thetis.orders
            where orders.shopify_order_id = listed.shopify_order_id
        ),
        listed.email,
        listed.attempts,
        date_trunc('second', listed.enqueued_at)::text,
        date_trunc('second', listed.due_at)::text,
        date_trunc('second', listed.settled_at)::text,
        listed.last_error,
        delivery.state::text,
        delivery.reason
    from (
        select stored.*
        from thetis.notifications as stored
        where
            (list_notifications.order_name is null or stored.shopify_order_id = any(v_order_ids))
            and (list_notifications.state is null or stored.status = list_notifications.state)
            and (
                list_notifications.before_id is null
                or (stored.enqueued_at, stored.id) < (v_before.enqueued_at, v_before.id)
            )
        order by stored.enqueued_at desc, stored.id desc
        limit list_notifications.max_count
    ) as listed
    left join lateral (
        select told.state, told.reason from thetis.email_deliveries as told
        where told.notification_id = listed.id
        limit 1
    ) as delivery on true
    order by listed.enqueued_at desc, listed.id desc;
end;
$$;

CREATE FUNCTION public.list_privacy_requests(include_answered boolean DEFAULT false) RETURNS TABLE(id bigint, topic text, shop text, email text, shopify_order_ids text[], received_at text, answered_at text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION public.list_products() RETURNS TABLE(slug text, name text, category text, access_period text, shopify_product_ids text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION public.list_proven_addresses() RETURNS TABLE(address text, proven_at timestamp with time zone, purchases integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        proven.email,
        proven.proven_at,
        (
            select count(*)::integer from public.purchases as own
            where own.user_id = proven.user_id and own.shopify_customer_email = proven.email
        )
    from thetis.proven_addresses as proven
    where proven.user_id = (select auth.uid())
    order by proven.proven_at, proven.email;
end;
$$;

CREATE FUNCTION public.list_rejected_webhooks(include_replayed boolean DEFAULT false, after_id bigint DEFAULT 0, max_count integer DEFAULT 500) RETURNS TABLE(id bigint, topic text, webhook_id text, reason text, received_at text, replayed_at text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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
    where
        kept.id > list_rejected_webhooks.after_id
        and (list_rejected_webhooks.include_replayed or kept.replayed_at is null)
    order by kept.id
    limit list_rejected_webhooks.max_count;
end;
$$;

CREATE FUNCTION public.list_unmapped_products(max_count integer DEFAULT 500) RETURNS TABLE(shopify_product_id text, order_count bigint, first_sold_at text, last_sold_at text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        sold.shopify_product_id,
        count(*),
        date_trunc('second', min(sold.first_recorded_at))::text,
        date_trunc('second', max(sold.first_recorded_at))::text
    from thetis.untracked_sales as sold
    where not exists (
        select from thetis.shopify_products as mapped
        where mapped.shopify_product_id = sold.shopify_product_id
    )
    group by sold.shopify_product_id
    order by max(sold.first_recorded_at) desc, sold.shopify_product_id
    limit list_unmapped_products.max_count;
end;
$$;

CREATE FUNCTION public.mark_privacy_request_answered(id bigint, operator text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.mark_webhook_replayed(id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update thetis.rejected_webhooks as kept set replayed_at = now()
    where kept.id = mark_webhook_replayed.id and kept.replayed_at is null;
end;
$$;

CREATE FUNCTION public.note_webhook(topic text, webhook_id text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.webhook_heartbeats as noted (topic, webhook_id)
    values (note_webhook.topic, note_webhook.webhook_id)
    on conflict on constraint webhook_heartbeats_pkey do update set
        received_at = excluded.received_at, webhook_id = excluded.webhook_id
    where noted.received_at <= excluded.received_at;
end;
$$;

CREATE FUNCTION public.notification_backlog() RETURNS TABLE(provider text, pending bigint, oldest_due_seconds double precision, dead bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        each.provider,
        waiting.total,
        greatest(extract(epoch from now() - waiting.first_due)::double precision, 0),
        (
            select count(*) from thetis.notifications as given_up
            where
                given_up.provider = each.provider
                and given_up.status = 'dead'
                and not given_up.is_test
        )
    from unnest(array['knock', 'resend']) as each (provider)
    cross join lateral (
        select count(*) as total, min(pending.due_at) as first_due
        from thetis.notifications as pending
        where
            pending.provider = each.provider
            and pending.status = 'pending'
            and not pending.is_test
    ) as waiting;
end;
$$;

CREATE FUNCTION public.preview_orders(orders jsonb, test_orders text DEFAULT 'grant'::text) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.prune(older_than interval DEFAULT '1 year'::interval, max_count integer DEFAULT 1000) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_before timestamptz := now() - prune.older_than;
    v_ids uuid[];
    v_counts jsonb;
    v_total bigint;
begin
    if prune.older_than is null or prune.older_than < interval '30 days' then
        raise exception 'older_than: 30 days or more' using errcode = 'TH004';
    end if;

    v_ids := array(
        select old.id from thetis.notifications as old
        where old.settled_at < v_before and not old.is_stripped
        order by old.settled_at
        limit prune.max_count
        for update skip locked
    );
    with removed as (
        delete from thetis.notifications as message
        where
            message.id = any(v_ids)
            and (
                message.kind = 'forget_recipient'
                or (message.status = 'skipped' and message.attempts = 0)
            )
        returning message.id
    )

    select count(*) into v_total from removed;
    v_counts := jsonb_build_object('withdrawn', v_total);

    delete from thetis.email_deliveries as delivery where delivery.notification_id = any(v_ids);
    update thetis.notifications as message
    set
        is_stripped = true,
        resend_reason = null,
        last_error = null,
        payload = case
            when message.kind not in ('post_purchase', 'course_access') then message.payload
            when message.email = '' then '{}'
            else jsonb_build_object('email', message.email)
        end
    where message.id = any(v_ids);
    get diagnostics v_total = row_count;
    v_counts := v_counts || jsonb_build_object('messages', v_total);

    delete from thetis.rejected_webhooks as kept
    where kept.id in (
        select old.id from thetis.rejected_webhooks as old
        where old.replayed_at < v_before
        limit prune.max_count
    );
    get diagnostics v_total = row_count;
    v_counts := v_counts || jsonb_build_object('rejected_webhooks', v_total);

    delete from thetis.privacy_requests as asked
    where asked.id in (
        select old.id from thetis.privacy_requests as old
        where old.answered_at < v_before
        limit prune.max_count
    );
    get diagnostics v_total = row_count;
    v_counts := v_counts || jsonb_build_object('privacy_requests', v_total);

    delete from thetis.untracked_sales as sold
    where (sold.shopify_product_id, sold.shopify_order_id) in (
        select old.shopify_product_id, old.shopify_order_id from thetis.untracked_sales as old
        where old.first_recorded_at < v_before
        limit prune.max_count
    );
    get diagnostics v_total = row_count;
    v_counts := v_counts || jsonb_build_object('untracked_sales', v_total);

    with removed as (
        delete from thetis.claim_codes as code
        where code.id in (
            select old.id from thetis.claim_codes as old
            where old.requested_at < now() - interval '1 day'
            order by old.requested_at
            limit prune.max_count
        )
        returning code.id
    )

    select array_agg(removed.id) into v_ids from removed;
    delete from thetis.email_deliveries as delivery where delivery.notification_id = any(v_ids);
    delete from thetis.notifications as message where message.id = any(v_ids);
    return v_counts || jsonb_build_object('claim_codes', coalesce(cardinality(v_ids), 0));
end;
$$;

CREATE FUNCTION public.reconcile_status() RETURNS TABLE(lag_seconds double precision, ended_at double precision, missed bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.record_deliveries(events jsonb) RETURNS TABLE(ordinal integer, notification_id uuid, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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

CREATE FUNCTION public.record_disputes(disputes jsonb, received_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_ids text[];
    v_faults text[];
    v_incoming thetis.incoming_dispute[];
    v_order_ids text[];
    v_news text[];
begin
    select array_agg(each.shopify_order_id), array_agg(each.fault)
    into v_ids, v_faults
    from thetis.describe_disputes(disputes) as each;

    v_incoming := thetis.read_disputes(thetis.without_faults(disputes, v_faults));
    v_order_ids := array(
        select distinct incoming.shopify_order_id from unnest(v_incoming) as incoming
    );
    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids, least(record_disputes.received_at, now()));
        v_news := thetis.merge_disputes(v_incoming);
        v_news := v_news || thetis.refresh_orders(v_order_ids);
    end if;

    return query
    select
        each.place::integer,
        each.id,
        case
            when each.fault is not null then 'rejected'
            when each.id is null then 'ignored'
            when each.id = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        each.fault
    from unnest(v_ids, v_faults) with ordinality as each (id, fault, place)
    order by each.place;
end;
$$;

CREATE FUNCTION public.record_exported_orders(orders jsonb, dry_run boolean DEFAULT false) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_incoming thetis.incoming_order[];
    v_judged thetis.exported_order[];
    v_due text[];
    v_unknown text;
    v_news text[];
    v_nameless text[];
begin
    v_incoming := (
        thetis.read_orders(
            coalesce(
                (
                    select jsonb_agg(
                        exported.entry || '{"line_items": [], "refunds": []}'
                        order by exported.place
                    )
                    from jsonb_array_elements(record_exported_orders.orders)
                        with ordinality as exported (entry, place)
                ),
                '[]'
            ),
            'grant'
        )
    ).orders;
    v_unknown := (
        select min(line.entry ->> 'slug')
        from jsonb_array_elements(record_exported_orders.orders) as exported (entry)
        cross join lateral jsonb_array_elements(exported.entry -> 'lines') as line (entry)
        where not exists (
            select from public.products as product where product.slug = line.entry ->> 'slug'
        )
    );
    if v_unknown is not null then
        raise exception 'there is no product %', v_unknown using errcode = 'TH004';
    end if;

    v_judged := thetis.judge_exported_orders(record_exported_orders.orders, v_incoming);
    v_due := array(
        select each.shopify_order_id from unnest(v_judged) as each
        where each.is_due and each.refusal is null
    );
    begin
        perform thetis.merge_orders(
            array(
                select incoming from unnest(v_incoming) as incoming
                where incoming.shopify_order_id = any(v_due)
            ),
            v_due,
            now()
        );
        v_news := thetis.add_exported_lines(
            record_exported_orders.orders,
            v_incoming,
            array(select each.shopify_order_id from unnest(v_judged) as each where each.grants)
        );
        v_news := v_news || thetis.refresh_orders(v_due);
        v_nameless := thetis.orders_without_email(v_due);
        if record_exported_orders.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;

    return query
    select
        each.place::integer,
        each.shopify_order_id,
        case
            when each.refusal is not null or each.shopify_order_id = any(v_nameless) then 'rejected'
            when each.shopify_order_id = any(v_news) then 'recorded'
            when each.grants or (each.is_due and not each.is_untold) then 'unchanged'
            else 'ignored'
        end,
        coalesce(
            each.refusal,
            case when each.shopify_order_id = any(v_nameless) then 'no email address' end
        )
    from unnest(v_judged) with ordinality as each (
        shopify_order_id, is_untold, refusal, is_due, grants, place
    )
    order by each.place;
end;
$$;

CREATE FUNCTION public.record_order_page(sync_id bigint, holder text, page integer, orders jsonb, unreadable jsonb, reached timestamp with time zone, is_last boolean, test_orders text, lease_seconds integer) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.record_orders(orders jsonb, test_orders text DEFAULT 'grant'::text, received_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_incoming thetis.incoming;
    v_ids text[];
    v_faults text[];
    v_order_ids text[];
    v_tracked text[];
    v_news text[];
    v_nameless text[];
begin
    if (test_orders in ('grant', 'ignore')) is not true then
        raise exception 'test orders: say "grant" or "ignore"' using errcode = 'TH004';
    end if;

    begin
        v_incoming := thetis.read_orders(orders, test_orders);
        select
            array_agg(each.shopify_order_id),
            array_agg(each.shopify_order_id) filter (where each.email is null)
        into v_ids, v_nameless
        from unnest(v_incoming.orders) as each;
    exception when data_exception or integrity_constraint_violation then
        select array_agg(each.shopify_order_id), array_agg(each.fault)
        into v_ids, v_faults
        from thetis.describe_orders(orders, test_orders) as each;
        v_incoming := thetis.read_orders(
            thetis.without_faults(orders, v_faults), test_orders
        );
        v_incoming.orders := v_incoming.orders || thetis.unusable_orders(v_ids, v_faults);
        v_nameless := v_ids;
    end;

    if test_orders = 'ignore' then
        v_incoming.orders := array(
            select each from unnest(v_incoming.orders) as each where not each.is_test
        );
    end if;
    if cardinality(v_incoming.lines) > 0 then
        select mentioned.all_of_them, mentioned.tracked into v_order_ids, v_tracked
        from thetis.orders_of_lines(v_incoming.lines) as mentioned;
    end if;
    perform thetis.merge_orders(
        v_incoming.orders, v_tracked, least(record_orders.received_at, now())
    );
    if v_incoming.untracked is not null then
        perform thetis.note_untracked_sales(v_incoming.untracked);
    end if;

    if v_order_ids is not null then
        v_news := thetis.merge_lines(v_incoming.lines);
        if v_incoming.refunds is not null then
            v_news := v_news || thetis.merge_refunds(array(
                select incoming from unnest(v_incoming.refunds) as incoming
                where incoming.shopify_order_id = any(v_order_ids)
            ));
        end if;
        if v_incoming.disputes is not null then
            v_news := v_news || thetis.merge_disputes(array(
                select incoming from unnest(v_incoming.disputes) as incoming
                where incoming.shopify_order_id = any(v_order_ids)
            ));
        end if;
        v_news := v_news || thetis.refresh_orders(v_order_ids);

        if cardinality(v_nameless) > 0 then
            v_nameless := thetis.orders_without_email(v_nameless);
        end if;
    else
        v_nameless := null;
    end if;

    return query
    select
        each.place::integer,
        each.id,
        case
            when v_faults[each.place] is not null then 'rejected'
            when (each.id = any(v_tracked)) is not true then 'ignored'
            when each.id = any(v_nameless) then 'rejected'
            when each.id = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        coalesce(
            v_faults[each.place],
            case when each.id = any(v_nameless) then 'no email address' end
        )
    from unnest(v_ids) with ordinality as each (id, place)
    order by each.place;
end;
$$;

CREATE FUNCTION public.record_privacy_request(request jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.record_refunds(refunds jsonb, received_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(ordinal integer, shopify_order_id text, outcome text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
declare
    v_ids text[];
    v_have_lines boolean[];
    v_faults text[];
    v_incoming thetis.incoming_refund[];
    v_order_ids text[];
    v_news text[];
begin
    select array_agg(each.shopify_order_id), array_agg(each.has_lines), array_agg(each.fault)
    into v_ids, v_have_lines, v_faults
    from thetis.describe_refunds(refunds) as each;

    v_incoming := thetis.read_refunds(thetis.without_faults(refunds, v_faults));
    v_order_ids := array(
        select distinct incoming.shopify_order_id from unnest(v_incoming) as incoming
    );
    if cardinality(v_order_ids) > 0 then
        perform thetis.lock_orders(v_order_ids, least(record_refunds.received_at, now()));
        v_news := thetis.merge_refunds(v_incoming);
        v_news := v_news || thetis.refresh_orders(v_order_ids);
    end if;

    return query
    select
        each.place::integer,
        each.id,
        case
            when each.fault is not null then 'rejected'
            when not each.has_lines then 'ignored'
            when each.id = any(v_news) then 'recorded'
            else 'unchanged'
        end,
        each.fault
    from unnest(v_ids, v_have_lines, v_faults) with ordinality
        as each (id, has_lines, fault, place)
    order by each.place;
end;
$$;

CREATE FUNCTION public.redeem_claim_code(code text) RETURNS TABLE(outcome text, address text, linked integer, owned_elsewhere integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_code text := regexp_replace(coalesce(redeem_claim_code.code, ''), '[^0-9]', '', 'g');
    v_limits record := thetis.claim_limits();
    v_user_id uuid := (select auth.uid());
    v_email text;
    v_sent thetis.claim_codes;
    v_guess_hash bytea;
    v_is_counted boolean;  -- for good
begin
    select live.email into v_email from thetis.claim_codes as live
    where live.user_id = v_user_id and live.code_hash is not null;
    perform thetis.lock_emails(array[v_email]);
    perform thetis.lock_holders(array[v_user_id]);
    v_user_id := thetis.claimant();
    select live.* into v_sent from thetis.claim_codes as live
    where
        live.user_id = v_user_id
        and live.email = v_email
        and live.code_hash is not null
        and live.valid_until > now()
    for update;
    v_guess_hash := thetis.code_hash(v_sent.id, v_code);

    v_is_counted := (
        v_sent.guess_hash = v_guess_hash and v_sent.guessed_in <> pg_current_xact_id()
    ) is true;

    if not v_is_counted and v_sent.attempts < v_limits.max_attempts then
        update thetis.claim_codes as tried
        set
            attempts = tried.attempts + 1,
            guess_hash = v_guess_hash,
            guessed_in = pg_current_xact_id()
        where tried.id = v_sent.id;
        return query select 'noted', null::text, 0, 0;
        return;
    end if;
    if (v_is_counted and v_sent.code_hash = v_guess_hash) is not true then
        update thetis.claim_codes as tried set guess_hash = null where tried.id = v_sent.id;
        if v_sent.attempts >= v_limits.max_attempts then
            perform thetis.end_claim_code(v_user_id);
        end if;
        return query select 'refused', null::text, 0, 0;
        return;
    end if;

    perform thetis.end_claim_code(v_user_id);
    insert into thetis.proven_addresses as existing (user_id, email)
    values (v_user_id, v_email)
    on conflict on constraint proven_addresses_pkey do update set proven_at = now();
    perform thetis.note_claim(v_user_id, 'prove_address', v_email);
    return query
    select
        'proven', v_email, thetis.link_addresses(v_user_id, array[v_email]),
        (
            select count(*)::integer from public.purchases as other
            where other.shopify_customer_email = v_email and other.user_id <> v_user_id
        );
end;
$$;

CREATE FUNCTION public.remove_product(slug text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
begin
    if exists (
        select from public.purchases as bought where bought.product_slug = remove_product.slug
    ) then
        raise exception 'there are purchases of %', remove_product.slug using errcode = 'TH002';
    end if;

    delete from public.products as existing where existing.slug = remove_product.slug;
    return found;
end;
$$;

CREATE FUNCTION public.remove_proven_address(address text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_email text := thetis.normalised_email(remove_proven_address.address);
    v_user_id uuid := (select auth.uid());
    v_emails text[] := array(
        select orders.holder_email
        from public.purchases as own
        inner join thetis.orders on own.shopify_order_id = orders.shopify_order_id
        where own.user_id = v_user_id and own.shopify_customer_email = v_email
    ) || v_email;
    v_ids uuid[];
    v_owner_ids uuid[];
    v_removed integer;
begin
    perform thetis.lock_emails(v_emails);
    perform thetis.lock_holders(array[v_user_id]);
    delete from thetis.proven_addresses as proven
    where proven.user_id = v_user_id and proven.email = v_email;
    if not found then
        return 0;
    end if;
    perform thetis.note_claim(v_user_id, 'remove_address', v_email);

    v_owner_ids := array(select thetis.owner_of(named.email) from unnest(v_emails) as named (email));
    perform thetis.lock_holders(v_owner_ids);
    if thetis.confirmed_user_id(v_email) is distinct from v_user_id then
        v_ids := array(
            select own.id from public.purchases as own
            where own.user_id = v_user_id and own.shopify_customer_email = v_email
            order by own.id
            for update
        );
    end if;
    update public.purchases as own set user_id = null where own.id = any(v_ids);
    update public.purchases as free set user_id = thetis.owner_of(free.shopify_customer_email)
    where free.id = any(v_ids);
    perform thetis.refresh_expiry(v_owner_ids || v_user_id, v_emails);

    select count(*) into v_removed from public.purchases as gone
    where gone.id = any(v_ids) and gone.user_id is distinct from v_user_id;
    return v_removed;
end;
$$;

CREATE FUNCTION public.remove_shopify_product(shopify_product_id text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_slug text;
begin
    delete from thetis.shopify_products as mapped
    where mapped.shopify_product_id = remove_shopify_product.shopify_product_id
    returning mapped.product_slug into v_slug;
    return v_slug;
end;
$$;

CREATE FUNCTION public.request_claim_code(email text) RETURNS TABLE(address text, valid_until timestamp with time zone, next_code_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_email text := thetis.stated_address(request_claim_code.email);
    v_limits record := thetis.claim_limits();
    v_id uuid := gen_random_uuid();
    v_code text := thetis.random_code();
    v_user_id uuid;
    v_next_at timestamptz;
    v_seconds integer;
begin
    -- two questions at once would each find room for one more
    perform thetis.lock_emails(array[v_email]);
    perform thetis.lock_holders(array[(select auth.uid())]);
    v_user_id := thetis.claimant();
    -- their own row alone: to look for another account would take longer where there is one
    if exists (
        select from auth.users
        where
            users.id = v_user_id
            and lower(users.email) = v_email
            and users.email_confirmed_at is not null
            and users.is_sso_user = false
    ) then
        raise exception 'this is the address that you sign in with' using errcode = 'TH005';
    end if;
    v_next_at := thetis.next_code_at(v_user_id, v_email);
    if v_next_at > now() then
        v_seconds := ceil(extract(epoch from v_next_at - now()));
        raise exception 'too many codes: ask again in % minutes', ceil(v_seconds / 60.0)
        using errcode = 'TH008', detail = v_seconds::text;
    end if;

    perform thetis.end_claim_code(v_user_id);
    insert into thetis.claim_codes (id, user_id, email, code_hash, valid_until)
    values (
        v_id, v_user_id, v_email, thetis.code_hash(v_id, v_code), now() + v_limits.valid_for
    );
    insert into thetis.notifications (id, kind, payload)
    values (
        v_id,
        'claim_code',
        jsonb_build_object(
            'email', v_email,
            'code', v_code,
            'minutes', extract(epoch from v_limits.valid_for)::integer / 60
        )
    );
    perform thetis.note_claim(v_user_id, 'request_code', v_email);
    return query
    select v_email, now() + v_limits.valid_for, thetis.next_code_at(v_user_id, v_email);
end;
$$;

CREATE FUNCTION public.require_second_factor(is_required boolean, reason text, operator text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.audit_log (operator, action, reason, before, after)
    select
        thetis.operator(require_second_factor.operator, true),
        'configure',
        thetis.stated_reason(require_second_factor.reason),
        jsonb_build_object('needs_second_factor', staff_rules.needs_second_factor),
        jsonb_build_object('needs_second_factor', require_second_factor.is_required)
    from thetis.staff_rules;
    update thetis.staff_rules set needs_second_factor = require_second_factor.is_required
    where staff_rules.is_the_only_row;  -- of no other: an API session may not update without it
end;
$$;

CREATE FUNCTION public.resend_notification(order_name text, kind text, reason text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS TABLE(id uuid, outcome text, email text, shopify_order_id text, refusal text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(resend_notification.operator, true);
    v_reason text := thetis.stated_reason(resend_notification.reason);
    v_order_ids text[] := array[thetis.stated_order(resend_notification.order_name)];
begin
    if (resend_notification.kind in ('post_purchase', 'course_access')) is not true then
        raise exception 'kind: post_purchase or course_access' using errcode = 'TH004';
    end if;
    perform thetis.lock_messages(v_order_ids);

    return query
    with composed as (
        select
            told.*,
            gen_random_uuid() as new_id,
            case
                when exists (
                    select from thetis.notifications as waiting
                    where
                        waiting.shopify_order_id = told.shopify_order_id
                        and waiting.kind = told.kind
                        and waiting.email = told.email
                        and waiting.status = 'pending'
                ) then 'one is waiting to be sent already'
            end as refusal
        from thetis.compose_messages(v_order_ids, true) as told
        where told.kind = resend_notification.kind and told.is_named
    ),

    enqueued as (
        insert into thetis.notifications (
            id, kind, shopify_order_id, purchase_ids, run, payload, is_test, resend_of,
            resend_reason
        )
        select
            composed.new_id,
            composed.kind,
            composed.shopify_order_id,
            composed.purchase_ids,
            composed.run,
            composed.payload || '{"is_addition": false}',
            composed.is_test,
            (
                select named.id from thetis.notifications as named
                where
                    named.shopify_order_id = composed.shopify_order_id
                    and named.kind = composed.kind
                    and named.email = composed.email
                    and named.attempts > 0
                order by named.enqueued_at desc
                limit 1
            ),
            v_reason
        from composed
        where composed.refusal is null and resend_notification.dry_run is false
    ),

    noted as (
        insert into thetis.audit_log (
            operator, action, email, shopify_order_id, reason, after
        )
        select
            v_operator,
            'resend',
            composed.email,
            composed.shopify_order_id,
            v_reason,
            jsonb_build_object('kind', composed.kind, 'message', composed.new_id)
        from composed
        where composed.refusal is null and resend_notification.dry_run is false
    )

    select
        case when composed.refusal is null then composed.new_id end,
        case when composed.refusal is null then 'enqueued' else 'refused' end,
        composed.email,
        composed.shopify_order_id,
        composed.refusal
    from composed;

    if not found then
        return query
        select null::uuid, 'refused', null::text, v_order_ids[1],
            case
                when exists (
                    select from thetis.notifications as waiting
                    where
                        waiting.shopify_order_id = any(v_order_ids)
                        and waiting.kind = resend_notification.kind
                        and waiting.status = 'pending'
                ) then 'one is waiting to be sent already'
                else 'nothing of it that was told of is active'
            end;
    end if;
end;
$$;

CREATE FUNCTION public.restore_purchase(purchase_id uuid, reason text, expected_address text DEFAULT NULL::text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(restore_purchase.operator, true);
    v_reason text := thetis.stated_reason(restore_purchase.reason);
    v_purchase public.purchases;
    v_ids uuid[] := array[restore_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        v_purchase := thetis.stated_purchase(
            restore_purchase.purchase_id, restore_purchase.expected_address, null
        );
        if not exists (
            select from thetis.overrides as override
            where override.purchase_id = v_purchase.id and override.is_revoked
        ) then
            v_act := thetis.unchanged_act('restore', v_ids);
        else
            v_before := thetis.describe_purchases(v_ids);
            update thetis.overrides as override set is_revoked = false
            where override.purchase_id = v_purchase.id;
            -- what is told of it is merged into this at once
            update public.purchases as stored
            set status = case when stored.expires_at <= now() then 'expired' else 'active' end
            where stored.id = v_purchase.id and stored.status = 'cancelled';
            v_act := thetis.conclude_act(
                v_operator, 'restore', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if restore_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', restore_purchase.dry_run);
end;
$$;

CREATE FUNCTION public.retry_notifications(ids jsonb, dry_run boolean DEFAULT false, operator text DEFAULT NULL::text, reason text DEFAULT NULL::text) RETURNS TABLE(id uuid, outcome text, refusal text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(retry_notifications.operator, true);
    v_ids uuid[] := array(
        select element.id::uuid from jsonb_array_elements_text(ids) as element (id)
    );
    v_renewed text[];
begin
    perform thetis.lock_messages(array(
        select chosen.shopify_order_id from thetis.notifications as chosen
        where chosen.id = any(v_ids)
    ));

    return query
    select
        given.id,
        case when stored.id is null or stored.refusal is not null then 'refused' else 'retried' end,
        case when stored.id is null then 'there is none with this id' else stored.refusal end
    from unnest(v_ids) with ordinality as given (id, place)
    left join lateral (
        select message.id, thetis.why_no_retry(message) as refusal
        from thetis.notifications as message
        where message.id = given.id
    ) as stored on true
    order by given.place;

    if retry_notifications.dry_run is not false then
        return;
    end if;

    insert into thetis.audit_log (operator, action, email, shopify_order_id, reason, after)
    select
        v_operator,
        'retry',
        -- whom Knock is to forget is not to be written down anew
        case when message.kind <> 'forget_recipient' then nullif(message.email, '') end,
        message.shopify_order_id,
        nullif(btrim(retry_notifications.reason), ''),
        jsonb_build_object('kind', message.kind, 'message', message.id)
    from thetis.notifications as message
    where message.id = any(v_ids) and thetis.why_no_retry(message) is null;

    with retried as (
        update thetis.notifications as again
        set
            status = case when chosen.is_renewed then 'skipped' else 'pending' end,
            settled_at = case when chosen.is_renewed then now() end,
            due_at = now(),
            leased_until = null
        from (
            select
                message.id,
                message.attempts > 0
                and message.uncertain_since is null
                and message.resend_of is null
                and message.kind in ('post_purchase', 'course_access') as is_renewed
            from thetis.notifications as message
            where
                message.id = any(v_ids)
                and thetis.why_no_retry(message) is null
        ) as chosen
        where again.id = chosen.id
        returning again.shopify_order_id, chosen.is_renewed
    )

    select array_agg(retried.shopify_order_id) filter (where retried.is_renewed)
    into v_renewed
    from retried;
    if v_renewed is not null then
        perform thetis.enqueue_notifications(v_renewed, true);
    end if;
end;
$$;

CREATE FUNCTION public.revoke_purchase(purchase_id uuid, reason text, expected_address text DEFAULT NULL::text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(revoke_purchase.operator, true);
    v_reason text := thetis.stated_reason(revoke_purchase.reason);
    v_purchase public.purchases;
    v_ids uuid[] := array[revoke_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        v_purchase := thetis.stated_purchase(
            revoke_purchase.purchase_id, revoke_purchase.expected_address, null
        );
        if exists (
            select from thetis.overrides as override
            where override.purchase_id = v_purchase.id and override.is_revoked
        ) then
            v_act := thetis.unchanged_act('revoke', v_ids);
        elsif
            v_purchase.status = 'refunded'
            or (
                v_purchase.status = 'cancelled'
                -- a chargeback may be won, and this is to stay
                and not exists (
                    select from thetis.charged_back_purchases as ended
                    where
                        ended.purchase_id = v_purchase.id
                        and (
                            ended.status_before = 'active' or v_purchase.expires_at is not null
                        )
                )
            )
            -- an old enrollment: what it was before could not be told when it is restored
            or (v_purchase.status = 'expired' and v_purchase.expires_at is null)
        then
            raise exception 'it is % already', v_purchase.status using errcode = 'TH005';
        else
            v_before := thetis.describe_purchases(v_ids);
            insert into thetis.overrides as existing (purchase_id, is_revoked)
            values (v_purchase.id, true)
            on conflict on constraint overrides_pkey do update set is_revoked = true;
            update public.purchases as stored set status = 'cancelled'
            where stored.id = v_purchase.id;
            v_act := thetis.conclude_act(
                v_operator, 'revoke', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if revoke_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', revoke_purchase.dry_run);
end;
$$;

CREATE FUNCTION public.settle_notifications(results jsonb) RETURNS TABLE(id uuid, status text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
#variable_conflict use_column
begin
    -- In the order in which record_orders locks them, whatever the order of the results.
    perform from thetis.notifications as settled
    where settled.id in (select each.id from jsonb_to_recordset(results) as each (id uuid))
    order by settled.id
    for update;

    return query
    update thetis.notifications as settled
    set
        status = case
            when result.result in ('retry', 'paused') then 'pending' else result.result
        end,
        settled_at = case when result.result in ('sent', 'dead') then now() end,
        due_at = case result.result
            when 'paused' then now()
            when 'retry'
                then now() + thetis.retry_delay(settled.attempts, result.retry_after_seconds)
            else settled.due_at
        end,
        uncertain_since = case
            when result.is_refused and settled.uncertain_since = settled.claimed_at then null
            else settled.uncertain_since
        end,
        leased_until = null,
        -- the last place that holds the address of somebody who was erased
        payload = case
            when settled.kind = 'forget_recipient' and result.result = 'sent' then '{}'
            else settled.payload
        end,
        last_error = left(result.error, 1000),
        provider_message_id = coalesce(
            left(result.provider_message_id, 200), settled.provider_message_id
        )
    from (
        select distinct on (told.id) told.*
        from jsonb_to_recordset(results) as told (
            id uuid,
            attempt integer,
            result text,
            error text,
            retry_after_seconds double precision,
            is_refused boolean,
            provider_message_id text
        )
        order by told.id asc, (told.result = 'sent') desc, told.attempt desc
    ) as result
    where
        settled.id = result.id
        and case
            when result.result = 'sent' then settled.status <> 'sent'
            when result.result in ('retry', 'paused', 'dead')
                then settled.status = 'pending' and settled.attempts = result.attempt
        end
    returning settled.id, settled.status;
end;
$$;

CREATE FUNCTION public.store_rejected_webhook(topic text, webhook_id text, body_base64 text, reason text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION public.transfer_order(order_name text, address text, reason text, expected_address text DEFAULT NULL::text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(transfer_order.operator, true);
    v_reason text := thetis.stated_reason(transfer_order.reason);
    v_email text := thetis.stated_address(transfer_order.address);
    v_order_id text := thetis.stated_order(transfer_order.order_name);
    v_holder_email text;
    v_ids uuid[];
    v_owner_ids uuid[];
    v_emails text[];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        -- the order first, so that no event adds a purchase of it meanwhile; who owns them is
        -- looked up once nobody can link them any more
        select orders.holder_email into v_holder_email
        from thetis.orders where orders.shopify_order_id = v_order_id
        for update;
        perform thetis.lock_for_act(v_order_id, '{}', v_email);
        select
            coalesce(array_agg(stored.id), '{}'),
            array_agg(stored.user_id) filter (where stored.user_id is not null),
            array_agg(stored.shopify_customer_email)
        into v_ids, v_owner_ids, v_emails
        from public.purchases as stored where stored.shopify_order_id = v_order_id;
        if
            transfer_order.expected_address is not null
            and thetis.normalised_email(transfer_order.expected_address)
            is distinct from v_holder_email
            and not exists (
                select from unnest(v_owner_ids) as owner (id)
                where thetis.is_address_of(
                    owner.id, thetis.normalised_email(transfer_order.expected_address)
                )
            )
        then
            raise exception 'order % is not that of the expected address', v_order_id
            using errcode = 'TH006';
        end if;

        if exists (
            select from thetis.orders
            where orders.shopify_order_id = v_order_id and orders.transferred_to = v_email
        ) and not exists (
            select from thetis.overrides as override
            where override.purchase_id = any(v_ids) and override.transferred_to <> v_email
        ) then
            v_act := thetis.unchanged_act('transfer', v_ids);
        else
            v_before := thetis.describe_purchases(v_ids);
            update thetis.orders set transferred_to = v_email
            where orders.shopify_order_id = v_order_id;
            update thetis.overrides as override set transferred_to = null
            where override.purchase_id = any(v_ids);
            perform thetis.give_purchases(v_ids, v_email);
            perform thetis.refresh_expiry(v_owner_ids, v_emails);
            v_act := thetis.conclude_act(
                v_operator, 'transfer', v_reason, v_holder_email, v_order_id, v_ids, v_before
            );
        end if;
        if transfer_order.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', transfer_order.dry_run);
end;
$$;

CREATE FUNCTION public.transfer_purchase(purchase_id uuid, address text, reason text, expected_address text DEFAULT NULL::text, operator text DEFAULT NULL::text, dry_run boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    v_operator text := thetis.operator(transfer_purchase.operator, true);
    v_reason text := thetis.stated_reason(transfer_purchase.reason);
    v_email text := thetis.stated_address(transfer_purchase.address);
    v_purchase public.purchases;
    v_ids uuid[] := array[transfer_purchase.purchase_id];
    v_before jsonb;
    v_act jsonb;
begin
    begin
        v_purchase := thetis.stated_purchase(
            transfer_purchase.purchase_id, transfer_purchase.expected_address, v_email
        );
        if exists (
            select from thetis.overrides as override
            where override.purchase_id = v_purchase.id and override.transferred_to = v_email
        ) then
            v_act := thetis.unchanged_act('transfer', v_ids);
        else
            v_before := thetis.describe_purchases(v_ids);
            insert into thetis.overrides as existing (purchase_id, transferred_to)
            values (v_purchase.id, v_email)
            on conflict on constraint overrides_pkey do update set
                transferred_to = excluded.transferred_to;
            perform thetis.give_purchases(v_ids, v_email);
            perform thetis.refresh_expiry(
                array[v_purchase.user_id], array[v_purchase.shopify_customer_email]
            );
            v_act := thetis.conclude_act(
                v_operator, 'transfer', v_reason, v_purchase.shopify_customer_email,
                v_purchase.shopify_order_id, v_ids, v_before
            );
        end if;
        if transfer_purchase.dry_run is not false then
            raise exception 'dry run' using errcode = 'TH099';
        end if;
    exception when sqlstate 'TH099' then
        null;
    end;
    return v_act || jsonb_build_object('dry_run', transfer_purchase.dry_run);
end;
$$;

CREATE FUNCTION public.undelivered_emails(days integer DEFAULT 7) RETURNS TABLE(state text, total bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.access_period(p_words text) RETURNS interval
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return case when p_words <> 'for ever' then p_words::interval end;
exception when data_exception then
    raise exception 'access period: say for example "1 year", "90 days" or "for ever"'
    using errcode = 'TH004';
end;
$$;

CREATE FUNCTION thetis.accounts_of(p_emails text[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return array(
        select found.id
        from unnest(p_emails) as given (address)
        cross join lateral (
            select exact.id from auth.users as exact
            where exact.email = given.address and exact.is_sso_user = false
            union
            select imported.id from auth.users as imported
            where
                imported.instance_id = '00000000-0000-0000-0000-000000000000'
                and lower(imported.email) = given.address
        ) as found
    );
end;
$$;

CREATE FUNCTION thetis.add_exported_lines(p_orders jsonb, p_incoming thetis.incoming_order[], p_granting text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.order_lines (
            shopify_order_id, shopify_line_item_id, product_slug, quantity, paid_as_of, is_exported
        )
        select
            told.shopify_order_id,
            concat_ws('-', 'export', told.slug, told.place),
            told.slug,
            told.quantity,
            told.as_of,
            true
        from (
            select
                incoming.shopify_order_id,
                incoming.as_of,
                line.entry ->> 'slug' as slug,
                (line.entry ->> 'quantity')::thetis.shopify_quantity as quantity,
                row_number() over (
                    partition by incoming.shopify_order_id, line.entry ->> 'slug'
                    order by line.place
                ) as place
            from rows from (jsonb_array_elements(p_orders), unnest(p_incoming)) as incoming (
                entry, shopify_order_id, order_number, email, as_of, purchased_at,
                is_paid, is_voided, is_refunded, cancelled_at, is_test
            )
            cross join lateral jsonb_array_elements(incoming.entry -> 'lines')
                with ordinality as line (entry, place)
            where incoming.shopify_order_id = any(p_granting)
        ) as told
        where
            told.place > (
                select count(*) from thetis.order_lines as known
                where
                    known.shopify_order_id = told.shopify_order_id
                    and known.product_slug = told.slug
            )
        on conflict do nothing
        returning shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.add_purchases(p_order_ids text[], p_owner_ids uuid[], p_has_periods boolean) RETURNS thetis.purchase_change[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_changes thetis.purchase_change[];
    v_ids uuid[];
begin
    with added as (
        insert into public.purchases (
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
        from unnest(p_order_ids, p_owner_ids) as owner (shopify_order_id, user_id)
        inner join thetis.derived_purchases as derived
            on owner.shopify_order_id = derived.shopify_order_id
        on conflict (shopify_order_id, shopify_line_item_id) do nothing
        returning id, shopify_order_id, product_slug, status
    )

    select
        array_agg(
            row(
                added.shopify_order_id, added.product_slug, null, added.status
            )::thetis.purchase_change
        ),
        array_agg(added.id)
    into v_changes, v_ids
    from added;
    if p_has_periods then
        insert into thetis.access_periods (purchase_id, period)
        select added.id, product.access_period
        from public.purchases as added
        inner join public.products as product on added.product_slug = product.slug
        where added.id = any(v_ids) and product.access_period is not null;
    end if;
    return v_changes;
end;
$$;

CREATE FUNCTION thetis.addition_delay() RETURNS interval
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return interval '30 seconds';
end;
$$;

CREATE FUNCTION thetis.address_hash(p_email text) RETURNS bytea
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select sha256(erasure_key.hash_key || convert_to(p_email, 'UTF8')) from thetis.erasure_key
    );
end;
$$;

CREATE FUNCTION thetis.address_pattern(p_email text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return '(?:(?<![[:alnum:]._%+-])|(?<=\\[bfnrt]))'
        || regexp_replace(p_email, '([][*.+?^${}()|\\])', '\\\1', 'g')
        || '(?![[:alnum:]_-]|\.[[:alnum:]])';
end;
$_$;

CREATE FUNCTION thetis.adopt_exported_lines(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_exported thetis.order_lines;
    v_told_id text;
begin
    for v_exported in
        select exported.*
        from thetis.order_lines as exported
        where exported.shopify_order_id = any(p_order_ids) and exported.is_exported
        order by exported.shopify_order_id, exported.shopify_line_item_id
    loop
        v_told_id := (
            select told.shopify_line_item_id
            from thetis.order_lines as told
            where
                told.shopify_order_id = v_exported.shopify_order_id
                and told.product_slug = v_exported.product_slug
                and not told.is_exported
                and not exists (
                    select from public.purchases as stored
                    where
                        stored.shopify_order_id = told.shopify_order_id
                        and stored.shopify_line_item_id = told.shopify_line_item_id
                )
            order by told.shopify_line_item_id
            limit 1
        );
        if v_told_id is null then
            update thetis.order_lines as exported
            set end_status = greatest(exported.end_status, 'cancelled')
            from thetis.orders
            where
                exported.shopify_order_id = v_exported.shopify_order_id
                and exported.shopify_line_item_id = v_exported.shopify_line_item_id
                and orders.shopify_order_id = v_exported.shopify_order_id
                and orders.cancelled_at is not null;
        else
            delete from thetis.order_lines as exported
            where
                exported.shopify_order_id = v_exported.shopify_order_id
                and exported.shopify_line_item_id = v_exported.shopify_line_item_id;
            update thetis.order_lines as told
            set
                paid_as_of = least(told.paid_as_of, v_exported.paid_as_of),
                quantity = greatest(told.quantity, v_exported.quantity),
                end_status = greatest(told.end_status, v_exported.end_status)
            where
                told.shopify_order_id = v_exported.shopify_order_id
                and told.shopify_line_item_id = v_told_id;
            update public.purchases as stored set shopify_line_item_id = v_told_id
            where
                stored.shopify_order_id = v_exported.shopify_order_id
                and stored.shopify_line_item_id = v_exported.shopify_line_item_id;
        end if;
    end loop;
end;
$$;

CREATE FUNCTION thetis.applied_migrations() RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_versions text[];
begin
    if to_regclass('supabase_migrations.schema_migrations') is null then
        return null;
    end if;
    execute 'select array_agg(version order by version) from supabase_migrations.schema_migrations'
    into v_versions;
    return coalesce(v_versions, '{}');
end;
$$;

CREATE TABLE thetis.audit_log (
    id bigint NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    operator text NOT NULL,
    action text NOT NULL,
    email text,
    shopify_order_id text,
    purchase_id uuid,
    reason text,
    before jsonb,
    after jsonb,
    erased_at timestamp with time zone,
    CONSTRAINT action_is_known CHECK ((action = ANY (ARRAY['show'::text, 'export'::text, 'grant'::text, 'revoke'::text, 'restore'::text, 'transfer'::text, 'extend'::text, 'retry'::text, 'resend'::text, 'answer'::text, 'forget'::text, 'configure'::text, 'request_code'::text, 'prove_address'::text, 'remove_address'::text]))),
    CONSTRAINT operator_is_not_blank CHECK ((operator ~ '[^[:space:]]'::text)),
    CONSTRAINT writes_have_a_reason CHECK (((action = ANY (ARRAY['show'::text, 'export'::text, 'retry'::text, 'answer'::text, 'request_code'::text, 'prove_address'::text, 'remove_address'::text])) OR ((reason ~ '[^[:space:]]'::text) IS TRUE) OR (erased_at IS NOT NULL)))
);

COMMENT ON COLUMN thetis.audit_log.operator IS 'The id of the account of staff or of a customer, or the name that was given to the command.';

CREATE FUNCTION thetis.audit_rows_of(p_email text, p_order_ids text[]) RETURNS SETOF thetis.audit_log
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.body_json(p_body bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return thetis.body_text(p_body)::jsonb;
exception when data_exception or program_limit_exceeded then
    return null;
end;
$$;

CREATE FUNCTION thetis.body_text(p_body bytea) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return convert_from(p_body, 'UTF8');
exception when data_exception then
    return null;
end;
$$;

CREATE FUNCTION thetis.cancellation_delay() RETURNS interval
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return interval '6 seconds';
end;
$$;

CREATE FUNCTION thetis.claim_limits(OUT valid_for interval, OUT max_attempts integer, OUT wait interval, OUT per_user_an_hour integer, OUT per_address_an_hour integer, OUT per_address_a_day integer) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    valid_for := interval '15 minutes';
    max_attempts := 5;
    wait := interval '1 minute';
    per_user_an_hour := 5;
    per_address_an_hour := 3;
    per_address_a_day := 6;
end;
$$;

CREATE FUNCTION thetis.claimant() RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_user_id uuid;
begin
    select users.id into v_user_id
    from auth.users
    where
        users.id = (select auth.uid())
        and users.confirmed_at is not null
        and users.deleted_at is null
        and (users.banned_until > now()) is not true  -- their token goes on for a while
    for key share;
    if v_user_id is null then
        raise exception 'confirm the address that you sign in with first' using errcode = 'TH005';
    end if;
    return v_user_id;
end;
$$;

CREATE FUNCTION thetis.code_hash(p_id uuid, p_code text) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return sha256(uuid_send(p_id) || convert_to(p_code, 'UTF8'));
end;
$$;

CREATE FUNCTION thetis.compose_messages(p_order_ids text[], p_has_messages boolean) RETURNS TABLE(shopify_order_id text, kind text, email text, is_named boolean, purchase_ids uuid[], run integer, payload jsonb, is_test boolean, is_historic boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.conclude_act(p_operator text, p_action text, p_reason text, p_email text, p_order_id text, p_ids uuid[], p_before jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_after jsonb;
begin
    if p_order_id is not null then
        perform thetis.refresh_orders(array[p_order_id]);
    end if;
    if p_action = 'transfer' then
        -- also of a historic order, which causes no message otherwise
        perform thetis.enqueue_notifications(array[p_order_id], true);
    end if;
    v_after := thetis.describe_purchases(p_ids);
    insert into thetis.audit_log (
        operator, action, email, shopify_order_id, purchase_id, reason, before, after
    )
    values (
        p_operator, p_action, p_email, p_order_id,
        case when cardinality(p_ids) = 1 then p_ids[1] end,
        p_reason, p_before, v_after
    );
    return jsonb_build_object(
        'action', p_action,
        'outcome', 'done',
        'before', p_before,
        'after', v_after,
        'messages', thetis.describe_message_changes(p_order_id)
    );
end;
$$;

CREATE FUNCTION thetis.confirmed_user_id(p_email text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return (
        select users.id
        from auth.users
        where
            users.id = (
                select candidate.id
                from (
                    select exact.id, 1 as place
                    from auth.users as exact
                    where
                        exact.email = p_email
                        and exact.is_sso_user = false
                        and exact.email_confirmed_at is not null
                        and exact.deleted_at is null
                    union all
                    select imported.id, 2
                    from auth.users as imported
                    where
                        imported.instance_id = '00000000-0000-0000-0000-000000000000'
                        and lower(imported.email) = p_email
                        and imported.is_sso_user = false
                        and imported.email_confirmed_at is not null
                        and imported.deleted_at is null
                ) as candidate
                where p_email <> ''
                order by candidate.place, candidate.id
                limit 1
            )
            and users.deleted_at is null
        for key share
    );
end;
$$;

CREATE FUNCTION thetis.copied_enrollments_of(p_email text, p_purchase_ids uuid[]) RETURNS TABLE(id bigint, enrollment jsonb, outcome text, purchase_id uuid, note text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if to_regclass('thetis.copied_enrollments') is not null then
        return query execute
            'select id, enrollment, outcome, purchase_id, note from thetis.copied_enrollments'
            ' where thetis.mentions(enrollment::text, $1) or thetis.mentions(note, $1)'
            ' or (purchase_id = any($2) and enrollment ? ''shopify_customer_email'')'
        using p_email, p_purchase_ids;
    end if;
end;
$_$;

CREATE FUNCTION thetis.customer_accounts(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION thetis.customer_acts(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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

CREATE FUNCTION thetis.customer_answer(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION thetis.customer_messages(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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

CREATE FUNCTION thetis.customer_orders(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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

CREATE FUNCTION thetis.customer_purchases(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION thetis.customer_rejected(p_customer thetis.customer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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

CREATE FUNCTION thetis.describe_disputes(p_disputes jsonb) RETURNS TABLE(place bigint, shopify_order_id text, fault text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select dispute.place, dispute.entry ->> 'order_id', thetis.dispute_fault(dispute.entry)
    from jsonb_array_elements(p_disputes) with ordinality as dispute (entry, place)
    order by dispute.place;
end;
$$;

CREATE FUNCTION thetis.describe_message_changes(p_order_id text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'kind', message.kind,
                        'address', message.email,
                        'change',
                        case message.status when 'pending' then 'enqueued' else 'withdrawn' end
                    )
                    order by message.kind, message.email
                ),
                '[]'
            )
        from thetis.notifications as message
        where
            message.shopify_order_id = p_order_id
            and (
                (message.status = 'pending' and message.enqueued_at = now())
                or (message.status = 'skipped' and message.settled_at = now())
            )
    );
end;
$$;

CREATE FUNCTION thetis.describe_orders(p_orders jsonb, p_test_orders text) RETURNS TABLE(place bigint, shopify_order_id text, fault text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select ordered.place, ordered.entry ->> 'id', thetis.order_fault(ordered.entry, p_test_orders)
    from jsonb_array_elements(p_orders) with ordinality as ordered (entry, place)
    order by ordered.place;
end;
$$;

CREATE FUNCTION thetis.describe_purchases(p_ids uuid[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
begin
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', stored.id,
                        'product', stored.product_slug,
                        'order_number', stored.shopify_order_number,
                        'address', stored.shopify_customer_email,
                        'user_id', stored.user_id,
                        'status', stored.status,
                        'expires_at', stored.expires_at
                    )
                    order by stored.purchased_at, stored.id
                ),
                '[]'
            )
        from public.purchases as stored
        where stored.id = any(p_ids)
    );
end;
$$;

CREATE FUNCTION thetis.describe_refunds(p_refunds jsonb) RETURNS TABLE(place bigint, shopify_order_id text, has_lines boolean, fault text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select
        refund.place,
        refund.entry ->> 'order_id',
        refund.entry -> 'refund_line_items' <> '[]',
        thetis.refund_fault(refund.entry)
    from jsonb_array_elements(p_refunds) with ordinality as refund (entry, place)
    order by refund.place;
end;
$$;

CREATE FUNCTION thetis.dispute_fault(p_dispute jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return case
        when jsonb_typeof(p_dispute) <> 'object' then 'not an object'
        when (p_dispute ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true then 'id: not a Shopify id'
        when (p_dispute ->> 'order_id' ~ '^[1-9][0-9]{0,18}$') is false
            then 'order_id: not a Shopify id'
        when (lower(p_dispute ->> 'type') in ('inquiry', 'chargeback')) is not true
            then 'type: neither inquiry nor chargeback'
        when thetis.dispute_status_or_null(p_dispute ->> 'status') is null
            then 'status: not one that is known'
    end;
end;
$_$;

CREATE FUNCTION thetis.dispute_status_or_null(p_word text) RETURNS thetis.dispute_status
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return case
        when lower(p_word) = any(enum_range(null::thetis.dispute_status)::text[])
            then lower(p_word)::thetis.dispute_status
    end;
end;
$$;

CREATE FUNCTION thetis.drop_settled_code() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.payload := new.payload - 'code';
    return new;
end;
$$;

CREATE FUNCTION thetis.end_claim_code(p_user_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_id uuid;
begin
    update thetis.claim_codes as code set code_hash = null, guess_hash = null
    where code.user_id = p_user_id and code.code_hash is not null
    returning code.id into v_id;
    if v_id is not null then
        update thetis.notifications as message set status = 'skipped', settled_at = now()
        where message.id = v_id and message.status = 'pending';
    end if;
end;
$$;

CREATE FUNCTION thetis.end_purchases_without_line(p_order_ids text[]) RETURNS thetis.purchase_change[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_changes thetis.purchase_change[];
begin
    with ended as (
        update public.purchases as existing
        set status = over.became
        from (
            select
                stored.id,
                stored.status as was,
                greatest(
                    stored.status::thetis.purchase_status,
                    'cancelled',
                    case
                        when orders.refunded_as_of is not null
                            then 'refunded'::thetis.purchase_status
                    end
                )::text as became
            from public.purchases as stored
            inner join thetis.orders on stored.shopify_order_id = orders.shopify_order_id
            where
                stored.shopify_order_id = any(p_order_ids)
                and stored.shopify_line_item_id is null
                and (orders.refunded_as_of is not null or orders.cancelled_at is not null)
        ) as over
        where existing.id = over.id and over.was <> over.became
        returning existing.shopify_order_id, existing.product_slug, over.was, over.became
    )

    select
        array_agg(
            row(
                ended.shopify_order_id, ended.product_slug, ended.was, ended.became
            )::thetis.purchase_change
        )
    into v_changes
    from ended;
    return v_changes;
end;
$$;

CREATE FUNCTION thetis.enqueue_forgetting(p_email text, p_message_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.notifications (kind, payload, due_at)
    select
        'forget_recipient',
        jsonb_build_object(
            'email', p_email,
            'runs', coalesce(
                jsonb_agg(
                    distinct jsonb_build_object(
                        'order_id', message.shopify_order_id, 'run', message.run
                    )
                ) filter (
                    where not exists (
                        select from thetis.notifications as cancellation
                        where
                            cancellation.kind = 'post_purchase_cancel'
                            and cancellation.shopify_order_id = message.shopify_order_id
                            and cancellation.run = message.run
                            and cancellation.email = message.email
                            and cancellation.status = 'sent'
                    )
                ),
                '[]'
            )
        ),
        greatest(
            now(),
            max(coalesce(message.leased_until, message.settled_at)) + thetis.cancellation_delay()
        )
    from thetis.notifications as message
    where
        message.id = any(p_message_ids)
        and message.email = p_email
        and message.kind = 'post_purchase'
        and message.uncertain_since is not null;
end;
$$;

CREATE FUNCTION thetis.enqueue_notifications(p_order_ids text[], p_has_messages boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.notifications as existing (
        kind, shopify_order_id, purchase_ids, run, payload, is_test, due_at
    )
    select
        composed.kind,
        composed.shopify_order_id,
        composed.purchase_ids,
        composed.run,
        composed.payload,
        composed.is_test,
        now() + case
            when (composed.payload -> 'is_addition')::boolean then thetis.addition_delay()
            else interval '0'
        end
    from thetis.compose_messages(p_order_ids, p_has_messages) as composed
    where
        not composed.is_named
        and (
            composed.is_historic is not true
            or (
                composed.kind = 'course_access'
                and thetis.was_transferred(composed.shopify_order_id, composed.purchase_ids)
            )
        )
    on conflict (shopify_order_id, kind, email)
    where
        attempts = 0 and kind in ('post_purchase', 'course_access') and resend_of is null
        and email <> ''
    do update set
        purchase_ids = excluded.purchase_ids,
        run = excluded.run,
        payload = excluded.payload,
        status = 'pending',
        due_at = case existing.status when 'pending' then existing.due_at else excluded.due_at end,
        enqueued_at = case existing.status
            when 'pending' then existing.enqueued_at else excluded.enqueued_at
        end,
        settled_at = null
    where existing.status = 'skipped' or existing.payload <> excluded.payload;
end;
$$;

CREATE FUNCTION thetis.erase_enrollments(p_email text, p_purchase_ids uuid[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    v_ids bigint[] := array(
        select copied.id from thetis.copied_enrollments_of(p_email, p_purchase_ids) as copied
    );
begin
    if cardinality(v_ids) > 0 then
        execute
            'update thetis.copied_enrollments set enrollment = jsonb_build_object('
            '''id'', enrollment -> ''id'', ''erased_at'', now()), note = null where id = any($1)'
        using v_ids;
    end if;
    return cardinality(v_ids);
end;
$_$;

CREATE FUNCTION thetis.erase_messages(p_ids uuid[], p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update thetis.notifications as message
    set
        payload = '{}',
        resend_reason = null,
        last_error = null,
        status = case message.status when 'sent' then 'sent' else 'skipped' end,
        settled_at = coalesce(message.settled_at, now())
    where message.id = any(p_ids);

    update thetis.email_deliveries as delivery set reason = null
    where delivery.notification_id = any(p_ids) and delivery.reason is not null;

    update thetis.notifications as message
    set status = 'skipped', settled_at = now()
    where
        message.shopify_order_id = any(p_order_ids)
        and message.kind = 'post_purchase_update'
        and message.status = 'pending'
        and not exists (
            select from thetis.open_runs
            where open_runs.shopify_order_id = message.shopify_order_id
        );
end;
$$;

CREATE FUNCTION thetis.erase_rejected_webhooks(p_email text, p_order_ids text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.erase_returned_orders(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.expire_stale_notifications() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update thetis.notifications
    set
        status = 'dead',
        settled_at = now(),
        last_error = concat_ws(
            ' ',
            'gave up: not accepted within',
            extract(epoch from thetis.repeatable_for(kind))::integer / 3600,
            'hours.',
            last_error
        )
    where id in (
        select stale.id
        from thetis.notifications as stale
        where
            stale.status = 'pending'
            and stale.due_at <= now()
            and stale.uncertain_since < now() - thetis.repeatable_for('post_purchase')
            and stale.uncertain_since < now() - thetis.repeatable_for(stale.kind)
        order by stale.uncertain_since
        limit 100
        for update skip locked
    );
end;
$$;

CREATE FUNCTION thetis.explain_missing(p_order_ids text[]) RETURNS TABLE(product text, reason text, since timestamp with time zone, shopify_order_id text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        line.product_slug,
        case
            when orders.erased_at is not null then 'erased'
            when line.end_status is not null then line.end_status::text
            when line.paid_as_of is null then 'waiting_for_payment'
            else 'no_address'
        end,
        coalesce(orders.purchased_at, orders.first_recorded_at),
        line.shopify_order_id
    from thetis.order_lines as line
    inner join thetis.orders on line.shopify_order_id = orders.shopify_order_id
    where
        line.shopify_order_id = any(p_order_ids)
        and line.product_slug is not null
        and not exists (
            select from public.purchases as stored
            where
                stored.shopify_order_id = line.shopify_order_id
                and stored.shopify_line_item_id = line.shopify_line_item_id
        )
    union all
    select
        'Shopify product ' || sold.shopify_product_id,
        'product_unknown',
        sold.first_recorded_at,
        sold.shopify_order_id
    from thetis.untracked_sales as sold
    where
        sold.shopify_order_id = any(p_order_ids)
        and not exists (
            select from thetis.order_lines as line
            inner join thetis.shopify_products as ours on line.product_slug = ours.product_slug
            where
                line.shopify_order_id = sold.shopify_order_id
                and ours.shopify_product_id = sold.shopify_product_id
        );
end;
$$;

CREATE FUNCTION thetis.explain_purchases(p_customer thetis.customer) RETURNS TABLE(id uuid, product text, reason text, rank integer, since timestamp with time zone, until timestamp with time zone, address text, user_id uuid, owner_address text, shopify_order_id text, purchased_at timestamp with time zone, owned_by text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
#variable_conflict use_column
begin
    return query
    select
        stored.id,
        stored.product_slug,
        why.reason,
        array_position(
            array[
                'has_access', 'not_linked', 'address_not_confirmed', 'no_account',
                'single_sign_on', 'other_account', 'account_deleted', 'expired', 'charged_back',
                'revoked', 'cancelled', 'refunded', 'erased'
            ],
            why.reason
        ),
        case why.reason
            when 'expired' then stored.expires_at
            when 'address_not_confirmed' then account.created_at
            when 'account_deleted' then owner.deleted_at
            when 'cancelled' then coalesce(orders.cancelled_at, stored.updated_at)
            when 'refunded' then coalesce(orders.refunded_as_of, stored.updated_at)
            when 'revoked' then stored.updated_at
            when 'charged_back' then charged_back.since
            else stored.purchased_at
        end,
        stored.expires_at,
        stored.shopify_customer_email,
        stored.user_id,
        owner.email::text,
        stored.shopify_order_id,
        stored.purchased_at,
        case
            when lower(owner.email) = stored.shopify_customer_email then 'address'
            when thetis.has_proven(stored.user_id, stored.shopify_customer_email)
                then 'proven_address'
        end
    from (
        select mine.id from public.purchases as mine
        where mine.shopify_order_id = any(p_customer.order_ids)
        union
        select mine.id from public.purchases as mine
        where mine.shopify_customer_email = any(p_customer.emails)
        union
        select mine.id from public.purchases as mine
        where mine.user_id = any(p_customer.user_ids)
        limit 500
    ) as mine
    inner join public.purchases as stored on mine.id = stored.id
    left join thetis.orders on stored.shopify_order_id = orders.shopify_order_id
    left join thetis.overrides as override on stored.id = override.purchase_id
    left join thetis.charged_back_purchases as ended on stored.id = ended.purchase_id
    left join lateral (
        select same.since from thetis.charged_back_orders as same
        where ended.purchase_id is not null and same.shopify_order_id = stored.shopify_order_id
    ) as charged_back on true
    left join auth.users as owner on stored.user_id = owner.id
    left join lateral (
        select
            same.id,
            same.created_at,
            same.is_sso_user and not proven.it as is_sso_user,
            case when proven.it then now() else same.email_confirmed_at end as email_confirmed_at
        from auth.users as same
        cross join lateral (
            select thetis.has_proven(same.id, stored.shopify_customer_email) as it
        ) as proven
        where
            same.id = any(p_customer.user_ids)
            and (lower(same.email) = stored.shopify_customer_email or proven.it)
            and same.deleted_at is null
        order by proven.it desc, same.is_sso_user, same.email_confirmed_at nulls last
        limit 1
    ) as account on true
    cross join lateral (
        select case
            when
                override.is_revoked and stored.user_id is null
                and stored.shopify_customer_email = '' then 'erased'
            when stored.status = 'cancelled' and override.is_revoked then 'revoked'
            when
                stored.status = 'cancelled'
                and ended.purchase_id is not null
                and orders.cancelled_at is null then 'charged_back'
            when stored.status <> 'active' then stored.status
            when stored.expires_at <= now() then 'expired'
            when owner.deleted_at is not null then 'account_deleted'
            when
                owner.id = any(p_customer.user_ids)
                and (
                    p_customer.found_by <> 'address'
                    or lower(owner.email) = any(p_customer.emails)
                    or exists (
                        select from thetis.proven_addresses as proven
                        where
                            proven.user_id = owner.id and proven.email = any(p_customer.emails)
                    )
                ) then 'has_access'
            when owner.id is not null then 'other_account'
            when account.is_sso_user then 'single_sign_on'
            when account.email_confirmed_at is not null then 'not_linked'
            when account.id is not null then 'address_not_confirmed'
            else 'no_account'
        end as reason
    ) as why;
end;
$$;

CREATE FUNCTION thetis.find_customer(p_query text) RETURNS thetis.customer
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    v_query text := btrim(p_query, E' \t\r\n');
    v_found thetis.customer;
    v_id uuid;
begin
    if v_query ~ '@' then
        v_found.found_by := 'address';
        v_found.emails := array[thetis.normalised_email(v_query)];
    elsif thetis.uuid_or_null(v_query) is not null then
        v_id := v_query;
        select
            kind.kind,
            array_remove(
                array[thetis.normalised_email(users.email), bought.email, told.email], null
            ),
            array_remove(array[users.id, bought.user_id], null),
            array_remove(array[bought.shopify_order_id, told.shopify_order_id], null)
        into v_found
        from (select v_id as id) as given
        left join auth.users on given.id = users.id
        left join lateral (
            select stored.user_id, stored.shopify_order_id,
                nullif(stored.shopify_customer_email, '') as email, stored.id
            from public.purchases as stored where stored.id = given.id
        ) as bought on true
        left join lateral (
            select
                message.shopify_order_id,
                message.id,
                case when message.kind = 'claim_code' then nullif(message.email, '') end as email
            from thetis.notifications as message where message.id = given.id
        ) as told on true
        cross join lateral (
            select case
                when users.id is not null then 'account'
                when bought.id is not null then 'purchase'
                when told.id is not null then 'message'
            end as kind
        ) as kind;
    else
        v_found.order_ids := thetis.find_orders(v_query);
        v_found.found_by := case when cardinality(v_found.order_ids) > 0 then 'order' end;
    end if;

    -- whose an order is leads to the rest of what is theirs, and that to the account
    v_found.emails := array(
        select address from unnest(v_found.emails) as address where address <> ''
        union
        select address.email
        from thetis.orders
        cross join lateral (values (orders.holder_email), (orders.email)) as address (email)
        where
            orders.shopify_order_id = any(v_found.order_ids)
            and address.email <> ''
        union
        select stored.shopify_customer_email from public.purchases as stored
        where
            stored.shopify_order_id = any(v_found.order_ids)
            and stored.shopify_customer_email <> ''
    );
    v_found.user_ids := array(
        select id from unnest(
            v_found.user_ids
            || thetis.accounts_of(v_found.emails)
            || thetis.provers_of(v_found.emails)
        ) as id
        union
        select stored.user_id from public.purchases as stored
        where stored.shopify_order_id = any(v_found.order_ids) and stored.user_id is not null
    );
    v_found.emails := v_found.emails || array(
        select distinct proven.email from thetis.proven_addresses as proven
        where proven.user_id = any(v_found.user_ids) and proven.email <> all(v_found.emails)
    );
    v_found.order_ids := array(
        select id from unnest(v_found.order_ids) as id where id is not null
        union
        select orders.shopify_order_id from thetis.orders
        where orders.holder_email = any(v_found.emails)
        union
        select orders.shopify_order_id from thetis.orders
        where orders.email = any(v_found.emails) and orders.transferred_to is not null
        union
        select stored.shopify_order_id from public.purchases as stored
        where stored.shopify_customer_email = any(v_found.emails)
        and stored.shopify_order_id is not null
        union
        select stored.shopify_order_id from public.purchases as stored
        where stored.user_id = any(v_found.user_ids) and stored.shopify_order_id is not null
        limit 200
    );
    return v_found;
end;
$$;

CREATE FUNCTION thetis.find_orders(p_order text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select orders.shopify_order_id from thetis.orders
        where orders.shopify_order_id = p_order or orders.order_number = ltrim(p_order, '#')
        order by orders.shopify_order_id
    );
end;
$$;

CREATE FUNCTION thetis.forget(p_operator text, p_reason text, p_email text, p_order_ids text[]) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_order_ids text[];
    v_emails text[];
    v_ids uuid[];
    v_message_ids uuid[];
    v_audit_ids bigint[];
    v_is_new boolean;
    v_email text;
    v_counts jsonb;
    v_answer jsonb;
    v_total bigint;
begin
    if to_regclass('public.enrollments') is not null then
        raise exception 'the old table enrollments is still there: finish the cut-over first'
        using errcode = 'TH005';
    end if;
    v_order_ids := thetis.lock_to_forget(p_email, p_order_ids);
    v_emails := array(
        select orders.email from thetis.orders
        where orders.shopify_order_id = any(p_order_ids) and orders.email <> ''
        union
        select p_email where p_email is not null
    );
    v_ids := array(
        select stored.id from public.purchases as stored
        where
            stored.shopify_customer_email = p_email
            or (
                stored.shopify_order_id = any(p_order_ids)
                and stored.shopify_customer_email = any(v_emails)
            )
    );
    v_message_ids := array(
        select message.id from thetis.notifications as message
        where
            message.email <> ''
            and message.kind <> 'forget_recipient'
            and (
                message.email = p_email
                or (
                    message.shopify_order_id = any(p_order_ids) and message.email = any(v_emails)
                )
            )
    );
    v_audit_ids := array(
        select told.id from thetis.audit_rows_of(p_email, p_order_ids) as told
    );
    v_counts := jsonb_build_object(
        'orders', (
            select count(*) from thetis.orders
            where
                orders.shopify_order_id = any(v_order_ids)
                and (
                    orders.email = p_email
                    or orders.transferred_to = p_email
                    or (orders.shopify_order_id = any(p_order_ids) and orders.erased_at is null)
                )
        ),
        'purchases', cardinality(v_ids),
        'overrides', (
            select count(*) from thetis.overrides as override
            where override.transferred_to = any(v_emails)
        ),
        'notifications', cardinality(v_message_ids),
        'email_deliveries', (
            select count(*) from thetis.email_deliveries as delivery
            where delivery.notification_id = any(v_message_ids) and delivery.reason is not null
        ),
        'privacy_requests', (
            select count(*) from thetis.privacy_requests as asked where asked.email = p_email
        ),
        'proven_addresses', (
            select count(*) from thetis.proven_addresses as proven where proven.email = p_email
        ),
        'claim_codes', (
            select count(*) from thetis.claim_codes as code where code.email = p_email
        ),
        'audit_log', cardinality(v_audit_ids)
    );
    v_answer := jsonb_build_object(
        'action', 'forget',
        'account', thetis.confirmed_user_id(p_email),
        'keeps_access', (
            select
                coalesce(
                    jsonb_agg(
                        jsonb_build_object(
                            'product', stored.product_slug, 'user_id', stored.user_id
                        )
                        order by stored.purchased_at, stored.id
                    ),
                    '[]'
                )
            from public.purchases as stored
            where
                stored.id = any(v_ids)
                and stored.status = 'active'
                and (stored.expires_at is null or stored.expires_at > now())
                and stored.user_id is not null
                and not thetis.is_deleted_account(stored.user_id)
        ),
        'loses_access', (
            select
                coalesce(
                    jsonb_agg(
                        jsonb_build_object(
                            'product', stored.product_slug,
                            'order_number', stored.shopify_order_number
                        )
                        order by stored.purchased_at, stored.id
                    ),
                    '[]'
                )
            from public.purchases as stored
            where
                stored.id = any(v_ids)
                and stored.status = 'active'
                and (stored.expires_at is null or stored.expires_at > now())
                and stored.user_id is null
        ),
        'withdrawn', (
            select coalesce(jsonb_agg(message.kind order by message.kind), '[]')
            from thetis.notifications as message
            where message.id = any(v_message_ids) and message.status = 'pending'
        )
    );

    -- From here on it is gone.
    update thetis.notifications as message set resend_reason = null
    where
        message.resend_reason is not null
        and message.id::text in (
            select told.after ->> 'message' from thetis.audit_log as told
            where told.id = any(v_audit_ids)
        );
    update thetis.audit_log as told
    set email = null, reason = null, before = null, after = null, erased_at = now()
    where told.id = any(v_audit_ids);
    delete from thetis.proven_addresses as proven where proven.email = p_email;
    delete from thetis.claim_codes as code where code.email = p_email;
    update thetis.privacy_requests as asked
    set email = null, answered_at = coalesce(asked.answered_at, now())
    where asked.email = p_email;
    v_counts := v_counts || jsonb_build_object(
        'copied_enrollments', thetis.erase_enrollments(p_email, v_ids),
        'rejected_webhooks', thetis.erase_rejected_webhooks(p_email, p_order_ids)
    );
    v_total := (select sum(counted.value::bigint) from jsonb_each_text(v_counts) as counted);

    update thetis.orders
    set
        email = case
            when orders.email = p_email or orders.shopify_order_id = any(p_order_ids) then null
            else orders.email
        end,
        transferred_to = case
            when
                orders.transferred_to = p_email
                or (
                    orders.shopify_order_id = any(p_order_ids)
                    and orders.transferred_to = any(v_emails)
                )
                then ''
            else orders.transferred_to
        end,
        erased_at = case
            when orders.email = p_email or orders.shopify_order_id = any(p_order_ids)
                then coalesce(orders.erased_at, now())
            else orders.erased_at
        end
    where
        orders.shopify_order_id = any(v_order_ids)
        and (
            orders.email = p_email
            or orders.transferred_to = p_email
            or orders.shopify_order_id = any(p_order_ids)
        );
    update thetis.orders set has_address_conflict = false
    where
        orders.shopify_order_id = any(v_order_ids)
        and orders.has_address_conflict
        and orders.holder_email is null;

    update thetis.overrides as override set transferred_to = ''
    where
        override.transferred_to = p_email
        or (override.purchase_id = any(v_ids) and override.transferred_to = any(v_emails));
    insert into thetis.overrides as existing (purchase_id, is_revoked)
    select stored.id, true from public.purchases as stored
    where
        stored.id = any(v_ids)
        and stored.user_id is null
        and (
            stored.status = 'active'
            -- a chargeback may be won, and this is to stay
            or exists (
                select from thetis.charged_back_purchases as ended
                where ended.purchase_id = stored.id
            )
        )
    on conflict (purchase_id) do update set is_revoked = true;
    update public.purchases as stored
    set
        shopify_customer_email = '',
        status = case
            when stored.user_id is null and stored.status = 'active' then 'cancelled'
            else stored.status
        end
    where stored.id = any(v_ids);
    perform thetis.refresh_expiry(null, v_emails);

    if p_email is not null then
        insert into thetis.erased_addresses as existing (address_hash, erased_at)
        values (thetis.address_hash(p_email), now())
        on conflict (address_hash) do update set erased_at = excluded.erased_at
        returning existing.xmax = 0 into v_is_new;
    end if;
    if v_total > 0 or v_is_new then
        foreach v_email in array v_emails loop
            if
                v_email = p_email
                or not exists (
                    select from thetis.orders where orders.holder_email = v_email
                    union all
                    select from public.purchases as other
                    where other.shopify_customer_email = v_email
                )
            then
                perform thetis.enqueue_forgetting(v_email, v_message_ids);
            end if;
        end loop;
        perform thetis.erase_messages(v_message_ids, v_order_ids);
        insert into thetis.audit_log (operator, action, reason, after)
        values (
            p_operator,
            'forget',
            case
                when p_email is null then p_reason
                else regexp_replace(p_reason, thetis.address_pattern(p_email), '[address]', 'gi')
            end,
            v_counts
        );
    end if;
    return v_answer || jsonb_build_object(
        'outcome', case when v_total > 0 or v_is_new then 'done' else 'unchanged' end,
        'counts', v_counts
    );
end;
$$;

CREATE FUNCTION thetis.give_purchases(p_ids uuid[], p_email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_owner_id uuid := thetis.owner_of(p_email);
begin
    update public.purchases as stored
    set user_id = v_owner_id, shopify_customer_email = p_email
    where stored.id = any(p_ids);
end;
$$;

CREATE FUNCTION thetis.has_proven(p_user_id uuid, p_email text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from thetis.proven_addresses as proven
        where proven.user_id = p_user_id and proven.email = p_email
    );
end;
$$;

CREATE TABLE thetis.notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    provider text GENERATED ALWAYS AS (
CASE
    WHEN (kind = ANY (ARRAY['course_access'::text, 'claim_code'::text])) THEN 'resend'::text
    ELSE 'knock'::text
END) STORED NOT NULL,
    shopify_order_id text,
    payload jsonb NOT NULL,
    email text GENERATED ALWAYS AS (COALESCE((payload ->> 'email'::text), ''::text)) STORED NOT NULL,
    purchase_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    run integer,
    resend_of uuid,
    resend_reason text,
    is_test boolean DEFAULT false NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    claimed_at timestamp with time zone,
    leased_until timestamp with time zone,
    uncertain_since timestamp with time zone,
    last_error text,
    provider_message_id text,
    enqueued_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    is_stripped boolean DEFAULT false NOT NULL,
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['post_purchase'::text, 'post_purchase_update'::text, 'post_purchase_cancel'::text, 'course_access'::text, 'claim_code'::text, 'forget_recipient'::text]))),
    CONSTRAINT no_code_once_settled CHECK (((status = 'pending'::text) OR (NOT (payload ? 'code'::text)))),
    CONSTRAINT order_unless_about_an_address CHECK (((kind = ANY (ARRAY['forget_recipient'::text, 'claim_code'::text])) = (shopify_order_id IS NULL))),
    CONSTRAINT settled_unless_pending CHECK (((status = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'sent'::text, 'skipped'::text, 'dead'::text])))
);

COMMENT ON COLUMN thetis.notifications.id IS 'Also the idempotency key at the provider: a second try of the same row is the same message.';

COMMENT ON COLUMN thetis.notifications.payload IS 'What there is to tell. Never changed after the first attempt: a retry must be identical. Empty
once the person was erased.';

COMMENT ON COLUMN thetis.notifications.email IS 'To whom; empty where a kind addresses nobody, and where the person was erased.';

COMMENT ON COLUMN thetis.notifications.purchase_ids IS 'The purchases that it names. Each is named once to an address, by the messages of a kind.';

COMMENT ON COLUMN thetis.notifications.run IS 'The series of post_purchase messages of its order that it belongs to, counted from 1. What comes
after a cancellation is of another run, so that the cancellation cannot end it.';

COMMENT ON COLUMN thetis.notifications.resend_of IS 'The one that a person asked to send again, for resend_reason.';

COMMENT ON COLUMN thetis.notifications.is_test IS 'Of a test order: sent like any other, and left out of figures.';

COMMENT ON COLUMN thetis.notifications.due_at IS 'When to send; moved forward by a lease and by every retry.';

COMMENT ON COLUMN thetis.notifications.uncertain_since IS 'The first attempt of which nobody knows whether the provider took it.';

COMMENT ON COLUMN thetis.notifications.provider_message_id IS 'The provider''s own name for what it took.';

COMMENT ON COLUMN thetis.notifications.is_stripped IS 'So old that its payload tells only what later messages follow from. It is not sent any more.';

CREATE FUNCTION thetis.has_reason(p_message thetis.notifications) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return case p_message.kind
        when 'post_purchase_cancel' then not exists (
            select from thetis.named_purchases as named
            where
                named.shopify_order_id = p_message.shopify_order_id
                and named.kind = 'post_purchase'
                and named.run = p_message.run
                and named.email = p_message.email
                and named.is_live
        )
        when 'post_purchase_update' then not exists (
            select from thetis.notifications as newer
            where
                newer.shopify_order_id = p_message.shopify_order_id
                and newer.kind = p_message.kind
                and newer.enqueued_at > p_message.enqueued_at
        )
        when 'forget_recipient' then p_message.email <> ''
        else exists (
            select from thetis.live_purchases as live
            where live.id = any(p_message.purchase_ids) and live.email = p_message.email
        )
    end;
end;
$$;

CREATE FUNCTION thetis.have_access_periods(p_order_ids text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- most shops sell for ever, and ask no further
    if
        not exists (select from public.products where products.access_period is not null)
        and not exists (select from thetis.access_periods)
    then
        return false;
    end if;
    return exists (
        select from thetis.order_lines as line
        inner join public.products as product on line.product_slug = product.slug
        where line.shopify_order_id = any(p_order_ids) and product.access_period is not null
    ) or exists (
        select from public.purchases as stored
        inner join thetis.access_periods as limited on stored.id = limited.purchase_id
        where stored.shopify_order_id = any(p_order_ids)
    );
end;
$$;

CREATE FUNCTION thetis.held_address(p_address text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    v_email text := thetis.normalised_email(p_address);
begin
    if v_email ~ '^[^[:space:]]+@[^[:space:]]+$' and length(v_email) <= 320 then
        return v_email;
    end if;
    return thetis.stated_address(p_address);
end;
$_$;

CREATE FUNCTION thetis.impose_chargebacks(p_order_ids text[]) RETURNS thetis.purchase_change[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_changes thetis.purchase_change[];
begin
    with found as materialized (
        select stored.id, stored.status as was
        from public.purchases as stored
        inner join thetis.charged_back_orders as charged_back
            on stored.shopify_order_id = charged_back.shopify_order_id
        where
            stored.shopify_order_id = any(p_order_ids)
            and charged_back.shopify_order_id = any(p_order_ids)
            and stored.status in ('active', 'expired')
    ),

    kept as (
        insert into thetis.charged_back_purchases (purchase_id, status_before)
        select found.id, found.was from found
        on conflict (purchase_id) do nothing
    ),

    ended as (
        update public.purchases as existing set status = 'cancelled'
        from found
        where existing.id = found.id
        returning existing.shopify_order_id, existing.product_slug, found.was
    )

    select
        array_agg(
            row(
                ended.shopify_order_id, ended.product_slug, ended.was, 'cancelled'
            )::thetis.purchase_change
        )
    into v_changes
    from ended;
    return v_changes;
end;
$$;

CREATE FUNCTION thetis.is_address_of(p_user_id uuid, p_email text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from auth.users where users.id = p_user_id and lower(users.email) = p_email
    );
end;
$$;

CREATE FUNCTION thetis.is_code_to_send(p_id uuid, p_lease interval) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from thetis.claim_codes as code
        where
            code.id = p_id
            and code.user_id is not null
            and code.code_hash is not null
            and code.valid_until > now() + p_lease
            and thetis.is_known_address(code.email)
    );
end;
$$;

CREATE FUNCTION thetis.is_deleted_account(p_user_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from auth.users where users.id = p_user_id and users.deleted_at is not null
    );
end;
$$;

CREATE FUNCTION thetis.is_known_address(p_email text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (select from thetis.orders where orders.holder_email = p_email)
        or exists (
            select from public.purchases as stored where stored.shopify_customer_email = p_email
        );
end;
$$;

CREATE FUNCTION thetis.is_near(p_one text, p_other text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_one text[] := string_to_array(p_one, null);
    v_other text[] := string_to_array(p_other, null);
    v_start integer := 1;
    v_row integer[];
    v_next integer[];
begin
    if abs(cardinality(v_one) - cardinality(v_other)) > 2 then
        return false;
    end if;
    while v_start <= cardinality(v_one) and v_one[v_start] = v_other[v_start] loop
        v_start := v_start + 1;
    end loop;
    v_one := v_one[v_start:];
    v_other := v_other[v_start:];
    while
        cardinality(v_one) > 0 and cardinality(v_other) > 0
        and v_one[cardinality(v_one)] = v_other[cardinality(v_other)]
    loop
        v_one := trim_array(v_one, 1);
        v_other := trim_array(v_other, 1);
    end loop;

    v_row := array(select generate_series(0, cardinality(v_other)));
    for i in 1..cardinality(v_one) loop
        v_next := array[i];
        for j in 1..cardinality(v_other) loop
            v_next[j + 1] := least(
                v_row[j + 1] + 1,
                v_next[j] + 1,
                v_row[j] + case when v_one[i] = v_other[j] then 0 else 1 end
            );
        end loop;
        v_row := v_next;
        if (select min(cell) from unnest(v_row) as cell) > 2 then
            return false;
        end if;
    end loop;
    return v_row[cardinality(v_other) + 1] <= 2;
end;
$$;

CREATE FUNCTION thetis.is_staff(p_claims jsonb, p_is_write boolean) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        p_claims #>> '{app_metadata,role}' = 'support'
        or (p_claims #>> '{app_metadata,role}' = 'support_viewer' and not p_is_write),
        false
    );
end;
$$;

CREATE FUNCTION thetis.judge_exported_orders(p_orders jsonb, p_incoming thetis.incoming_order[]) RETURNS thetis.exported_order[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select
            row(
                judged.shopify_order_id,
                judged.is_untold,
                case
                    when judged.is_due and judged.is_part_paid_back and judged.is_untold
                        then 'a part was paid back, and an export does not say of what'
                end,
                judged.is_due,
                judged.is_due
                and judged.is_paid
                and not judged.is_refunded
                and not judged.is_part_paid_back
                and judged.cancelled_at is null
            )::thetis.exported_order
        from (
            select
                told.shopify_order_id,
                told.is_paid,
                told.is_refunded,
                told.cancelled_at,
                not exists (
                    select from thetis.order_lines as known
                    where
                        known.shopify_order_id = told.shopify_order_id
                        and known.product_slug is not null
                        and not known.is_exported
                ) as is_untold,
                told.entry -> 'lines' <> '[]'
                and coalesce(told.purchased_at + thetis.new_for() <= now(), false) as is_due,
                told.is_paid
                and not told.is_refunded
                and told.cancelled_at is null
                and coalesce((told.entry ->> 'paid_back')::numeric, 0) > 0 as is_part_paid_back,
                told.place
            from rows from (jsonb_array_elements(p_orders), unnest(p_incoming)) with ordinality
                as told (
                    entry, shopify_order_id, order_number, email, as_of, purchased_at,
                    is_paid, is_voided, is_refunded, cancelled_at, is_test, place
                )
        ) as judged
        order by judged.place
    );
end;
$$;

CREATE FUNCTION thetis.keep_audit_log() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if
        tg_op = 'UPDATE'
        and new.erased_at is not null
        and (new.id, new.occurred_at, new.operator, new.action)
        is not distinct from (old.id, old.occurred_at, old.operator, old.action)
        and (new.shopify_order_id, new.purchase_id)
        is not distinct from (old.shopify_order_id, old.purchase_id)
        and (new.email is null or new.email = old.email)
        and (new.reason is null or new.reason = old.reason)
        and (new.before is null or new.before = old.before)
        and (new.after is null or new.after = old.after)
    then
        return new;
    end if;
    raise exception 'the audit log is only added to' using errcode = 'TH007';
end;
$$;

CREATE FUNCTION thetis.lift_chargebacks(p_order_ids text[]) RETURNS thetis.purchase_change[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_changes thetis.purchase_change[];
begin
    with over as (
        delete from thetis.charged_back_purchases as ended
        using public.purchases as stored
        where
            ended.purchase_id = stored.id
            and stored.shopify_order_id = any(p_order_ids)
            and not exists (
                select from thetis.charged_back_orders as charged_back
                where charged_back.shopify_order_id = stored.shopify_order_id
            )
        returning ended.purchase_id, ended.status_before
    ),

    lifted as (
        update public.purchases as existing set status = over.status_before
        from over
        where
            existing.id = over.purchase_id
            and existing.status = 'cancelled'
            and not exists (
                select from thetis.overrides as override
                where override.purchase_id = existing.id and override.is_revoked
            )
        returning existing.shopify_order_id, existing.product_slug, existing.status
    )

    select
        array_agg(
            row(
                lifted.shopify_order_id, lifted.product_slug, 'cancelled', lifted.status
            )::thetis.purchase_change
        )
    into v_changes
    from lifted;
    return v_changes;
end;
$$;

CREATE FUNCTION thetis.link_addresses(p_user_id uuid, p_emails text[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_emails text[] := array(
        select address from unnest(p_emails) as address where thetis.owner_of(address) = p_user_id
    );
    v_linked integer;
begin
    if cardinality(v_emails) = 0 then
        return 0;
    end if;

    update public.purchases set user_id = null
    where
        purchases.id in (
            select own.id from public.purchases as own
            where own.shopify_customer_email = any(v_emails)
            union all
            select conflicting.id
            from thetis.orders
            inner join public.purchases as conflicting
                on orders.shopify_order_id = conflicting.shopify_order_id
            where orders.has_address_conflict and orders.holder_email = any(v_emails)
        )
        and thetis.is_deleted_account(purchases.user_id);

    update public.purchases set user_id = p_user_id
    where shopify_customer_email = any(v_emails) and user_id is null;

    get diagnostics v_linked = row_count;
    if v_linked > 0 then
        perform thetis.refresh_expiry(array[p_user_id], v_emails);
    end if;
    return v_linked;
end;
$$;

CREATE FUNCTION thetis.link_purchases(p_user_id uuid) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
    v_emails text[] := array(
        select thetis.normalised_email(users.email) from auth.users where users.id = p_user_id
        union all
        select proven.email from thetis.proven_addresses as proven where proven.user_id = p_user_id
    );
begin
    perform thetis.lock_emails(v_emails);
    perform thetis.lock_holders(array[p_user_id]);
    return thetis.link_addresses(p_user_id, v_emails);
end;
$$;

CREATE FUNCTION thetis.link_purchases_to_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '3s'
    AS $$
begin
    if new.deleted_at is null then
        perform thetis.link_purchases(new.id);
    else
        perform thetis.release_purchases(new.id, thetis.normalised_email(old.email));
    end if;
    return null;
exception when query_canceled or others then  -- `others` does not include the first
    raise warning 'link_purchases_to_user: user % not linked: % (%)', new.id, sqlerrm, sqlstate;
    return null;
end;
$$;

CREATE FUNCTION thetis.lock_emails(p_emails text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION thetis.lock_for_act(p_order_id text, p_ids uuid[], p_to_email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_all_ids uuid[];
    v_owner_ids uuid[];
begin
    perform from thetis.orders where orders.shopify_order_id = p_order_id for update;
    v_all_ids := p_ids || array(
        select stored.id from public.purchases as stored
        where stored.shopify_order_id = p_order_id
    );
    perform thetis.lock_emails(
        array(
            select address.email
            from public.purchases as stored
            left join thetis.orders on stored.shopify_order_id = orders.shopify_order_id
            left join thetis.overrides as override on stored.id = override.purchase_id
            cross join lateral (
                values
                (stored.shopify_customer_email), (orders.holder_email), (override.transferred_to)
            ) as address (email)
            where stored.id = any(v_all_ids)
        ) || p_to_email
    );
    v_owner_ids := array(
        select users.id from auth.users
        where
            users.id in (
                select stored.user_id from public.purchases as stored
                where stored.id = any(v_all_ids)
            )
        order by users.id
        for key share
    ) || thetis.owner_of(p_to_email) || array(
        select thetis.owner_of(named.email)
        from (
            select orders.holder_email as email from thetis.orders
            where orders.shopify_order_id = p_order_id
            union all
            select override.transferred_to from thetis.overrides as override
            where override.purchase_id = any(v_all_ids)
        ) as named
    );
    perform thetis.lock_holders(v_owner_ids);
    perform from public.purchases as stored
    where stored.id = any(v_all_ids)
    order by stored.id
    for update;
end;
$$;

CREATE FUNCTION thetis.lock_holders(p_user_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform pg_advisory_xact_lock(hashtext('thetis.purchases.user'), bucket.number)
    from (
        select distinct mod(abs(hashtext(holder.id::text)::bigint), 1024)::integer as number
        from unnest(p_user_ids) as holder (id)
        where holder.id is not null
        order by number
    ) as bucket;
end;
$$;

CREATE FUNCTION thetis.lock_messages(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from thetis.orders where orders.shopify_order_id = any(p_order_ids)
    order by orders.shopify_order_id
    for update;
    perform from thetis.notifications where notifications.shopify_order_id = any(p_order_ids)
    order by notifications.id
    for update;
end;
$$;

CREATE FUNCTION thetis.lock_orders(p_order_ids text[], p_received_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.orders as existing (shopify_order_id, first_recorded_at)
    select distinct order_id, p_received_at from unnest(p_order_ids) as order_id order by order_id
    on conflict (shopify_order_id) do update set shopify_order_id = excluded.shopify_order_id
    where false;
end;
$$;

CREATE FUNCTION thetis.lock_present_owners(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from auth.users
    where
        users.id in (
            select stored.user_id from public.purchases as stored
            where stored.shopify_order_id = any(p_order_ids)
        )
    for key share;
    perform thetis.owner_of(override.transferred_to)
    from public.purchases as stored
    inner join thetis.overrides as override on stored.id = override.purchase_id
    where stored.shopify_order_id = any(p_order_ids) and override.transferred_to is not null;
end;
$$;

CREATE FUNCTION thetis.lock_to_forget(p_email text, p_order_ids text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_order_ids text[];
    v_ids uuid[];
    v_owner_ids uuid[];
begin
    loop
        begin
            v_order_ids := thetis.orders_of_address(p_email) || p_order_ids;
            perform thetis.lock_orders(v_order_ids, now());
            perform thetis.lock_emails(
                array(
                    select address.email
                    from thetis.orders
                    cross join lateral (
                        values (orders.email), (orders.holder_email)
                    ) as address (email)
                    where orders.shopify_order_id = any(v_order_ids)
                )
                || array(
                    select stored.shopify_customer_email from public.purchases as stored
                    where stored.shopify_order_id = any(v_order_ids)
                )
                || p_email
            );
            if not (thetis.orders_of_address(p_email) <@ v_order_ids) then
                raise exception 'one more order' using errcode = 'TH099';
            end if;
            exit;
        exception when sqlstate 'TH099' then
            null;
        end;
    end loop;

    v_ids := array(
        select stored.id from public.purchases as stored
        where
            stored.shopify_order_id = any(v_order_ids) or stored.shopify_customer_email = p_email
    );
    v_owner_ids := array(
        select users.id from auth.users
        where
            users.id in (
                select stored.user_id from public.purchases as stored where stored.id = any(v_ids)
            )
        order by users.id
        for key share
    ) || thetis.owner_of(p_email);
    perform thetis.lock_holders(v_owner_ids);
    perform from public.purchases as stored where stored.id = any(v_ids)
    order by stored.id
    for update;
    perform from thetis.notifications as message
    where
        message.shopify_order_id = any(v_order_ids)
        or (message.email = p_email and message.email <> '')
    order by message.id
    for update;
    return v_order_ids;
end;
$$;

CREATE FUNCTION thetis.mark_address_conflicts(p_order_ids text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_news text[];
begin
    with news as (
        update thetis.orders
        set has_address_conflict = found.is_conflict
        from (
            select
                stored.shopify_order_id,
                bool_or(
                    stored.user_id is not null
                    and stored.shopify_customer_email
                    <> coalesce(override.transferred_to, owned.holder_email)
                ) as is_conflict
            from thetis.orders as owned
            inner join public.purchases as stored
                on owned.shopify_order_id = stored.shopify_order_id
            left join thetis.overrides as override on stored.id = override.purchase_id
            where owned.shopify_order_id = any(p_order_ids) and owned.holder_email is not null
            group by stored.shopify_order_id
        ) as found
        where
            orders.shopify_order_id = found.shopify_order_id
            and orders.has_address_conflict <> found.is_conflict
        returning orders.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.mentions(p_text text, p_email text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        position(p_email in lower(p_text)) > 0
        and lower(p_text) ~ thetis.address_pattern(p_email),
        false
    );
end;
$$;

CREATE FUNCTION thetis.merge_disputes(p_disputes thetis.incoming_dispute[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.disputes as existing (
            shopify_dispute_id, shopify_order_id, is_chargeback, status, inquiry_status
        )
        select
            incoming.shopify_dispute_id,
            min(incoming.shopify_order_id),
            bool_or(incoming.is_chargeback),
            max(incoming.status),
            max(incoming.inquiry_status)
        from unnest(p_disputes) as incoming
        group by incoming.shopify_dispute_id
        order by incoming.shopify_dispute_id
        on conflict (shopify_dispute_id) do update set
            is_chargeback = existing.is_chargeback or excluded.is_chargeback,
            status = greatest(existing.status, excluded.status),
            inquiry_status = greatest(existing.inquiry_status, excluded.inquiry_status)
        where
            (excluded.is_chargeback and not existing.is_chargeback)
            or greatest(existing.status, excluded.status) is distinct from existing.status
            or greatest(existing.inquiry_status, excluded.inquiry_status)
            is distinct from existing.inquiry_status
        returning existing.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.merge_lines(p_lines thetis.incoming_line[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.order_lines as existing (
            shopify_order_id, shopify_line_item_id, product_slug, quantity, paid_as_of, end_status
        )
        select
            incoming.shopify_order_id,
            incoming.shopify_line_item_id,
            max(incoming.product_slug),
            max(incoming.quantity),
            min(incoming.paid_as_of),
            max(incoming.end_status)
        from unnest(p_lines) as incoming
        group by incoming.shopify_order_id, incoming.shopify_line_item_id
        on conflict (shopify_order_id, shopify_line_item_id) do update set
            product_slug = coalesce(existing.product_slug, excluded.product_slug),
            quantity = greatest(existing.quantity, excluded.quantity),
            paid_as_of = least(existing.paid_as_of, excluded.paid_as_of),
            end_status = greatest(existing.end_status, excluded.end_status)
        where
            (existing.product_slug is null and excluded.product_slug is not null)
            or excluded.quantity > coalesce(existing.quantity, -1)
            or least(existing.paid_as_of, excluded.paid_as_of)
            is distinct from existing.paid_as_of
            or greatest(existing.end_status, excluded.end_status)
            is distinct from existing.end_status
        returning existing.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.merge_orders(p_orders thetis.incoming_order[], p_tracked text[], p_received_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.orders as existing (
        shopify_order_id, order_number, email, email_as_of, purchased_at, paid_as_of,
        voided_as_of, refunded_as_of, cancelled_at, is_test, is_historic, first_recorded_at
    )
    select
        incoming.shopify_order_id,
        max(incoming.order_number),
        (
            array_agg(incoming.email order by incoming.as_of desc, incoming.email desc)
            filter (where incoming.email is not null and incoming.shopify_order_id = any(p_tracked))
        )[1],
        (
            array_agg(
                incoming.as_of
                order by incoming.email is null asc, incoming.as_of desc, incoming.email desc
            )
        )[1],
        min(incoming.purchased_at),
        min(incoming.as_of) filter (where incoming.is_paid),
        max(incoming.as_of) filter (where incoming.is_voided),
        max(incoming.as_of) filter (where incoming.is_refunded),
        min(incoming.cancelled_at),
        bool_or(incoming.is_test),
        min(incoming.purchased_at) + thetis.new_for() <= p_received_at,
        p_received_at
    from unnest(p_orders) as incoming
    group by incoming.shopify_order_id
    order by incoming.shopify_order_id
    on conflict (shopify_order_id) do update set
        order_number = coalesce(existing.order_number, excluded.order_number),
        purchased_at = coalesce(existing.purchased_at, excluded.purchased_at),
        paid_as_of = least(existing.paid_as_of, excluded.paid_as_of),
        voided_as_of = greatest(existing.voided_as_of, excluded.voided_as_of),
        refunded_as_of = greatest(existing.refunded_as_of, excluded.refunded_as_of),
        cancelled_at = least(existing.cancelled_at, excluded.cancelled_at),
        is_test = existing.is_test or excluded.is_test,
        is_historic = case
            when
                existing.is_historic is null
                or (existing.is_historic and excluded.first_recorded_at < existing.first_recorded_at)
                then
                    coalesce(existing.purchased_at, excluded.purchased_at) + thetis.new_for()
                    <= least(existing.first_recorded_at, excluded.first_recorded_at)
            else existing.is_historic
        end,
        first_recorded_at = least(existing.first_recorded_at, excluded.first_recorded_at),
        email = case
            when existing.erased_at is not null then null
            when
                excluded.email is not null
                and (
                    existing.email is null
                    or (excluded.email_as_of, excluded.email)
                    > (existing.email_as_of, existing.email)
                )
                then excluded.email
            else existing.email
        end,
        email_as_of = case
            when
                excluded.email is not null
                and (
                    existing.email is null
                    or (excluded.email_as_of, excluded.email)
                    > (existing.email_as_of, existing.email)
                )
                then excluded.email_as_of
            else existing.email_as_of
        end
    where
        (existing.purchased_at is null and excluded.purchased_at is not null)
        or (existing.is_historic is null and existing.purchased_at is not null)
        or excluded.first_recorded_at < existing.first_recorded_at
        or (existing.order_number is null and excluded.order_number is not null)
        or (excluded.email is not null and existing.email is null and existing.erased_at is null)
        or (
            excluded.email is not null
            and (excluded.email_as_of, excluded.email) > (existing.email_as_of, existing.email)
        )
        or least(existing.paid_as_of, excluded.paid_as_of) is distinct from existing.paid_as_of
        or greatest(existing.voided_as_of, excluded.voided_as_of)
        is distinct from existing.voided_as_of
        or greatest(existing.refunded_as_of, excluded.refunded_as_of)
        is distinct from existing.refunded_as_of
        or least(existing.cancelled_at, excluded.cancelled_at)
        is distinct from existing.cancelled_at
        or (excluded.is_test and not existing.is_test);
end;
$$;

CREATE FUNCTION thetis.merge_refunds(p_refunds thetis.incoming_refund[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_news text[];
begin
    with news as (
        insert into thetis.refunds as existing (
            shopify_refund_id, shopify_line_item_id, shopify_order_id, quantity
        )
        select
            incoming.shopify_refund_id,
            incoming.shopify_line_item_id,
            min(incoming.shopify_order_id),
            max(incoming.quantity)
        from unnest(p_refunds) as incoming
        group by incoming.shopify_refund_id, incoming.shopify_line_item_id
        order by incoming.shopify_refund_id, incoming.shopify_line_item_id
        on conflict (shopify_refund_id, shopify_line_item_id) do update set
            quantity = excluded.quantity
        where excluded.quantity > existing.quantity
        returning existing.shopify_order_id
    )

    select array_agg(news.shopify_order_id) into v_news from news;
    return v_news;
end;
$$;

CREATE FUNCTION thetis.merged_status(p_existing text, p_derived thetis.purchase_status, p_is_revoked boolean, p_is_extended boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return greatest(
        case when p_is_revoked then 'cancelled'::thetis.purchase_status end,
        case when p_existing <> 'refunded' then p_existing::thetis.purchase_status end,
        case when p_derived = 'expired' and p_is_extended then 'active' else p_derived end
    )::text;
end;
$$;

CREATE FUNCTION thetis.misspellings(p_word text) RETURNS SETOF text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select overlay(p_word placing letter from place for taken)
    from generate_series(1, length(p_word) + 1) as place
    cross join unnest(string_to_array('abcdefghijklmnopqrstuvwxyz0123456789._-+', null)) as letter
    cross join (values (0), (1)) as width (taken)
    where place + taken <= length(p_word) + 1
    union
    select overlay(p_word placing '' from place for 1)
    from generate_series(1, length(p_word)) as place
    union
    select overlay(
        p_word placing reverse(substr(p_word, place, 2)) from place for 2
    )
    from generate_series(1, length(p_word) - 1) as place;
end;
$$;

CREATE FUNCTION thetis.near_addresses(p_email text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
declare
    v_name text := split_part(p_email, '@', 1);
    v_domain text := split_part(p_email, '@', 2);
    v_beginning text := left(p_email, greatest(length(v_name) / 2, 3));
    v_spellings text[];
begin
    -- a longer one is no address, and its spellings are as many as its length squared
    if v_name = '' or v_domain = '' or length(p_email) > 320 then
        return '{}';
    end if;
    v_spellings := array(
        select each || '@' || v_domain from thetis.misspellings(v_name) as each
        union
        select v_name || '@' || each from thetis.misspellings(v_domain) as each
    );
    return array(
        select near.email
        from (
            select held.email
            from thetis.held_addresses as held
            where held.email = any(v_spellings)
            union
            select lower(account.email) from auth.users as account
            where account.id = any(thetis.accounts_of(v_spellings))
            union
            (
                select held.email from thetis.held_addresses as held
                where
                    held.email operator(pg_catalog.~>=~) (v_name || '@')
                    and held.email operator(pg_catalog.~<~) (v_name || 'A')
                limit 100
            )
            union
            (
                select beginning.email
                from (
                    select held.email from thetis.held_addresses as held
                    where
                        held.email operator(pg_catalog.~>=~) v_beginning
                        and held.email operator(pg_catalog.~<~) (v_beginning || chr(1114111))
                    limit 100
                ) as beginning
                where thetis.is_near(beginning.email, p_email)
            )
        ) as near
        where near.email <> p_email
        order by near.email
        limit 10
    );
end;
$$;

CREATE FUNCTION thetis.near_orders(p_query text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_digits text := ltrim(regexp_replace(p_query, '[^0-9]', '', 'g'), '0');
begin
    return array(
        select orders.order_number from thetis.orders
        where
            orders.order_number = v_digits
            or (orders.shopify_order_id = v_digits and orders.order_number is not null)
        order by orders.order_number
        limit 10
    );
end;
$$;

CREATE FUNCTION thetis.new_for() RETURNS interval
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return interval '3 days';
end;
$$;

CREATE FUNCTION thetis.next_code_at(p_user_id uuid, p_email text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_limits record := thetis.claim_limits();
begin
    return greatest(
        (
            select max(code.requested_at) + v_limits.wait from thetis.claim_codes as code
            where code.user_id = p_user_id
        ),
        (
            select code.requested_at + interval '1 hour' from thetis.claim_codes as code
            where code.user_id = p_user_id
            order by code.requested_at desc
            offset v_limits.per_user_an_hour - 1
            limit 1
        ),
        (
            select code.requested_at + interval '1 hour' from thetis.claim_codes as code
            where code.email = p_email
            order by code.requested_at desc
            offset v_limits.per_address_an_hour - 1
            limit 1
        ),
        (
            select code.requested_at + interval '1 day' from thetis.claim_codes as code
            where code.email = p_email
            order by code.requested_at desc
            offset v_limits.per_address_a_day - 1
            limit 1
        )
    );
end;
$$;

CREATE FUNCTION thetis.normalised_email(p_email text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return nullif(lower(btrim(p_email, E' \t\r\n')), '');
end;
$$;

CREATE FUNCTION thetis.note_claim(p_user_id uuid, p_action text, p_email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into thetis.audit_log (operator, action, email)
    values (p_user_id::text, p_action, p_email);
end;
$$;

CREATE FUNCTION thetis.note_untracked_sales(p_lines thetis.untracked_line[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    insert into thetis.untracked_sales (shopify_product_id, shopify_order_id)
    select distinct line.shopify_product_id, line.shopify_order_id
    from unnest(p_lines) as line
    where line.shopify_product_id ~ '^[1-9][0-9]{0,18}$'
    order by line.shopify_order_id, line.shopify_product_id
    on conflict do nothing;
end;
$_$;

CREATE FUNCTION thetis.open_tables() RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select format('%I.%I', held.nspname, kept.relname)
        from pg_class as kept
        inner join pg_namespace as held on kept.relnamespace = held.oid
        where
            kept.relkind in ('r', 'p')
            and (
                held.nspname = 'thetis'
                or kept.oid in ('public.purchases'::regclass, 'public.products'::regclass)
            )
            and (not kept.relrowsecurity or has_table_privilege('anon', kept.oid, 'select'))
        order by 1
    );
end;
$$;

CREATE FUNCTION thetis.operator(p_name text, p_is_write boolean) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_role text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
    v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '');
    v_user_id text := v_claims ->> 'sub';
begin
    if pg_has_role(v_role, 'service_role', 'usage') then
        if (p_name ~ '[^[:space:]]') is not true then
            raise exception 'operator: say who you are' using errcode = 'TH004';
        end if;
        return btrim(p_name);
    end if;

    if
        not thetis.is_staff(v_claims, p_is_write)
        or not exists (
            select from auth.users
            where
                users.id = thetis.uuid_or_null(v_user_id)
                and users.deleted_at is null
                and (users.banned_until > now()) is not true  -- their token goes on for a while
        )
    then
        raise exception 'only support staff may do this' using errcode = '42501';
    end if;
    if
        (v_claims ->> 'aal') is distinct from 'aal2'
        and exists (select from thetis.staff_rules where staff_rules.needs_second_factor)
    then
        raise exception 'sign in with a second factor first'
        using errcode = '42501', hint = 'aal2';
    end if;
    return v_user_id;
end;
$$;

CREATE FUNCTION thetis.order_as_of(p_order jsonb) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return p_order ->> 'updated_at';
exception when data_exception then
    return null;
end;
$$;

CREATE FUNCTION thetis.order_email(p_email jsonb, p_contact_email jsonb, p_customer_email jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        thetis.normalised_email(p_email #>> '{}'),
        thetis.normalised_email(p_contact_email #>> '{}'),
        thetis.normalised_email(p_customer_email #>> '{}')
    );
end;
$$;

CREATE FUNCTION thetis.order_fault(p_order jsonb, p_test_orders text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if jsonb_typeof(p_order) <> 'object' then
        return 'not an object';
    end if;
    perform thetis.read_orders(jsonb_build_array(p_order), p_test_orders);
    return null;
exception when data_exception or integrity_constraint_violation then
    return case
        when (p_order ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true then 'id: not a Shopify id'
        when jsonb_typeof(p_order -> 'line_items') is distinct from 'array'
            then 'line_items: not an array'
        when exists (
            select from jsonb_array_elements(p_order -> 'line_items') as line (entry)
            where
                (line.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
                or (line.entry ->> 'quantity' ~ '^[0-9]{1,9}$') is not true
                or (line.entry ->> 'current_quantity' ~ '^[0-9]{1,9}$') is false
        ) then 'line_items: an id or a quantity is not usable'
        when jsonb_typeof(p_order -> 'refunds') not in ('array', 'null') then 'refunds: not an array'
        when exists (
            select
            from jsonb_array_elements(coalesce(nullif(p_order -> 'refunds', 'null'), '[]'))
                as refund (entry)
            where thetis.refund_fault(refund.entry || '{"order_id": 1}') is not null
        ) then 'refunds: one is not usable'
        when jsonb_typeof(p_order -> 'disputes') not in ('array', 'null')
            then 'disputes: not an array'
        when exists (
            select
            from jsonb_array_elements(coalesce(nullif(p_order -> 'disputes', 'null'), '[]'))
                as dispute (entry)
            where (dispute.entry ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true
        ) then 'disputes: one is not usable'
        when jsonb_typeof(p_order -> 'test') not in ('boolean', 'null')
            then 'test: neither true nor false'
        when (p_order ->> 'total_outstanding' ~ '^-?[0-9]+(\.[0-9]+)?$') is false
            then 'total_outstanding: not an amount'
        when
            jsonb_typeof(p_order -> 'email') not in ('string', 'null')
            or jsonb_typeof(p_order -> 'contact_email') not in ('string', 'null')
            or jsonb_typeof(p_order #> '{customer,email}') not in ('string', 'null')
            or length(p_order ->> 'email') > 320
            or length(p_order ->> 'contact_email') > 320
            or length(p_order #>> '{customer,email}') > 320
            then 'email, contact_email or customer.email: not text, or too long'
        else 'updated_at, processed_at, created_at or cancelled_at: not a timestamp'
    end;
end;
$_$;

CREATE FUNCTION thetis.order_owners(p_order_ids text[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select thetis.owner_of(orders.holder_email)
        from unnest(p_order_ids) with ordinality as given (shopify_order_id, place)
        left join thetis.orders on given.shopify_order_id = orders.shopify_order_id
        order by given.place
    );
end;
$$;

CREATE FUNCTION thetis.orders_of_address(p_email text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.orders_of_lines(p_lines thetis.incoming_line[], OUT all_of_them text[], OUT tracked text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select
        array_agg(mentioned.shopify_order_id),
        array_agg(mentioned.shopify_order_id) filter (
            where
            mentioned.has_product
            or exists (
                select from thetis.order_lines as existing
                where
                    existing.shopify_order_id = mentioned.shopify_order_id
                    and existing.product_slug is not null
            )
            or exists (
                select from public.purchases as old
                where
                    old.shopify_order_id = mentioned.shopify_order_id
                    and old.shopify_line_item_id is null
            )
        )
    into all_of_them, tracked
    from (
        select
            incoming.shopify_order_id,
            bool_or(incoming.product_slug is not null) as has_product
        from unnest(p_lines) as incoming
        group by incoming.shopify_order_id
    ) as mentioned;
end;
$$;

CREATE FUNCTION thetis.orders_without_email(p_order_ids text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select distinct line.shopify_order_id
        from thetis.order_lines as line
        inner join thetis.orders on line.shopify_order_id = orders.shopify_order_id
        where
            line.shopify_order_id = any(p_order_ids)
            and line.product_slug is not null
            and line.paid_as_of is not null
            and line.end_status is null
            and orders.holder_email is null
            and orders.erased_at is null
            and orders.refunded_as_of is null
            and not exists (
                select from public.purchases as stored
                where
                    stored.shopify_order_id = line.shopify_order_id
                    and stored.shopify_line_item_id = line.shopify_line_item_id
            )
    );
end;
$$;

CREATE FUNCTION thetis.owner_of(p_email text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_user_id uuid := thetis.confirmed_user_id(p_email);
begin
    if v_user_id is null then
        v_user_id := thetis.prover_of(p_email);
    end if;
    return v_user_id;
end;
$$;

CREATE FUNCTION thetis.present_owners(p_order_ids text[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select distinct stored.user_id from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids) and stored.user_id is not null
    );
end;
$$;

CREATE FUNCTION thetis.prover_of(p_email text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return (
        select users.id
        from auth.users
        where
            users.id = (
                select proven.user_id
                from thetis.proven_addresses as proven
                inner join auth.users as candidate on proven.user_id = candidate.id
                where proven.email = p_email and candidate.deleted_at is null
                order by proven.proven_at desc, proven.user_id
                limit 1
            )
            and users.deleted_at is null
        for key share
    );
end;
$$;

CREATE FUNCTION thetis.provers_of(p_emails text[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select proven.user_id from thetis.proven_addresses as proven
        where proven.email = any(p_emails)
    );
end;
$$;

CREATE FUNCTION thetis.random_code() RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_bytes bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    v_number bigint := 0;
begin
    for place in 0..6 loop
        v_number := v_number * 256 + get_byte(v_bytes, place);
    end loop;
    return lpad(mod(v_number, 1000000)::text, 6, '0');
end;
$$;

CREATE FUNCTION thetis.read_disputes(p_disputes jsonb) RETURNS thetis.incoming_dispute[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select
            row(
                (told.entry ->> 'id')::thetis.shopify_id,
                (told.entry ->> 'order_id')::thetis.shopify_id,
                lower(told.entry ->> 'type') = 'chargeback',
                case
                    when lower(told.entry ->> 'type') = 'chargeback'
                        then thetis.dispute_status_or_null(told.entry ->> 'status')
                end,
                case
                    when lower(told.entry ->> 'type') = 'inquiry'
                        then thetis.dispute_status_or_null(told.entry ->> 'status')
                end
            )::thetis.incoming_dispute
        from jsonb_array_elements(p_disputes) as told (entry)
        where told.entry ->> 'order_id' is not null
    );
end;
$$;

CREATE FUNCTION thetis.read_order_disputes(p_orders jsonb, p_test_orders text) RETURNS thetis.incoming_dispute[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select
            row(
                dispute.id,
                told.entry ->> 'id',
                coalesce(lower(dispute.initiated_as) = 'chargeback', false),
                thetis.dispute_status_or_null(dispute.status),
                null
            )::thetis.incoming_dispute
        from jsonb_array_elements(p_orders) as told (entry)
        cross join lateral jsonb_to_recordset(
            nullif(told.entry -> 'disputes', 'null')::thetis.optional_json_array
        ) as dispute (id thetis.shopify_id, initiated_as text, status text)
        where
            p_test_orders = 'grant'
            or (told.entry ->> 'test')::boolean is not true
    );
end;
$$;

CREATE FUNCTION thetis.read_orders(p_orders jsonb, p_test_orders text) RETURNS thetis.incoming
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    v_incoming thetis.incoming;
begin
    v_incoming.orders := array(
        select
            row(
                told.id,
                told.order_number,
                thetis.order_email(told.email, told.contact_email, told.customer_email),
                coalesce(told.updated_at, '-infinity'),
                coalesce(told.processed_at, told.created_at),
                coalesce(
                    told.financial_status = 'paid'
                    or (
                        told.financial_status in ('partially_refunded', 'refunded')
                        and coalesce(told.total_outstanding, 0) <= 0
                    ),
                    false
                ),
                coalesce(told.financial_status = 'voided', false),
                coalesce(told.financial_status = 'refunded', false),
                told.cancelled_at,
                coalesce(told.test, false)
            )::thetis.incoming_order
        from (
            select
                (ordered.entry ->> 'id')::thetis.shopify_id as id,
                ordered.entry ->> 'order_number' as order_number,
                (ordered.entry -> 'email')::thetis.optional_json_text as email,
                (ordered.entry -> 'contact_email')::thetis.optional_json_text as contact_email,
                (ordered.entry #> '{customer,email}')::thetis.optional_json_text as customer_email,
                ordered.entry ->> 'financial_status' as financial_status,
                (ordered.entry ->> 'total_outstanding')::numeric as total_outstanding,
                (ordered.entry ->> 'cancelled_at')::thetis.optional_time as cancelled_at,
                (ordered.entry ->> 'created_at')::thetis.optional_time as created_at,
                (ordered.entry ->> 'processed_at')::thetis.optional_time as processed_at,
                (ordered.entry ->> 'updated_at')::thetis.optional_time as updated_at,
                (ordered.entry ->> 'test')::boolean as test,
                ordered.place
            from jsonb_array_elements(p_orders) with ordinality as ordered (entry, place)
            offset 0  -- so that each field is checked, also where another one decides
        ) as told
        order by told.place
    );

    select
        array_agg(
            row(
                sold.shopify_order_id, sold.id, sold.product_slug, sold.quantity, sold.paid_as_of,
                sold.end_status
            )::thetis.incoming_line
        ) filter (where sold.is_ours),
        array_agg(row(sold.shopify_order_id, sold.product_id)::thetis.untracked_line)
        filter (where not sold.is_ours)
    into v_incoming.lines, v_incoming.untracked
    from (
        select
            told.shopify_order_id,
            line.id,
            line.product_id,
            product.product_slug,
            line.quantity,
            case when told.is_paid then told.as_of end as paid_as_of,
            case
                when line.current_quantity = 0 then 'refunded'
                when told.cancelled_at is not null then 'cancelled'
            end::thetis.purchase_status as end_status,
            product.product_slug is not null
            or line.product_id is null
            or (
                select true from thetis.order_lines as existing
                where
                    existing.shopify_order_id = told.shopify_order_id
                    and existing.shopify_line_item_id = line.id
            ) is not null
            or (
                select true from public.purchases as old
                where
                    old.shopify_order_id = told.shopify_order_id
                    and old.shopify_line_item_id is null
                limit 1
            ) is not null
            or (
                select true from thetis.order_lines as exported
                where
                    exported.shopify_order_id = told.shopify_order_id
                    and exported.is_exported
                limit 1
            ) is not null as is_ours
        from rows from (jsonb_array_elements(p_orders), unnest(v_incoming.orders)) as told (
            entry, shopify_order_id, order_number, email, as_of, purchased_at,
            is_paid, is_voided, is_refunded, cancelled_at, is_test
        )
        cross join lateral (
            select
                (item.entry ->> 'id')::thetis.shopify_id as id,
                item.entry ->> 'product_id' as product_id,
                (item.entry ->> 'quantity')::thetis.shopify_quantity as quantity,
                (item.entry ->> 'current_quantity')::thetis.optional_quantity as current_quantity
            from jsonb_array_elements(
                (told.entry -> 'line_items')::thetis.json_array
            ) as item (entry)
            offset 0  -- so that each line is checked, also those that are none of our business
        ) as line
        left join thetis.shopify_products as product
            on line.product_id = product.shopify_product_id
        where p_test_orders = 'grant' or not told.is_test
    ) as sold;

    if jsonb_path_exists(p_orders, '$[*].refunds[*]') then
        v_incoming.refunds := thetis.read_refunds((
            select jsonb_agg(refund.entry || jsonb_build_object('order_id', told.shopify_order_id))
            from rows from (jsonb_array_elements(p_orders), unnest(v_incoming.orders)) as told (
                entry, shopify_order_id, order_number, email, as_of, purchased_at,
                is_paid, is_voided, is_refunded, cancelled_at, is_test
            )
            cross join lateral jsonb_array_elements(
                nullif(told.entry -> 'refunds', 'null')::thetis.optional_json_array
            ) as refund (entry)
            where p_test_orders = 'grant' or not told.is_test
        ));
    end if;
    if jsonb_path_exists(p_orders, '$[*] ? (@.disputes.type() != "null" && @.disputes.size() > 0)') then
        v_incoming.disputes := thetis.read_order_disputes(p_orders, p_test_orders);
    end if;
    return v_incoming;
end;
$_$;

CREATE FUNCTION thetis.read_refunds(p_refunds jsonb) RETURNS thetis.incoming_refund[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select
            row(
                refund.id, line.line_item_id, refund.order_id, sum(line.quantity)
            )::thetis.incoming_refund
        from rows from (
            jsonb_to_recordset(p_refunds) as (
                id thetis.shopify_id,
                order_id thetis.shopify_id,
                refund_line_items thetis.json_array
            )
        ) with ordinality as refund
        cross join lateral jsonb_to_recordset(refund.refund_line_items) as line (
            line_item_id thetis.shopify_id, quantity thetis.shopify_quantity
        )
        group by refund.ordinality, refund.id, line.line_item_id, refund.order_id
    );
end;
$$;

CREATE FUNCTION thetis.reconcile_since() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.refresh_cancellations(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with runs as materialized (
        select
            named.shopify_order_id,
            named.run,
            named.email,
            bool_or(named.is_live) as is_live
        from thetis.named_purchases as named
        where
            named.shopify_order_id = any(p_order_ids)
            and named.kind = 'post_purchase'
            and named.may_have_arrived
        group by named.shopify_order_id, named.run, named.email
    ),

    withdrawn as (
        update thetis.notifications as waiting
        set status = 'skipped', settled_at = now()
        from runs
        where
            waiting.shopify_order_id = runs.shopify_order_id
            and waiting.run = runs.run
            and waiting.email = runs.email
            and waiting.kind = 'post_purchase_cancel'
            and waiting.status = 'pending'
            and runs.is_live
    )

    insert into thetis.notifications as existing (
        kind, shopify_order_id, run, payload, is_test, due_at
    )
    select
        'post_purchase_cancel',
        runs.shopify_order_id,
        runs.run,
        jsonb_build_object(
            'order_id', runs.shopify_order_id, 'run', runs.run, 'email', runs.email
        ),
        started.is_test,
        greatest(now(), started.latest_at + thetis.cancellation_delay())
    from runs
    cross join lateral (
        select
            bool_or(message.is_test) as is_test,
            max(coalesce(message.leased_until, message.settled_at)) as latest_at
        from thetis.notifications as message
        where
            message.shopify_order_id = runs.shopify_order_id
            and message.run = runs.run
            and message.email = runs.email
            and message.kind = 'post_purchase'
            and message.uncertain_since is not null
    ) as started
    where not runs.is_live
    on conflict (shopify_order_id, run, email)
    where kind = 'post_purchase_cancel' and email <> ''
    do update set
        status = excluded.status,
        due_at = excluded.due_at,
        enqueued_at = excluded.enqueued_at,
        settled_at = null
    where existing.status = 'skipped';
end;
$$;

CREATE FUNCTION thetis.refresh_expiry(p_user_ids uuid[], p_emails text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_each record;
    v_chain text;
    v_end timestamptz;
begin
    for v_each in
        select
            stored.id,
            stored.purchased_at,
            limited.period,
            override.extended_to,
            concat_ws(
                ' ', stored.product_slug,
                coalesce(stored.user_id::text, stored.shopify_customer_email)
            ) as chain
        from public.purchases as stored
        inner join thetis.access_periods as limited on stored.id = limited.purchase_id
        left join thetis.overrides as override on stored.id = override.purchase_id
        where
            stored.id in (
                select owned.id from public.purchases as owned
                where owned.user_id = any(p_user_ids)
                union all
                select free.id from public.purchases as free
                where
                    free.user_id is null
                    and free.shopify_customer_email = any(p_emails)
                    and free.shopify_customer_email <> ''
            )
            and stored.purchased_at is not null
            and stored.status in ('active', 'expired')
        order by chain, stored.purchased_at, stored.id
    loop
        if v_each.chain is distinct from v_chain then
            v_chain := v_each.chain;
            v_end := null;
        end if;
        v_end := coalesce(
            v_each.extended_to, greatest(v_each.purchased_at, v_end) + v_each.period
        );
        update public.purchases as stored
        set
            expires_at = nullif(v_end, 'infinity'),
            status = case when v_end <= now() then 'expired' else 'active' end
        where
            stored.id = v_each.id
            and (stored.expires_at, stored.status)
            is distinct from (
                nullif(v_end, 'infinity'), case when v_end <= now() then 'expired' else 'active' end
            );
    end loop;
end;
$$;

CREATE FUNCTION thetis.refresh_notifications(p_order_ids text[], p_refreshed thetis.refreshed) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_has_messages boolean := false;
begin
    if p_refreshed.had_purchases then
        -- In the order in which settle_notifications locks them.
        perform from thetis.notifications
        where notifications.shopify_order_id = any(p_order_ids)
        order by notifications.id
        for update;
        v_has_messages := found;
    end if;

    if v_has_messages then
        perform thetis.refresh_tried_messages(p_order_ids);
        perform thetis.refresh_cancellations(p_order_ids);
    end if;
    if
        p_refreshed.has_new_orders
        and (p_refreshed.had_purchases or cardinality(p_refreshed.changes) > 0)
    then
        perform thetis.enqueue_notifications(p_order_ids, v_has_messages);
    end if;
    if v_has_messages then
        perform thetis.withdraw_untried_messages(p_order_ids);
        perform thetis.refresh_updates(p_order_ids);
    end if;
end;
$$;

CREATE FUNCTION thetis.refresh_orders(p_order_ids text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_refreshed thetis.refreshed := thetis.refresh_purchases(p_order_ids);
begin
    perform thetis.refresh_notifications(p_order_ids, v_refreshed);
    if cardinality(v_refreshed.changes) > 0 then
        return v_refreshed.conflicts || array(
            select distinct change.shopify_order_id from unnest(v_refreshed.changes) as change
        );
    end if;
    return v_refreshed.conflicts;
end;
$$;

CREATE FUNCTION thetis.refresh_purchases(p_order_ids text[]) RETURNS thetis.refreshed
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_emails text[];
    v_owner_ids uuid[];
    v_has_periods boolean;
    v_has_disputes boolean;
    v_refreshed thetis.refreshed;
begin
    select
        array_agg(address.email),
        coalesce(bool_or(address.is_purchase), false),
        coalesce(bool_or(address.is_new), false),
        exists (
            select from thetis.disputes where disputes.shopify_order_id = any(p_order_ids)
        )
    into v_emails, v_refreshed.had_purchases, v_refreshed.has_new_orders, v_has_disputes
    from (
        select orders.holder_email as email, false as is_purchase,
            orders.is_historic is not true as is_new
        from thetis.orders
        where orders.shopify_order_id = any(p_order_ids)
        union all
        select stored.shopify_customer_email, true, false from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
        union all
        select override.transferred_to, true, false
        from public.purchases as transferred
        inner join thetis.overrides as override on transferred.id = override.purchase_id
        where transferred.shopify_order_id = any(p_order_ids)
    ) as address;

    perform thetis.lock_emails(v_emails);
    -- with the locks held: whoever is being erased now is so by then
    if exists (select from thetis.erased_addresses) then
        perform thetis.erase_returned_orders(p_order_ids);
    end if;
    if v_refreshed.had_purchases then
        perform thetis.lock_present_owners(p_order_ids);
    end if;

    v_owner_ids := thetis.order_owners(p_order_ids);
    v_has_periods := thetis.have_access_periods(p_order_ids);
    if v_has_periods then
        perform thetis.lock_holders(v_owner_ids || thetis.present_owners(p_order_ids));
    end if;
    if v_refreshed.had_purchases then
        perform from public.purchases as stored
        where stored.shopify_order_id = any(p_order_ids)
        order by stored.id
        for update;
    end if;
    perform thetis.adopt_exported_lines(p_order_ids);
    if v_refreshed.had_purchases then
        if v_has_disputes then
            v_refreshed.changes := thetis.lift_chargebacks(p_order_ids);
        end if;
        v_refreshed.changes := v_refreshed.changes
            || thetis.update_purchases(p_order_ids, v_owner_ids)
            || thetis.end_purchases_without_line(p_order_ids);
        v_refreshed.conflicts := thetis.mark_address_conflicts(p_order_ids);
    end if;
    v_refreshed.changes := v_refreshed.changes
        || thetis.add_purchases(p_order_ids, v_owner_ids, v_has_periods);
    if v_has_disputes then
        v_refreshed.changes := v_refreshed.changes || thetis.impose_chargebacks(p_order_ids);
    end if;
    if v_has_periods then
        perform thetis.refresh_expiry(
            v_owner_ids || thetis.present_owners(p_order_ids), v_emails
        );
    end if;
    return v_refreshed;
end;
$$;

CREATE FUNCTION thetis.refresh_tried_messages(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update thetis.notifications as tried
    set
        status = case when found.has_reason then 'pending' else 'skipped' end,
        settled_at = case when not found.has_reason then now() end,
        due_at = case
            when found.has_reason then greatest(now(), tried.leased_until) else tried.due_at
        end
    from (
        select
            message.id,
            exists (
                select from thetis.live_purchases as live
                where live.id = any(message.purchase_ids) and live.email = message.email
            ) as has_reason
        from thetis.notifications as message
        where
            message.shopify_order_id = any(p_order_ids)
            and message.kind in ('post_purchase', 'course_access')
            and message.attempts > 0
            and (
                message.status = 'pending'
                or (
                    message.status = 'skipped'
                    and message.uncertain_since is not null
                    and not message.is_stripped
                    and not exists (
                        select from thetis.notifications as cancellation
                        where
                            cancellation.kind = 'post_purchase_cancel'
                            and cancellation.shopify_order_id = message.shopify_order_id
                            and cancellation.run = message.run
                            and cancellation.email = message.email
                            and cancellation.attempts > 0
                    )
                )
            )
    ) as found
    where tried.id = found.id and (tried.status = 'pending') <> found.has_reason;
end;
$$;

CREATE FUNCTION thetis.refresh_updates(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with wanted as materialized (
        select
            lost.shopify_order_id,
            lost.ended,
            lost.ended is distinct from coalesce(told.ended, '[]') as is_news
        from (
            select
                named.shopify_order_id,
                coalesce(
                    jsonb_agg(distinct named.purchase_id) filter (where not named.is_live), '[]'
                ) as ended
            from thetis.named_purchases as named
            inner join thetis.open_runs
                on
                    named.shopify_order_id = open_runs.shopify_order_id
                    and named.email = open_runs.email
                    and named.run = open_runs.run
            where
                named.shopify_order_id = any(p_order_ids)
                and open_runs.shopify_order_id = any(p_order_ids)
                and named.kind = 'post_purchase'
                and named.may_have_arrived
            group by named.shopify_order_id
        ) as lost
        left join lateral (
            select earlier.payload -> 'ended' as ended
            from thetis.notifications as earlier
            where
                earlier.shopify_order_id = lost.shopify_order_id
                and earlier.kind = 'post_purchase_update'
                and earlier.attempts > 0
                and earlier.status <> 'skipped'
            order by earlier.enqueued_at desc
            limit 1
        ) as told on true
    ),

    outdated as (
        update thetis.notifications as waiting
        set status = 'skipped', settled_at = now()
        from wanted
        where
            waiting.shopify_order_id = wanted.shopify_order_id
            and waiting.kind = 'post_purchase_update'
            and waiting.status = 'pending'
            and (
                (wanted.is_news and waiting.attempts > 0)
                or (not wanted.is_news and waiting.attempts = 0)
            )
    )

    insert into thetis.notifications as existing (
        kind, shopify_order_id, payload, is_test, due_at
    )
    select
        'post_purchase_update',
        wanted.shopify_order_id,
        jsonb_build_object('order_id', wanted.shopify_order_id, 'ended', wanted.ended),
        orders.is_test,
        greatest(
            now(),
            (
                select max(earlier.leased_until) from thetis.notifications as earlier
                where
                    earlier.shopify_order_id = wanted.shopify_order_id
                    and earlier.kind = 'post_purchase_update'
            )
        )
    from wanted
    inner join thetis.orders on wanted.shopify_order_id = orders.shopify_order_id
    where wanted.is_news
    on conflict (shopify_order_id) where attempts = 0 and kind = 'post_purchase_update'
    do update set
        payload = excluded.payload,
        status = excluded.status,
        due_at = greatest(existing.due_at, excluded.due_at),
        enqueued_at = excluded.enqueued_at,
        settled_at = null
    where existing.status = 'skipped' or existing.payload <> excluded.payload;
end;
$$;

CREATE FUNCTION thetis.refund_fault(p_refund jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if jsonb_typeof(p_refund) <> 'object' then
        return 'not an object';
    end if;
    perform thetis.read_refunds(jsonb_build_array(p_refund));
    return null;
exception when data_exception or integrity_constraint_violation then
    return case
        when (p_refund ->> 'id' ~ '^[1-9][0-9]{0,18}$') is not true then 'id: not a Shopify id'
        when (p_refund ->> 'order_id' ~ '^[1-9][0-9]{0,18}$') is not true
            then 'order_id: not a Shopify id'
        when jsonb_typeof(p_refund -> 'refund_line_items') is distinct from 'array'
            then 'refund_line_items: not an array'
        else 'refund_line_items: an id or a quantity is not usable'
    end;
end;
$_$;

CREATE FUNCTION thetis.rejected_webhooks_of(p_email text, p_order_ids text[]) RETURNS TABLE(id bigint, is_theirs boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION thetis.release_purchases(p_user_id uuid, p_email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
declare
    v_emails text[] := array(
        select address.email
        from public.purchases as own
        left join thetis.orders on own.shopify_order_id = orders.shopify_order_id
        cross join lateral (
            values (own.shopify_customer_email), (orders.holder_email)
        ) as address (email)
        where own.user_id = p_user_id
    ) || p_email;
begin
    perform thetis.lock_emails(v_emails);
    perform thetis.lock_holders(array[p_user_id]);

    delete from thetis.proven_addresses as proven where proven.user_id = p_user_id;
    perform thetis.end_claim_code(p_user_id);
    update public.purchases set user_id = null
    where user_id = p_user_id;
    if found then
        perform thetis.refresh_expiry(null, v_emails);
    end if;
end;
$$;

CREATE FUNCTION thetis.repeatable_for(p_kind text) RETURNS interval
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return case p_kind
        when 'post_purchase_cancel' then interval '14 days'
        when 'post_purchase_update' then interval '14 days'
        when 'forget_recipient' then interval '14 days'
        else interval '23 hours'
    end;
end;
$$;

CREATE FUNCTION thetis.retry_delay(p_attempts integer, p_retry_after_seconds double precision) RETURNS interval
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return make_interval(secs => greatest(
        least(5 * 2 ^ least(p_attempts - 1, 10), 3600) * (0.75 + random() / 2),
        least(coalesce(p_retry_after_seconds, 0), 43200)
    ));
end;
$$;

CREATE FUNCTION thetis.return_to_holder_email() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.shopify_customer_email := coalesce(
        (
            select override.transferred_to from thetis.overrides as override
            where override.purchase_id = new.id
        ),
        (
            select nullif(orders.holder_email, '') from thetis.orders
            where orders.shopify_order_id = new.shopify_order_id
        ),
        new.shopify_customer_email
    );
    return new;
end;
$$;

CREATE FUNCTION thetis.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if new is distinct from old then
        new.updated_at := now();
    end if;
    return new;
end;
$$;

CREATE FUNCTION thetis.stated_address(p_address text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if
        (thetis.normalised_email(p_address) ~ '^[^@[:space:]]+@[^@[:space:]]+$') is not true
        or length(p_address) > 320
    then
        raise exception 'address: not an email address' using errcode = 'TH004';
    end if;
    return thetis.normalised_email(p_address);
end;
$_$;

CREATE FUNCTION thetis.stated_order(p_order text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_order_ids text[] := thetis.find_orders(p_order);
begin
    if cardinality(v_order_ids) = 0 then
        raise exception 'there is no order %', p_order using errcode = 'TH004';
    end if;
    if cardinality(v_order_ids) > 1 then
        raise exception '% means more than one order: say the Shopify order id', p_order
        using errcode = 'TH004';
    end if;
    return v_order_ids[1];
end;
$$;

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

CREATE FUNCTION thetis.stated_purchase(p_id uuid, p_expected_address text, p_to_email text) RETURNS public.purchases
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_order_id text;
    v_purchase public.purchases;
begin
    select stored.shopify_order_id into v_order_id
    from public.purchases as stored where stored.id = p_id;
    perform thetis.lock_for_act(v_order_id, array[p_id], p_to_email);

    select stored.* into v_purchase from public.purchases as stored where stored.id = p_id;
    if v_purchase.id is null then
        raise exception 'there is no purchase %', p_id using errcode = 'TH004';
    end if;
    if
        p_expected_address is not null
        and thetis.normalised_email(p_expected_address)
        is distinct from v_purchase.shopify_customer_email
        and not thetis.is_address_of(
            v_purchase.user_id, thetis.normalised_email(p_expected_address)
        )
    then
        -- without the address: Postgres keeps what is raised in its log
        raise exception 'purchase % is not that of the expected address', p_id
        using errcode = 'TH006';
    end if;
    return v_purchase;
end;
$$;

CREATE FUNCTION thetis.stated_reason(p_reason text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- a tab or an empty line is no reason either
    if (p_reason ~ '[^[:space:]]') is not true then
        raise exception 'reason: must be said' using errcode = 'TH004';
    end if;
    return p_reason;
end;
$$;

CREATE FUNCTION thetis.told_emails(p_body jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select thetis.normalised_email(told.address)
        from (
            values
            (p_body ->> 'email'), (p_body ->> 'contact_email'), (p_body #>> '{customer,email}')
        ) as told (address)
        where told.address ~ '@'
    );
end;
$$;

CREATE FUNCTION thetis.told_order_id(p_body jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(p_body ->> 'order_id', p_body ->> 'id');
end;
$$;

CREATE FUNCTION thetis.unchanged_act(p_action text, p_ids uuid[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_purchases jsonb := thetis.describe_purchases(p_ids);
begin
    return jsonb_build_object(
        'action', p_action,
        'outcome', 'unchanged',
        'before', v_purchases,
        'after', v_purchases,
        'messages', '[]'::jsonb
    );
end;
$$;

CREATE FUNCTION thetis.unusable_orders(p_ids text[], p_faults text[]) RETURNS thetis.incoming_order[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return array(
        select
            row(
                faulty.id, null, null, null, null, false, false, false, null, false
            )::thetis.incoming_order
        from unnest(p_ids, p_faults) as faulty (id, fault)
        where faulty.fault is not null and faulty.id ~ '^[1-9][0-9]{0,18}$'
    );
end;
$_$;

CREATE FUNCTION thetis.update_purchases(p_order_ids text[], p_owner_ids uuid[]) RETURNS thetis.purchase_change[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_changes thetis.purchase_change[];
begin
    with updated as (
        update public.purchases as existing
        set
            user_id = case when found.is_free then found.owner_id else existing.user_id end,
            shopify_customer_email = case
                when found.is_free then found.email else existing.shopify_customer_email
            end,
            status = found.status
        from (
            select
                stored.id,
                stored.status as was,
                stored.user_id as was_owner_id,
                stored.shopify_customer_email as was_email,
                case
                    when override.transferred_to is null then owner.user_id
                    else thetis.owner_of(override.transferred_to)
                end as owner_id,
                coalesce(override.transferred_to, derived.shopify_customer_email) as email,
                thetis.merged_status(
                    stored.status,
                    derived.status::thetis.purchase_status,
                    override.is_revoked,
                    override.extended_to is not null
                ) as status,
                stored.user_id is null or thetis.is_deleted_account(stored.user_id) as is_free
            from unnest(p_order_ids, p_owner_ids) as owner (shopify_order_id, user_id)
            inner join thetis.derived_purchases as derived
                on owner.shopify_order_id = derived.shopify_order_id
            inner join public.purchases as stored
                on
                    derived.shopify_order_id = stored.shopify_order_id
                    and derived.shopify_line_item_id = stored.shopify_line_item_id
            left join thetis.overrides as override on stored.id = override.purchase_id
        ) as found
        where
            existing.id = found.id
            and (
                found.was <> found.status
                or (
                    found.is_free
                    and (found.was_owner_id, found.was_email)
                    is distinct from (found.owner_id, found.email)
                )
            )
        returning
            existing.shopify_order_id, existing.product_slug, found.was, existing.status as became
    )

    select
        array_agg(
            row(
                updated.shopify_order_id, updated.product_slug, updated.was, updated.became
            )::thetis.purchase_change
        )
    into v_changes
    from updated;
    return v_changes;
end;
$$;

CREATE FUNCTION thetis.uuid_or_null(p_text text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return case when p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_text::uuid end;
end;
$_$;

CREATE FUNCTION thetis.was_resent(p_message thetis.notifications) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from thetis.notifications as later
        where
            later.shopify_order_id = p_message.shopify_order_id
            and later.kind = p_message.kind
            and later.email = p_message.email
            and later.resend_of is not null
            and later.enqueued_at > p_message.enqueued_at
            and later.purchase_ids && p_message.purchase_ids
            and (later.status <> 'skipped' or later.uncertain_since is not null)
    );
end;
$$;

CREATE FUNCTION thetis.was_transferred(p_order_id text, p_purchase_ids uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from thetis.orders
        where orders.shopify_order_id = p_order_id and orders.transferred_to is not null
    ) or exists (
        select from thetis.overrides as override
        where override.purchase_id = any(p_purchase_ids) and override.transferred_to is not null
    );
end;
$$;

CREATE FUNCTION thetis.webhook_patience() RETURNS interval
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return interval '10 minutes';
end;
$$;

CREATE FUNCTION thetis.why_no_retry(p_message thetis.notifications) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return case
        when p_message.kind = 'claim_code' then 'a code is asked for anew, by the customer'
        when p_message.status = 'sent' then 'it was sent'
        when p_message.status = 'skipped' or not thetis.has_reason(p_message)
            then 'it has lost its reason'
        when p_message.is_stripped then 'it is too old: resend it'
        when p_message.leased_until > now() then 'it is being sent'
        when thetis.was_resent(p_message) then 'it was resent since'
        when
            p_message.kind in ('post_purchase_cancel', 'post_purchase_update')
            and p_message.status = 'pending'
            and p_message.due_at > now()
            and coalesce(p_message.claimed_at <= p_message.enqueued_at, true)
            then 'it waits for what it follows to arrive, and goes out by itself'
        when
            p_message.resend_of is not null
            and p_message.uncertain_since is null
            and (
                select count(*) from thetis.live_purchases as live
                where live.id = any(p_message.purchase_ids) and live.email = p_message.email
            ) < cardinality(p_message.purchase_ids)
            then 'not all that it says is true any more: resend it'
        when p_message.uncertain_since < now() - thetis.repeatable_for(p_message.kind)
            then 'it may have arrived, and the provider no longer knows its key: resend it'
        when
            (p_message.uncertain_since is not null or p_message.resend_of is not null)
            and exists (
                select from thetis.notifications as cancellation
                where
                    p_message.kind = 'post_purchase'
                    and cancellation.kind = 'post_purchase_cancel'
                    and cancellation.shopify_order_id = p_message.shopify_order_id
                    and cancellation.run = p_message.run
                    and cancellation.email = p_message.email
                    and cancellation.attempts > 0
            ) then 'its run was cancelled: resend it'
    end;
end;
$$;

CREATE FUNCTION thetis.withdraw_spent_codes(p_lease interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update thetis.notifications as spent
    set status = 'skipped', settled_at = coalesce(spent.settled_at, now())
    where spent.id in (
        select waiting.id from thetis.notifications as waiting
        where
            waiting.kind = 'claim_code'
            and waiting.status in ('pending', 'dead')
            and not thetis.is_code_to_send(waiting.id, p_lease)
        for update skip locked
    );
end;
$$;

CREATE FUNCTION thetis.withdraw_untried_messages(p_order_ids text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    update thetis.notifications as untried
    set status = 'skipped', settled_at = now()
    where
        untried.shopify_order_id = any(p_order_ids)
        and untried.kind in ('post_purchase', 'course_access')
        and untried.attempts = 0
        and untried.status = 'pending'
        and (
            select count(*) from thetis.live_purchases as live
            where live.id = any(untried.purchase_ids) and live.email = untried.email
        ) < case when untried.resend_of is null then 1 else cardinality(untried.purchase_ids) end;
end;
$$;

CREATE FUNCTION thetis.without_faults(p_elements jsonb, p_faults text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select coalesce(jsonb_agg(element.entry order by element.place), '[]')
        from jsonb_array_elements(p_elements) with ordinality as element (entry, place)
        where p_faults[element.place] is null
    );
end;
$$;

CREATE FUNCTION thetis.without_others(p_text text, p_email text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE TABLE public.products (
    slug text NOT NULL,
    name text NOT NULL,
    category text NOT NULL,
    access_period interval,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT access_period_is_possible CHECK (((access_period > '00:00:00'::interval) AND (access_period <= '1000 years'::interval))),
    CONSTRAINT category_is_lower_snake_case CHECK ((category ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT name_is_not_blank CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT slug_is_lower_snake_case CHECK ((slug ~ '^[a-z][a-z0-9_]*$'::text))
);

COMMENT ON COLUMN public.products.category IS 'course, device, ...: messages are decided by category, so a hundredth product needs no new rule.';

COMMENT ON COLUMN public.products.access_period IS 'How long a purchase grants access, from the day it was bought; null is for ever.';

CREATE TABLE thetis.access_periods (
    purchase_id uuid NOT NULL,
    period interval NOT NULL
);

ALTER TABLE thetis.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME thetis.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE thetis.dispute_rules (
    is_the_only_row boolean DEFAULT true NOT NULL,
    are_honored boolean DEFAULT true NOT NULL,
    CONSTRAINT there_is_one_row CHECK (is_the_only_row)
);

CREATE TABLE thetis.disputes (
    shopify_dispute_id text NOT NULL,
    shopify_order_id text NOT NULL,
    is_chargeback boolean NOT NULL,
    status thetis.dispute_status,
    inquiry_status thetis.dispute_status,
    ends_access boolean GENERATED ALWAYS AS (COALESCE((is_chargeback AND (status < 'prevented'::thetis.dispute_status)), false)) STORED,
    first_recorded_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON COLUMN thetis.disputes.is_chargeback IS 'Was it ever told to be a chargeback? Then money was taken back. An inquiry is a question.';

COMMENT ON COLUMN thetis.disputes.status IS 'The furthest state told of it. Null: none that we know, or only of the inquiry it was.';

COMMENT ON COLUMN thetis.disputes.inquiry_status IS 'The furthest state told of it expressly as an inquiry: that says nothing of the chargeback which
it may become.';

COMMENT ON COLUMN thetis.disputes.ends_access IS 'A chargeback that is open or was lost.';

CREATE VIEW thetis.charged_back_orders WITH (security_invoker='true') AS
 SELECT shopify_order_id,
    min(first_recorded_at) AS since
   FROM thetis.disputes dispute
  WHERE (ends_access AND (EXISTS ( SELECT
           FROM thetis.dispute_rules
          WHERE (dispute_rules.is_the_only_row AND dispute_rules.are_honored))))
  GROUP BY shopify_order_id;

CREATE TABLE thetis.charged_back_purchases (
    purchase_id uuid NOT NULL,
    status_before text NOT NULL,
    CONSTRAINT status_before_gave_or_had_given CHECK ((status_before = ANY (ARRAY['active'::text, 'expired'::text])))
);

CREATE TABLE thetis.claim_codes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    email text NOT NULL,
    code_hash bytea,
    guess_hash bytea,
    guessed_in xid8,
    attempts integer DEFAULT 0 NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    valid_until timestamp with time zone NOT NULL
);

COMMENT ON COLUMN thetis.claim_codes.id IS 'Also the id of its notification.';

COMMENT ON COLUMN thetis.claim_codes.user_id IS 'Null once the account is deleted. The row stays for the limits of the address.';

COMMENT ON COLUMN thetis.claim_codes.code_hash IS 'Null as soon as the code is of no use: redeemed, replaced by a newer one, or guessed at too
often.';

COMMENT ON COLUMN thetis.claim_codes.guess_hash IS 'What was typed in last, hashed as the code is. Only what is written here already is judged.';

COMMENT ON COLUMN thetis.claim_codes.guessed_in IS 'The transaction that wrote it: it may still be undone by whoever called.';

CREATE TABLE thetis.order_lines (
    shopify_order_id text NOT NULL,
    shopify_line_item_id text NOT NULL,
    product_slug text,
    quantity integer,
    paid_as_of timestamp with time zone,
    end_status thetis.purchase_status,
    is_exported boolean DEFAULT false NOT NULL,
    CONSTRAINT end_status_is_an_end CHECK ((end_status <> 'active'::thetis.purchase_status))
);

COMMENT ON COLUMN thetis.order_lines.product_slug IS 'The first product told. Shopify sends null once a product is deleted; that takes nothing away.';

COMMENT ON COLUMN thetis.order_lines.quantity IS 'The most ever told to be bought; null on rows that came from the old enrollments table.';

COMMENT ON COLUMN thetis.order_lines.paid_as_of IS 'The earliest word that the order, with this line in it, was paid; null while it was not.';

COMMENT ON COLUMN thetis.order_lines.end_status IS 'The furthest end that was told of this line by itself.';

COMMENT ON COLUMN thetis.order_lines.is_exported IS 'From an order export, which names no line. It stands until Shopify itself tells of the line.';

CREATE TABLE thetis.orders (
    shopify_order_id text NOT NULL,
    order_number text,
    email text,
    email_as_of timestamp with time zone,
    transferred_to text,
    holder_email text GENERATED ALWAYS AS (COALESCE(transferred_to, email)) STORED,
    purchased_at timestamp with time zone,
    paid_as_of timestamp with time zone,
    voided_as_of timestamp with time zone,
    refunded_as_of timestamp with time zone,
    cancelled_at timestamp with time zone,
    is_test boolean DEFAULT false NOT NULL,
    is_historic boolean,
    has_address_conflict boolean DEFAULT false NOT NULL,
    first_recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone
);

COMMENT ON COLUMN thetis.orders.email IS 'The newest address told (a shop may correct it), once the order holds something of ours.';

COMMENT ON COLUMN thetis.orders.transferred_to IS 'The address to which an operator gave the whole order; it outranks what Shopify tells. Empty
once that person was erased: it does not go back to whom it was taken from.';

COMMENT ON COLUMN thetis.orders.holder_email IS 'Whose its purchases are, once they confirm this address.';

COMMENT ON COLUMN thetis.orders.paid_as_of IS 'The earliest word that nothing was outstanding.';

COMMENT ON COLUMN thetis.orders.voided_as_of IS 'The latest word that its payment was voided. Shopify lets such an order be paid after all.';

COMMENT ON COLUMN thetis.orders.refunded_as_of IS 'The latest word that all its money was paid back. That ends what was paid for until then.';

COMMENT ON COLUMN thetis.orders.is_test IS 'Made with a test gateway. It grants what any order grants, and is left out of figures.';

COMMENT ON COLUMN thetis.orders.is_historic IS 'Was it already old when we first heard of it? Then it causes no notification. Null: no date told.';

COMMENT ON COLUMN thetis.orders.has_address_conflict IS 'Somebody owns a purchase of it by another address than the order has now.';

COMMENT ON COLUMN thetis.orders.first_recorded_at IS 'When we first heard of it, whatever was in it. A replay counts from when the webhook came.';

COMMENT ON COLUMN thetis.orders.erased_at IS 'When the person was erased. No later event brings an address back.';

CREATE TABLE thetis.refunds (
    shopify_refund_id text NOT NULL,
    shopify_line_item_id text NOT NULL,
    shopify_order_id text NOT NULL,
    quantity bigint NOT NULL
);

CREATE VIEW thetis.derived_purchases WITH (security_invoker='true') AS
 SELECT line.shopify_order_id,
    line.shopify_line_item_id,
    line.product_slug,
    orders.order_number AS shopify_order_number,
    COALESCE(orders.holder_email, ''::text) AS shopify_customer_email,
    orders.purchased_at,
    product.access_period,
    (orders.purchased_at + product.access_period) AS expires_at,
    GREATEST('active'::thetis.purchase_status, line.end_status,
        CASE
            WHEN (orders.voided_as_of > COALESCE(orders.paid_as_of, '-infinity'::timestamp with time zone)) THEN 'cancelled'::thetis.purchase_status
            ELSE NULL::thetis.purchase_status
        END,
        CASE
            WHEN ((orders.refunded_as_of >= line.paid_as_of) OR (( SELECT sum(refund.quantity) AS sum
               FROM thetis.refunds refund
              WHERE ((refund.shopify_order_id = line.shopify_order_id) AND (refund.shopify_line_item_id = line.shopify_line_item_id))) >= (line.quantity)::numeric)) THEN 'refunded'::thetis.purchase_status
            ELSE NULL::thetis.purchase_status
        END) AS status
   FROM ((thetis.order_lines line
     JOIN thetis.orders ON ((line.shopify_order_id = orders.shopify_order_id)))
     LEFT JOIN public.products product ON ((line.product_slug = product.slug)))
  WHERE ((line.paid_as_of IS NOT NULL) AND (line.product_slug IS NOT NULL) AND ((orders.holder_email IS NOT NULL) OR (orders.erased_at IS NOT NULL)));

CREATE TABLE thetis.email_deliveries (
    notification_id uuid NOT NULL,
    state thetis.delivery_state NOT NULL,
    reason text,
    occurred_at timestamp with time zone NOT NULL
);

COMMENT ON COLUMN thetis.email_deliveries.state IS 'The furthest that was told, whatever came last.';

COMMENT ON COLUMN thetis.email_deliveries.reason IS 'The provider''s own words, without addresses.';

CREATE TABLE thetis.erased_addresses (
    address_hash bytea NOT NULL,
    erased_at timestamp with time zone NOT NULL
);

COMMENT ON COLUMN thetis.erased_addresses.erased_at IS 'What was bought before is nobody''s. Who buys later is a new customer, and so is who buys in that
very second: Shopify tells no more than the second.';

CREATE TABLE thetis.erasure_key (
    is_the_only_row boolean DEFAULT true NOT NULL,
    hash_key bytea DEFAULT (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) NOT NULL,
    CONSTRAINT there_is_one_row CHECK (is_the_only_row)
);

CREATE TABLE thetis.grants (
    purchase_id uuid NOT NULL,
    granted_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW thetis.held_addresses WITH (security_invoker='true') AS
 SELECT stored.shopify_customer_email AS email
   FROM public.purchases stored
UNION ALL
 SELECT orders.holder_email AS email
   FROM thetis.orders
  WHERE (orders.holder_email IS NOT NULL);

CREATE VIEW thetis.live_purchases WITH (security_invoker='true') AS
 SELECT stored.id,
    stored.shopify_order_id,
    stored.shopify_customer_email AS email,
    stored.user_id,
    stored.product_slug,
    COALESCE(product.category, 'other'::text) AS category,
    product.name
   FROM (public.purchases stored
     LEFT JOIN public.products product ON ((stored.product_slug = product.slug)))
  WHERE (((stored.status = 'active'::text) IS TRUE) AND (stored.shopify_customer_email <> ''::text));

CREATE VIEW thetis.named_purchases WITH (security_invoker='true') AS
 SELECT message.shopify_order_id,
    message.kind,
    message.email,
    message.run,
    (message.uncertain_since IS NOT NULL) AS may_have_arrived,
    named.purchase_id,
    (live.id IS NOT NULL) AS is_live
   FROM ((thetis.notifications message
     CROSS JOIN LATERAL unnest(message.purchase_ids) named(purchase_id))
     LEFT JOIN thetis.live_purchases live ON (((named.purchase_id = live.id) AND (message.email = live.email))))
  WHERE ((message.attempts > 0) AND (message.email <> ''::text) AND (message.kind = ANY (ARRAY['post_purchase'::text, 'course_access'::text])) AND ((message.status <> 'skipped'::text) OR (message.uncertain_since IS NOT NULL)));

CREATE VIEW thetis.open_runs WITH (security_invoker='true') AS
 SELECT shopify_order_id,
    email,
    max(run) AS run
   FROM thetis.notifications begun
  WHERE ((kind = 'post_purchase'::text) AND (attempts > 0) AND (email <> ''::text) AND (status <> 'skipped'::text) AND (NOT (EXISTS ( SELECT
           FROM thetis.notifications cancellation
          WHERE ((cancellation.kind = 'post_purchase_cancel'::text) AND (cancellation.shopify_order_id = begun.shopify_order_id) AND (cancellation.run = begun.run) AND (cancellation.email = begun.email) AND ((cancellation.status <> 'skipped'::text) OR (cancellation.attempts > 0)))))))
  GROUP BY shopify_order_id, email;

CREATE TABLE thetis.order_syncs (
    id bigint NOT NULL,
    purpose text NOT NULL,
    since timestamp with time zone NOT NULL,
    through timestamp with time zone NOT NULL,
    reached timestamp with time zone NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    holder text NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    pages integer DEFAULT 0 NOT NULL,
    seen integer DEFAULT 0 NOT NULL,
    recorded integer DEFAULT 0 NOT NULL,
    unchanged integer DEFAULT 0 NOT NULL,
    ignored integer DEFAULT 0 NOT NULL,
    rejected integer DEFAULT 0 NOT NULL,
    missed integer DEFAULT 0 NOT NULL,
    follows_another boolean NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT ended_unless_running CHECK (((status = 'running'::text) = (ended_at IS NULL))),
    CONSTRAINT purpose_is_known CHECK ((purpose = ANY (ARRAY['backfill'::text, 'reconcile'::text]))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['running'::text, 'finished'::text, 'abandoned'::text])))
);

COMMENT ON COLUMN thetis.order_syncs.since IS 'It goes over the orders that were changed from this moment on, through the other.';

COMMENT ON COLUMN thetis.order_syncs.reached IS 'All that was changed before this moment is recorded. Resumed from here: Shopify''s own cursors
expire, and an order that is changed meanwhile moves to the end.';

COMMENT ON COLUMN thetis.order_syncs.holder IS 'The run that it belongs to until the lease ends. A row, and not a lock of Postgres''s: each call of
Supabase''s API is a transaction of its own.';

COMMENT ON COLUMN thetis.order_syncs.missed IS 'How many told something new that a webhook should have told long before.';

COMMENT ON COLUMN thetis.order_syncs.follows_another IS 'Only then can anything be missed: before the first one, nobody had promised a webhook.';

ALTER TABLE thetis.order_syncs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME thetis.order_syncs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE thetis.overrides (
    purchase_id uuid NOT NULL,
    is_revoked boolean DEFAULT false NOT NULL,
    transferred_to text,
    extended_to timestamp with time zone,
    CONSTRAINT transferred_to_is_normalised CHECK ((transferred_to = lower(btrim(transferred_to, ' 	
'::text))))
);

COMMENT ON COLUMN thetis.overrides.transferred_to IS 'The address to which this one purchase was transferred; that of its order counts no more. Empty
once that person was erased.';

COMMENT ON COLUMN thetis.overrides.extended_to IS 'When its access ends instead; infinity is never.';

CREATE TABLE thetis.privacy_requests (
    id bigint NOT NULL,
    topic text NOT NULL,
    shop text,
    email text,
    shopify_order_ids text[] DEFAULT '{}'::text[] NOT NULL,
    request_hash bytea NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT kept_while_open CHECK (((answered_at IS NULL) OR (email IS NULL))),
    CONSTRAINT topic_is_known CHECK ((topic = ANY (ARRAY['customers/data_request'::text, 'customers/redact'::text, 'shop/redact'::text])))
);

COMMENT ON COLUMN thetis.privacy_requests.request_hash IS 'Of the whole request, keyed: Shopify sends it again until it is answered 200.';

ALTER TABLE thetis.privacy_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME thetis.privacy_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE thetis.proven_addresses (
    user_id uuid NOT NULL,
    email text NOT NULL,
    proven_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT email_is_normalised CHECK (((email = lower(btrim(email, ' 	
'::text))) AND (email <> ''::text)))
);

COMMENT ON TABLE thetis.proven_addresses IS 'Two users may have proven the same address: who did it last reads its mail now.';

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

COMMENT ON COLUMN thetis.rejected_webhooks.body IS 'The bytes as they came: they need not be text, let alone JSON. Where they only named somebody who
was erased, that address is struck out.';

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

CREATE TABLE thetis.staff_rules (
    is_the_only_row boolean DEFAULT true NOT NULL,
    needs_second_factor boolean DEFAULT true NOT NULL,
    CONSTRAINT there_is_one_row CHECK (is_the_only_row)
);

CREATE TABLE thetis.untracked_sales (
    shopify_product_id text NOT NULL,
    shopify_order_id text NOT NULL,
    first_recorded_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE thetis.webhook_heartbeats (
    topic text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    webhook_id text
);

COMMENT ON COLUMN thetis.webhook_heartbeats.topic IS 'A topic of Shopify''s; or `test`, for the test webhook of `thetis doctor --live`.';

COMMENT ON COLUMN thetis.webhook_heartbeats.webhook_id IS 'By which a test webhook is recognised; of the others, the one that was noted.';

ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT one_row_per_line_item UNIQUE (shopify_order_id, shopify_line_item_id);

ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT purchases_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.access_periods
    ADD CONSTRAINT access_periods_pkey PRIMARY KEY (purchase_id);

ALTER TABLE ONLY thetis.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.charged_back_purchases
    ADD CONSTRAINT charged_back_purchases_pkey PRIMARY KEY (purchase_id);

ALTER TABLE ONLY thetis.claim_codes
    ADD CONSTRAINT claim_codes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.dispute_rules
    ADD CONSTRAINT dispute_rules_pkey PRIMARY KEY (is_the_only_row);

ALTER TABLE ONLY thetis.disputes
    ADD CONSTRAINT disputes_pkey PRIMARY KEY (shopify_dispute_id);

ALTER TABLE ONLY thetis.email_deliveries
    ADD CONSTRAINT email_deliveries_pkey PRIMARY KEY (notification_id);

ALTER TABLE ONLY thetis.erased_addresses
    ADD CONSTRAINT erased_addresses_pkey PRIMARY KEY (address_hash);

ALTER TABLE ONLY thetis.erasure_key
    ADD CONSTRAINT erasure_key_pkey PRIMARY KEY (is_the_only_row);

ALTER TABLE ONLY thetis.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (purchase_id);

ALTER TABLE ONLY thetis.rejected_webhooks
    ADD CONSTRAINT kept_once UNIQUE (topic, body_sha256);

ALTER TABLE ONLY thetis.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.order_lines
    ADD CONSTRAINT order_lines_pkey PRIMARY KEY (shopify_order_id, shopify_line_item_id);

ALTER TABLE ONLY thetis.order_syncs
    ADD CONSTRAINT order_syncs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (shopify_order_id);

ALTER TABLE ONLY thetis.overrides
    ADD CONSTRAINT overrides_pkey PRIMARY KEY (purchase_id);

ALTER TABLE ONLY thetis.privacy_requests
    ADD CONSTRAINT privacy_requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.proven_addresses
    ADD CONSTRAINT proven_addresses_pkey PRIMARY KEY (user_id, email);

ALTER TABLE ONLY thetis.privacy_requests
    ADD CONSTRAINT recorded_once UNIQUE (request_hash);

ALTER TABLE ONLY thetis.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (shopify_refund_id, shopify_line_item_id);

ALTER TABLE ONLY thetis.rejected_webhooks
    ADD CONSTRAINT rejected_webhooks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY thetis.shopify_products
    ADD CONSTRAINT shopify_products_pkey PRIMARY KEY (shopify_product_id);

ALTER TABLE ONLY thetis.staff_rules
    ADD CONSTRAINT staff_rules_pkey PRIMARY KEY (is_the_only_row);

ALTER TABLE ONLY thetis.untracked_sales
    ADD CONSTRAINT untracked_sales_pkey PRIMARY KEY (shopify_product_id, shopify_order_id);

ALTER TABLE ONLY thetis.webhook_heartbeats
    ADD CONSTRAINT webhook_heartbeats_pkey PRIMARY KEY (topic);

CREATE INDEX purchases_email ON public.purchases USING btree (shopify_customer_email text_pattern_ops);

CREATE INDEX purchases_expiring ON public.purchases USING btree (expires_at) WHERE ((status = 'active'::text) AND (expires_at IS NOT NULL));

CREATE INDEX purchases_product_slug_status ON public.purchases USING btree (product_slug, status);

CREATE INDEX purchases_user_id ON public.purchases USING btree (user_id, product_slug, status) WHERE (user_id IS NOT NULL);

CREATE INDEX audit_log_customer ON thetis.audit_log USING btree (operator) WHERE (action = ANY (ARRAY['request_code'::text, 'prove_address'::text, 'remove_address'::text]));

CREATE INDEX audit_log_email ON thetis.audit_log USING btree (email) WHERE (email IS NOT NULL);

CREATE INDEX audit_log_order ON thetis.audit_log USING btree (shopify_order_id) WHERE (shopify_order_id IS NOT NULL);

CREATE INDEX audit_log_purchase ON thetis.audit_log USING btree (purchase_id) WHERE (purchase_id IS NOT NULL);

CREATE INDEX claim_codes_email ON thetis.claim_codes USING btree (email, requested_at);

CREATE UNIQUE INDEX claim_codes_one_of_a_user ON thetis.claim_codes USING btree (user_id) WHERE (code_hash IS NOT NULL);

CREATE INDEX claim_codes_prunable ON thetis.claim_codes USING btree (requested_at);

CREATE INDEX claim_codes_user ON thetis.claim_codes USING btree (user_id, requested_at);

CREATE INDEX disputes_order ON thetis.disputes USING btree (shopify_order_id);

CREATE INDEX email_deliveries_undelivered ON thetis.email_deliveries USING btree (occurred_at) WHERE (state > 'delivered'::thetis.delivery_state);

CREATE INDEX notifications_codes ON thetis.notifications USING btree (id) WHERE ((kind = 'claim_code'::text) AND (status = ANY (ARRAY['pending'::text, 'dead'::text])));

CREATE INDEX notifications_dead ON thetis.notifications USING btree (provider) WHERE (status = 'dead'::text);

CREATE INDEX notifications_due ON thetis.notifications USING btree (provider, due_at) WHERE (status = 'pending'::text);

CREATE INDEX notifications_email ON thetis.notifications USING btree (email) WHERE (email <> ''::text);

CREATE UNIQUE INDEX notifications_one_cancellation ON thetis.notifications USING btree (shopify_order_id, run, email) WHERE ((kind = 'post_purchase_cancel'::text) AND (email <> ''::text));

CREATE INDEX notifications_order ON thetis.notifications USING btree (shopify_order_id);

CREATE INDEX notifications_provider_message ON thetis.notifications USING btree (provider_message_id) WHERE (provider_message_id IS NOT NULL);

CREATE INDEX notifications_prunable ON thetis.notifications USING btree (settled_at) WHERE ((settled_at IS NOT NULL) AND (NOT is_stripped));

CREATE INDEX notifications_uncertain ON thetis.notifications USING btree (uncertain_since) WHERE ((status = 'pending'::text) AND (uncertain_since IS NOT NULL));

CREATE UNIQUE INDEX notifications_untried_message ON thetis.notifications USING btree (shopify_order_id, kind, email) WHERE ((attempts = 0) AND (kind = ANY (ARRAY['post_purchase'::text, 'course_access'::text])) AND (resend_of IS NULL) AND (email <> ''::text));

CREATE UNIQUE INDEX notifications_untried_update ON thetis.notifications USING btree (shopify_order_id) WHERE ((attempts = 0) AND (kind = 'post_purchase_update'::text));

CREATE INDEX order_lines_exported ON thetis.order_lines USING btree (shopify_order_id) WHERE is_exported;

CREATE INDEX order_syncs_ended ON thetis.order_syncs USING btree (purpose, ended_at);

CREATE UNIQUE INDEX order_syncs_running ON thetis.order_syncs USING btree (purpose) WHERE (status = 'running'::text);

CREATE INDEX orders_holder_email ON thetis.orders USING btree (holder_email text_pattern_ops) WHERE (holder_email IS NOT NULL);

CREATE INDEX orders_number ON thetis.orders USING btree (order_number);

CREATE INDEX orders_transferred_from ON thetis.orders USING btree (email) WHERE (transferred_to IS NOT NULL);

CREATE INDEX proven_addresses_email ON thetis.proven_addresses USING btree (email, proven_at);

CREATE INDEX refunds_line ON thetis.refunds USING btree (shopify_order_id, shopify_line_item_id);

CREATE INDEX shopify_products_product_slug ON thetis.shopify_products USING btree (product_slug);

CREATE TRIGGER return_to_holder_email BEFORE UPDATE OF user_id ON public.purchases FOR EACH ROW WHEN (((old.user_id IS NOT NULL) AND (new.user_id IS NULL))) EXECUTE FUNCTION thetis.return_to_holder_email();

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.purchases FOR EACH ROW EXECUTE FUNCTION thetis.set_updated_at();

CREATE TRIGGER drop_settled_code BEFORE UPDATE OF status ON thetis.notifications FOR EACH ROW WHEN (((new.kind = 'claim_code'::text) AND (new.status <> 'pending'::text))) EXECUTE FUNCTION thetis.drop_settled_code();

CREATE TRIGGER keep_audit_log BEFORE DELETE OR UPDATE ON thetis.audit_log FOR EACH ROW EXECUTE FUNCTION thetis.keep_audit_log();

CREATE TRIGGER keep_audit_log_whole BEFORE TRUNCATE ON thetis.audit_log FOR EACH STATEMENT EXECUTE FUNCTION thetis.keep_audit_log();

ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT purchases_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY thetis.access_periods
    ADD CONSTRAINT access_periods_purchase_id_fkey FOREIGN KEY (purchase_id) REFERENCES public.purchases(id) ON DELETE CASCADE;

ALTER TABLE ONLY thetis.charged_back_purchases
    ADD CONSTRAINT charged_back_purchases_purchase_id_fkey FOREIGN KEY (purchase_id) REFERENCES public.purchases(id) ON DELETE CASCADE;

ALTER TABLE ONLY thetis.claim_codes
    ADD CONSTRAINT claim_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY thetis.email_deliveries
    ADD CONSTRAINT email_deliveries_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES thetis.notifications(id) ON DELETE CASCADE;

ALTER TABLE ONLY thetis.overrides
    ADD CONSTRAINT overrides_purchase_id_fkey FOREIGN KEY (purchase_id) REFERENCES public.purchases(id) ON DELETE CASCADE;

ALTER TABLE ONLY thetis.proven_addresses
    ADD CONSTRAINT proven_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY thetis.shopify_products
    ADD CONSTRAINT shopify_products_product_slug_fkey FOREIGN KEY (product_slug) REFERENCES public.products(slug) ON DELETE CASCADE;

CREATE POLICY "Signed-in users read the catalogue" ON public.products FOR SELECT TO authenticated USING (true);

CREATE POLICY "Users read their own purchases" ON public.purchases FOR SELECT TO authenticated USING ((( SELECT auth.uid() AS uid) = user_id));

ALTER TABLE public.products ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.purchases ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.access_periods ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.charged_back_purchases ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.claim_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.dispute_rules ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.disputes ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.email_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.erased_addresses ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.erasure_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.grants ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.notifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.order_lines ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.order_syncs ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.orders ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.overrides ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.privacy_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.proven_addresses ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.refunds ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.rejected_webhooks ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.shopify_products ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.staff_rules ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.untracked_sales ENABLE ROW LEVEL SECURITY;

ALTER TABLE thetis.webhook_heartbeats ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO postgres;
GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;

REVOKE ALL ON FUNCTION public.add_product(slug text, name text, category text, shopify_product_id text, access_period text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_product(slug text, name text, category text, shopify_product_id text, access_period text) TO service_role;

REVOKE ALL ON FUNCTION public.begin_order_sync(purpose text, since timestamp with time zone, until timestamp with time zone, holder text, lease_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.begin_order_sync(purpose text, since timestamp with time zone, until timestamp with time zone, holder text, lease_seconds integer) TO service_role;

REVOKE ALL ON FUNCTION public.check_installation(functions jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_installation(functions jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.check_schema(calls jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_schema(calls jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.claim_notifications(provider text, max_count integer, lease_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_notifications(provider text, max_count integer, lease_seconds integer) TO service_role;

REVOKE ALL ON FUNCTION public.claim_purchases() FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_purchases() TO authenticated;

REVOKE ALL ON FUNCTION public.count_address_conflicts() FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_address_conflicts() TO service_role;

REVOKE ALL ON FUNCTION public.count_privacy_requests() FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_privacy_requests() TO service_role;

REVOKE ALL ON FUNCTION public.customer_timeline(query text, operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.customer_timeline(query text, operator text) TO authenticated;
GRANT ALL ON FUNCTION public.customer_timeline(query text, operator text) TO service_role;

REVOKE ALL ON FUNCTION public.expire_purchases(max_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.expire_purchases(max_count integer) TO service_role;

REVOKE ALL ON FUNCTION public.export_customer(address text, operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.export_customer(address text, operator text) TO authenticated;
GRANT ALL ON FUNCTION public.export_customer(address text, operator text) TO service_role;

REVOKE ALL ON FUNCTION public.extend_purchase(purchase_id uuid, until timestamp with time zone, reason text, expected_address text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.extend_purchase(purchase_id uuid, until timestamp with time zone, reason text, expected_address text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.extend_purchase(purchase_id uuid, until timestamp with time zone, reason text, expected_address text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.forget_customer(address text, reason text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_customer(address text, reason text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.forget_customer(address text, reason text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.get_notification(notification_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_notification(notification_id uuid) TO service_role;

REVOKE ALL ON FUNCTION public.get_rejected_webhook(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.get_rejected_webhook(id bigint) TO service_role;

REVOKE ALL ON FUNCTION public.grant_access(slug text, recipient text, reason text, until timestamp with time zone, operator text, grant_id uuid, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.grant_access(slug text, recipient text, reason text, until timestamp with time zone, operator text, grant_id uuid, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.grant_access(slug text, recipient text, reason text, until timestamp with time zone, operator text, grant_id uuid, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.has_access(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.has_access(slug text) TO authenticated;

REVOKE ALL ON FUNCTION public.honor_disputes(is_on boolean, max_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.honor_disputes(is_on boolean, max_count integer) TO service_role;

REVOKE ALL ON FUNCTION public.list_notifications(order_name text, state text, before_id uuid, max_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_notifications(order_name text, state text, before_id uuid, max_count integer) TO service_role;

REVOKE ALL ON FUNCTION public.list_privacy_requests(include_answered boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_privacy_requests(include_answered boolean) TO service_role;

REVOKE ALL ON FUNCTION public.list_products() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_products() TO service_role;

REVOKE ALL ON FUNCTION public.list_proven_addresses() FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_proven_addresses() TO authenticated;

REVOKE ALL ON FUNCTION public.list_rejected_webhooks(include_replayed boolean, after_id bigint, max_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_rejected_webhooks(include_replayed boolean, after_id bigint, max_count integer) TO service_role;

REVOKE ALL ON FUNCTION public.list_unmapped_products(max_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.list_unmapped_products(max_count integer) TO service_role;

REVOKE ALL ON FUNCTION public.mark_privacy_request_answered(id bigint, operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.mark_privacy_request_answered(id bigint, operator text) TO service_role;

REVOKE ALL ON FUNCTION public.mark_webhook_replayed(id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.mark_webhook_replayed(id bigint) TO service_role;

REVOKE ALL ON FUNCTION public.note_webhook(topic text, webhook_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_webhook(topic text, webhook_id text) TO service_role;

REVOKE ALL ON FUNCTION public.notification_backlog() FROM PUBLIC;
GRANT ALL ON FUNCTION public.notification_backlog() TO service_role;

REVOKE ALL ON FUNCTION public.preview_orders(orders jsonb, test_orders text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.preview_orders(orders jsonb, test_orders text) TO service_role;

REVOKE ALL ON FUNCTION public.prune(older_than interval, max_count integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.prune(older_than interval, max_count integer) TO service_role;

REVOKE ALL ON FUNCTION public.reconcile_status() FROM PUBLIC;
GRANT ALL ON FUNCTION public.reconcile_status() TO service_role;

REVOKE ALL ON FUNCTION public.record_deliveries(events jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_deliveries(events jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.record_disputes(disputes jsonb, received_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_disputes(disputes jsonb, received_at timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION public.record_exported_orders(orders jsonb, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_exported_orders(orders jsonb, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.record_order_page(sync_id bigint, holder text, page integer, orders jsonb, unreadable jsonb, reached timestamp with time zone, is_last boolean, test_orders text, lease_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_order_page(sync_id bigint, holder text, page integer, orders jsonb, unreadable jsonb, reached timestamp with time zone, is_last boolean, test_orders text, lease_seconds integer) TO service_role;

REVOKE ALL ON FUNCTION public.record_orders(orders jsonb, test_orders text, received_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_orders(orders jsonb, test_orders text, received_at timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION public.record_privacy_request(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_privacy_request(request jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.record_refunds(refunds jsonb, received_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_refunds(refunds jsonb, received_at timestamp with time zone) TO service_role;

REVOKE ALL ON FUNCTION public.redeem_claim_code(code text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.redeem_claim_code(code text) TO authenticated;

REVOKE ALL ON FUNCTION public.remove_product(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_product(slug text) TO service_role;

REVOKE ALL ON FUNCTION public.remove_proven_address(address text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_proven_address(address text) TO authenticated;

REVOKE ALL ON FUNCTION public.remove_shopify_product(shopify_product_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.remove_shopify_product(shopify_product_id text) TO service_role;

REVOKE ALL ON FUNCTION public.request_claim_code(email text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.request_claim_code(email text) TO authenticated;

REVOKE ALL ON FUNCTION public.require_second_factor(is_required boolean, reason text, operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.require_second_factor(is_required boolean, reason text, operator text) TO service_role;

REVOKE ALL ON FUNCTION public.resend_notification(order_name text, kind text, reason text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.resend_notification(order_name text, kind text, reason text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.resend_notification(order_name text, kind text, reason text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.restore_purchase(purchase_id uuid, reason text, expected_address text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.restore_purchase(purchase_id uuid, reason text, expected_address text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.restore_purchase(purchase_id uuid, reason text, expected_address text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.retry_notifications(ids jsonb, dry_run boolean, operator text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.retry_notifications(ids jsonb, dry_run boolean, operator text, reason text) TO service_role;

REVOKE ALL ON FUNCTION public.revoke_purchase(purchase_id uuid, reason text, expected_address text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.revoke_purchase(purchase_id uuid, reason text, expected_address text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.revoke_purchase(purchase_id uuid, reason text, expected_address text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.settle_notifications(results jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.settle_notifications(results jsonb) TO service_role;

REVOKE ALL ON FUNCTION public.store_rejected_webhook(topic text, webhook_id text, body_base64 text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.store_rejected_webhook(topic text, webhook_id text, body_base64 text, reason text) TO service_role;

REVOKE ALL ON FUNCTION public.transfer_order(order_name text, address text, reason text, expected_address text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.transfer_order(order_name text, address text, reason text, expected_address text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.transfer_order(order_name text, address text, reason text, expected_address text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.transfer_purchase(purchase_id uuid, address text, reason text, expected_address text, operator text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.transfer_purchase(purchase_id uuid, address text, reason text, expected_address text, operator text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION public.transfer_purchase(purchase_id uuid, address text, reason text, expected_address text, operator text, dry_run boolean) TO service_role;

REVOKE ALL ON FUNCTION public.undelivered_emails(days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.undelivered_emails(days integer) TO service_role;

REVOKE ALL ON FUNCTION thetis.access_period(p_words text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.accounts_of(p_emails text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.add_exported_lines(p_orders jsonb, p_incoming thetis.incoming_order[], p_granting text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.add_purchases(p_order_ids text[], p_owner_ids uuid[], p_has_periods boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.addition_delay() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.address_hash(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.address_pattern(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.adopt_exported_lines(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.applied_migrations() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.audit_rows_of(p_email text, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.body_json(p_body bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.body_text(p_body bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.cancellation_delay() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.claim_limits(OUT valid_for interval, OUT max_attempts integer, OUT wait interval, OUT per_user_an_hour integer, OUT per_address_an_hour integer, OUT per_address_a_day integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.claimant() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.code_hash(p_id uuid, p_code text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.compose_messages(p_order_ids text[], p_has_messages boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.conclude_act(p_operator text, p_action text, p_reason text, p_email text, p_order_id text, p_ids uuid[], p_before jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.confirmed_user_id(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.copied_enrollments_of(p_email text, p_purchase_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_accounts(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_acts(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_answer(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_messages(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_orders(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_purchases(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.customer_rejected(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.describe_disputes(p_disputes jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.describe_message_changes(p_order_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.describe_orders(p_orders jsonb, p_test_orders text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.describe_purchases(p_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.describe_refunds(p_refunds jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.dispute_fault(p_dispute jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.dispute_status_or_null(p_word text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.drop_settled_code() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.end_claim_code(p_user_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.end_purchases_without_line(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.enqueue_forgetting(p_email text, p_message_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.enqueue_notifications(p_order_ids text[], p_has_messages boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.erase_enrollments(p_email text, p_purchase_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.erase_messages(p_ids uuid[], p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.erase_rejected_webhooks(p_email text, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.erase_returned_orders(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.expire_stale_notifications() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.explain_missing(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.explain_purchases(p_customer thetis.customer) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.find_customer(p_query text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.find_orders(p_order text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.forget(p_operator text, p_reason text, p_email text, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.give_purchases(p_ids uuid[], p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.has_proven(p_user_id uuid, p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.has_reason(p_message thetis.notifications) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.have_access_periods(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.held_address(p_address text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.impose_chargebacks(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_address_of(p_user_id uuid, p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_code_to_send(p_id uuid, p_lease interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_deleted_account(p_user_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_known_address(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_near(p_one text, p_other text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.is_staff(p_claims jsonb, p_is_write boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.judge_exported_orders(p_orders jsonb, p_incoming thetis.incoming_order[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.keep_audit_log() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lift_chargebacks(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.link_addresses(p_user_id uuid, p_emails text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.link_purchases(p_user_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.link_purchases_to_user() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_emails(p_emails text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_for_act(p_order_id text, p_ids uuid[], p_to_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_holders(p_user_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_messages(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_orders(p_order_ids text[], p_received_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_present_owners(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.lock_to_forget(p_email text, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.mark_address_conflicts(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.mentions(p_text text, p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.merge_disputes(p_disputes thetis.incoming_dispute[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.merge_lines(p_lines thetis.incoming_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.merge_orders(p_orders thetis.incoming_order[], p_tracked text[], p_received_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.merge_refunds(p_refunds thetis.incoming_refund[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.merged_status(p_existing text, p_derived thetis.purchase_status, p_is_revoked boolean, p_is_extended boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.misspellings(p_word text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.near_addresses(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.near_orders(p_query text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.new_for() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.next_code_at(p_user_id uuid, p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.normalised_email(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.note_claim(p_user_id uuid, p_action text, p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.note_untracked_sales(p_lines thetis.untracked_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.open_tables() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.operator(p_name text, p_is_write boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.order_as_of(p_order jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.order_email(p_email jsonb, p_contact_email jsonb, p_customer_email jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.order_fault(p_order jsonb, p_test_orders text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.order_owners(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.orders_of_address(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.orders_of_lines(p_lines thetis.incoming_line[], OUT all_of_them text[], OUT tracked text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.orders_without_email(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.owner_of(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.present_owners(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.prover_of(p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.provers_of(p_emails text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.random_code() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.read_disputes(p_disputes jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.read_order_disputes(p_orders jsonb, p_test_orders text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.read_orders(p_orders jsonb, p_test_orders text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.read_refunds(p_refunds jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.reconcile_since() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_cancellations(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_expiry(p_user_ids uuid[], p_emails text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_notifications(p_order_ids text[], p_refreshed thetis.refreshed) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_orders(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_purchases(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_tried_messages(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refresh_updates(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.refund_fault(p_refund jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.rejected_webhooks_of(p_email text, p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.release_purchases(p_user_id uuid, p_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.repeatable_for(p_kind text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.retry_delay(p_attempts integer, p_retry_after_seconds double precision) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.return_to_holder_email() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.set_updated_at() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.stated_address(p_address text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.stated_order(p_order text) FROM PUBLIC;

GRANT SELECT ON TABLE public.purchases TO authenticated;
GRANT SELECT ON TABLE public.purchases TO service_role;

REVOKE ALL ON FUNCTION thetis.stated_purchase(p_id uuid, p_expected_address text, p_to_email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.stated_reason(p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.told_emails(p_body jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.told_order_id(p_body jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.unchanged_act(p_action text, p_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.unusable_orders(p_ids text[], p_faults text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.update_purchases(p_order_ids text[], p_owner_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.uuid_or_null(p_text text) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.was_resent(p_message thetis.notifications) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.was_transferred(p_order_id text, p_purchase_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.webhook_patience() FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.why_no_retry(p_message thetis.notifications) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.withdraw_spent_codes(p_lease interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.withdraw_untried_messages(p_order_ids text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.without_faults(p_elements jsonb, p_faults text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION thetis.without_others(p_text text, p_email text) FROM PUBLIC;

GRANT SELECT ON TABLE public.products TO authenticated;
GRANT SELECT ON TABLE public.products TO service_role;

CREATE CONSTRAINT TRIGGER link_purchases_to_user AFTER INSERT OR UPDATE OF email, email_confirmed_at, deleted_at ON auth.users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.email_confirmed_at IS NOT NULL) OR (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION thetis.link_purchases_to_user();
