-- Access that was not bought, and access that lasts longer than what was. With the arguments and
-- the answer of the chapter before.

-- Gives access to a product without a purchase, until a time or for ever. `recipient`: an address,
-- whose account has it once it is confirmed, or the id of an account. Nobody is written to: whoever
-- gives says so. `grant_id` makes it safe to call again.
create function public.grant_access(
    slug text,
    recipient text,
    reason text,
    until timestamptz default null,
    operator text default null,
    grant_id uuid default gen_random_uuid(),
    dry_run boolean default false
)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
as $$
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

-- Moves when the access of a purchase ends, to a later time or to infinity.
create function public.extend_purchase(
    purchase_id uuid,
    until timestamptz,
    reason text,
    expected_address text default null,
    operator text default null,
    dry_run boolean default false
)
returns jsonb
language plpgsql
security definer  -- the tables are private; staff are checked inside
set search_path = pg_catalog, pg_temp
as $$
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

-- Privileges

revoke all on function
public.grant_access(text, text, text, timestamptz, text, uuid, boolean),
public.extend_purchase(uuid, timestamptz, text, text, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function
public.grant_access(text, text, text, timestamptz, text, uuid, boolean),
public.extend_purchase(uuid, timestamptz, text, text, text, boolean)
to authenticated, service_role;
