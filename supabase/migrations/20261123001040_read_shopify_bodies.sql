-- What a body says of whose it is, although it could not be used: as far as it can be read.

-- The order that it is about.
create function thetis.told_order_id(p_body jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(p_body ->> 'order_id', p_body ->> 'id');
end;
$$;

-- The addresses of whoever ordered.
create function thetis.told_emails(p_body jsonb)
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
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

-- Privileges

revoke all on function thetis.told_order_id(jsonb) from public, anon, authenticated, service_role;
revoke all on function thetis.told_emails(jsonb) from public, anon, authenticated, service_role;
