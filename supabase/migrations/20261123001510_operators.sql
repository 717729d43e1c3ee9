-- Who may act for the shop, and how it is written down. Operators are those who hold the service's
-- credentials and give their name, and support staff who are signed in to the course app:
-- app_metadata.role in their token is `support`, or `support_viewer` to look only. A user can write
-- their own user_metadata, so that never counts.

create table thetis.staff_rules (
    is_the_only_row boolean primary key default true
    constraint there_is_one_row check (is_the_only_row),
    needs_second_factor boolean not null default true
);

insert into thetis.staff_rules default values;

-- Are these the claims of somebody who may look at customers, or act?
create function thetis.is_staff(p_claims jsonb, p_is_write boolean)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        p_claims #>> '{app_metadata,role}' = 'support'
        or (p_claims #>> '{app_metadata,role}' = 'support_viewer' and not p_is_write),
        false
    );
end;
$$;

-- A claim of a token, an id that somebody typed or that of an old row may be anything.
create function thetis.uuid_or_null(p_text text)
returns uuid
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_text::uuid end;
end;
$$;

-- The name of the operator that calls, or an error if the caller is none. p_name: who they say they
-- are; of staff the token says it.
-- The role is the caller's: inside a function of security definer, current_user is its owner.
create function thetis.operator(p_name text, p_is_write boolean)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
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

-- Why something is done, or an error if nobody says.
create function thetis.stated_reason(p_reason text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- a tab or an empty line is no reason either
    if (p_reason ~ '[^[:space:]]') is not true then
        raise exception 'reason: must be said' using errcode = 'TH004';
    end if;
    return p_reason;
end;
$$;

-- An address that somebody typed, in the one spelling.
create function thetis.stated_address(p_address text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if
        (thetis.normalised_email(p_address) ~ '^[^@[:space:]]+@[^@[:space:]]+$') is not true
        or length(p_address) > 320
    then
        raise exception 'address: not an email address' using errcode = 'TH004';
    end if;
    return thetis.normalised_email(p_address);
end;
$$;

-- The same of an address that may be held already: Shopify lets through what nobody should type,
-- such as a second @, and who has that is to be found and forgotten all the same.
create function thetis.held_address(p_address text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_email text := thetis.normalised_email(p_address);
begin
    if v_email ~ '^[^[:space:]]+@[^[:space:]]+$' and length(v_email) <= 320 then
        return v_email;
    end if;
    return thetis.stated_address(p_address);
end;
$$;

-- The one order that these words mean, or an error.
create function thetis.stated_order(p_order text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
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

-- Must staff have signed in with a second factor? For those who set the project up; written down.
create function public.require_second_factor(is_required boolean, reason text, operator text)
returns void
language plpgsql
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
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

-- Privileges

alter table thetis.staff_rules enable row level security;

revoke all on table thetis.staff_rules from public, anon, authenticated, service_role;
revoke all on function thetis.is_staff(jsonb, boolean)
from public, anon, authenticated, service_role;
revoke all on function thetis.uuid_or_null(text) from public, anon, authenticated, service_role;
revoke all on function thetis.operator(text, boolean)
from public, anon, authenticated, service_role;
revoke all on function thetis.stated_reason(text) from public, anon, authenticated, service_role;
revoke all on function thetis.stated_address(text) from public, anon, authenticated, service_role;
revoke all on function thetis.held_address(text) from public, anon, authenticated, service_role;
revoke all on function thetis.stated_order(text) from public, anon, authenticated, service_role;
revoke all on function public.require_second_factor(boolean, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.require_second_factor(boolean, text, text) to service_role;
