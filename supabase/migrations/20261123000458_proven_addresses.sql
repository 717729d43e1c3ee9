-- Addresses that a user has proven to read, beside the one they sign in with: a code that was sent
-- there came back. Facts like the others, from which the owners of purchases follow.

create table thetis.proven_addresses (
    user_id uuid not null references auth.users (id) on delete cascade,
    email text not null
    constraint email_is_normalised check (
        email = lower(btrim(email, E' \t\r\n')) and email <> ''
    ),
    proven_at timestamptz not null default now(),
    primary key (user_id, email)
);

comment on table thetis.proven_addresses is
'Two users may have proven the same address: who did it last reads its mail now.';

create index proven_addresses_email on thetis.proven_addresses (email, proven_at);

-- Did this user prove this address?
create function thetis.has_proven(p_user_id uuid, p_email text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from thetis.proven_addresses as proven
        where proven.user_id = p_user_id and proven.email = p_email
    );
end;
$$;

-- The live account that proved this address last, or null. Locks the user's row against deletion,
-- as confirmed_user_id does.
create function thetis.prover_of(p_email text)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

-- Privileges

alter table thetis.proven_addresses enable row level security;

revoke all on table thetis.proven_addresses from public, anon, authenticated, service_role;
revoke all on function thetis.has_proven(uuid, text) from public, anon, authenticated, service_role;
revoke all on function thetis.prover_of(text) from public, anon, authenticated, service_role;
