-- Two schemas, one door. `public` is the door: what the course app and the service may call.
-- `thetis` is the machinery behind it, exposed to nobody: no API role may even look inside.
--
-- Supabase's default privileges differ between older and newer projects, so nothing here relies
-- on them: every object below says for itself who may use it, and takes away the rest.

create schema thetis;

revoke all on schema thetis from public, anon, authenticated, service_role;

comment on schema thetis is
'Machinery of Thetis. Not an interface: use the functions in public.';

-- The order of the values is the order of a purchase's life: what we hear only moves it forward.
create type thetis.purchase_status as enum ('active', 'expired', 'cancelled', 'refunded');

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

revoke all on function thetis.set_updated_at() from public, anon, authenticated, service_role;

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

revoke all on function thetis.normalised_email(text)
from public, anon, authenticated, service_role;
