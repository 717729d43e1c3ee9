-- Codes by which a signed-in user proves another address. A code is good for the user who asked for
-- it alone. It is an email in the outbox, where it can be read only until it was sent.

create table thetis.claim_codes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete set null,
    email text not null,
    code_hash bytea,
    attempts integer not null default 0,
    requested_at timestamptz not null default now(),
    valid_until timestamptz not null
);

comment on column thetis.claim_codes.id is 'Also the id of its notification.';
comment on column thetis.claim_codes.user_id is
'Null once the account is deleted. The row stays for the limits of the address.';
comment on column thetis.claim_codes.code_hash is
'Null as soon as the code is of no use: redeemed, replaced by a newer one, or guessed at too
often.';

create unique index claim_codes_one_of_a_user on thetis.claim_codes (user_id)
where code_hash is not null;
create index claim_codes_user on thetis.claim_codes (user_id, requested_at);
create index claim_codes_email on thetis.claim_codes (email, requested_at);
create index claim_codes_prunable on thetis.claim_codes (requested_at);

-- How long a code is good for, how often it may be guessed at, and how many there may be. With
-- these, whoever guesses at the codes for one address is right once in ninety years: see
-- docs/decisions/0028.
create function thetis.claim_limits(
    out valid_for interval,
    out max_attempts integer,
    out wait interval,
    out per_user_an_hour integer,
    out per_address_an_hour integer,
    out per_address_a_day integer
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    valid_for := interval '15 minutes';
    max_attempts := 5;
    wait := interval '1 minute';
    per_user_an_hour := 5;
    per_address_an_hour := 3;
    per_address_a_day := 6;
end;
$$;

-- When this user may ask for the next code for this address; null or past: now.
create function thetis.next_code_at(p_user_id uuid, p_email text)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
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

-- Six digits that nobody can foresee. Random bits of a version 4 UUID come from the source that
-- Postgres makes its keys with; hashed, because six of its bits are not random.
create function thetis.random_code()
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
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

create function thetis.code_hash(p_id uuid, p_code text)
returns bytea
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return sha256(uuid_send(p_id) || convert_to(p_code, 'UTF8'));
end;
$$;

-- Was anything of ours ever ordered with this address, or given to it? A code goes to no other: we
-- write to nobody because a stranger typed their address.
create function thetis.is_known_address(p_email text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from thetis.orders where orders.holder_email = p_email)
        or exists (
            select from public.purchases as stored where stored.shopify_customer_email = p_email
        );
end;
$$;

-- Is this code to be sent: good until the attempt is over, and for an address that we know?
create function thetis.is_code_to_send(p_id uuid, p_lease interval)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from thetis.claim_codes as code
        where
            code.id = p_id
            and code.code_hash is not null
            and code.valid_until > now() + p_lease
            and thetis.is_known_address(code.email)
    );
end;
$$;

-- Withdraws the codes that are not to be sent any more. Nobody has to look at one that was given
-- up, once it is over.
create function thetis.withdraw_spent_codes(p_lease interval)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

-- Whatever settles it, the message of a code does not keep it.
create function thetis.drop_settled_code()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.payload := new.payload - 'code';
    return new;
end;
$$;

create trigger drop_settled_code before update of status on thetis.notifications
for each row when (new.kind = 'claim_code' and new.status <> 'pending')
execute function thetis.drop_settled_code();

-- Ends the code that this user has, if any.
create function thetis.end_claim_code(p_user_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id uuid;
begin
    update thetis.claim_codes as code set code_hash = null
    where code.user_id = p_user_id and code.code_hash is not null
    returning code.id into v_id;
    if v_id is not null then
        update thetis.notifications as message set status = 'skipped', settled_at = now()
        where message.id = v_id and message.status = 'pending';
    end if;
end;
$$;

-- Privileges

alter table thetis.claim_codes enable row level security;

revoke all on table thetis.claim_codes from public, anon, authenticated, service_role;
revoke all on function thetis.claim_limits() from public, anon, authenticated, service_role;
revoke all on function thetis.next_code_at(uuid, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.random_code() from public, anon, authenticated, service_role;
revoke all on function thetis.code_hash(uuid, text) from public, anon, authenticated, service_role;
revoke all on function thetis.is_known_address(text)
from public, anon, authenticated, service_role;
revoke all on function thetis.is_code_to_send(uuid, interval)
from public, anon, authenticated, service_role;
revoke all on function thetis.withdraw_spent_codes(interval)
from public, anon, authenticated, service_role;
revoke all on function thetis.drop_settled_code() from public, anon, authenticated, service_role;
revoke all on function thetis.end_claim_code(uuid) from public, anon, authenticated, service_role;
