-- What is not kept for ever. What was bought and what was given back is: access follows from it,
-- and so does that everything is announced once.

-- Drops what is older than that and not needed any more, at most so many rows of each kind at once;
-- returns how many of which. Called by the worker. Safe to call again.
--   messages        emptied but for what later messages follow from: to whom, and what they name
--   withdrawn       messages that nobody ever tried to send, and what Knock was told to delete
--   rejected_webhooks, privacy_requests    that were replayed or answered
--   untracked_sales
--   claim_codes     with their messages, a day after they were asked for: limits look no further
create function public.prune(
    older_than interval default '1 year', max_count integer default 1000
)
returns jsonb
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
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

-- Privileges

revoke all on function public.prune(interval, integer)
from public, anon, authenticated, service_role;
grant execute on function public.prune(interval, integer) to service_role;
