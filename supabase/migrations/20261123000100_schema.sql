-- Two schemas, one door. `public` is the door: what the course app and the service may call.
-- `thetis` is the machinery behind it: no API role may even look inside.
--
-- Supabase's default privileges differ between older and newer projects, so nothing here relies on
-- them. Each chapter ends with who may use what it made, and takes away the rest. Every function
-- has search_path = pg_catalog, pg_temp: with an empty one, Postgres looks into pg_temp first for
-- the names of types, and whoever may create one there would run code as the function's owner.

create schema thetis;

comment on schema thetis is
'Machinery of Thetis. Not an interface: use the functions in public.';

-- In the order of a purchase's life: what we are told only moves it forward.
create type thetis.purchase_status as enum (
    'active',     -- paid for; grants access until it expires
    'expired',    -- its time is over
    'cancelled',  -- the order was cancelled, or its payment voided
    'refunded'    -- given back
);

-- Keeps updated_at true to its name: a write that changes nothing leaves it alone.
create function thetis.set_updated_at()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new is distinct from old then
        new.updated_at := now();
    end if;
    return new;
end;
$$;

-- The one spelling of an address that is compared: trimmed, lower case; null when nothing is left.
create function thetis.normalised_email(p_email text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return nullif(lower(btrim(p_email, E' \t\r\n')), '');
end;
$$;

-- Privileges

revoke all on schema thetis from public, anon, authenticated, service_role;
revoke all on function thetis.set_updated_at() from public, anon, authenticated, service_role;
revoke all on function thetis.normalised_email(text)
from public, anon, authenticated, service_role;
