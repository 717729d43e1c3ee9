-- A purchase can precede the account. It becomes the user's once they have proven the address it
-- was bought with, and never before.

-- The one user to whom an address belongs: confirmed, and not a single-sign-on identity, of which
-- several may carry the same address. email_confirmed_at, because confirmed_at is also set by a
-- confirmed phone. Locks the user's row against deletion, so that a purchase cannot be given to
-- somebody who is gone by the time it is written.
create function thetis.confirmed_user_id(p_email text)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

revoke all on function thetis.confirmed_user_id(text)
from public, anon, authenticated, service_role;

-- Without this lock a purchase and a sign-up that commit at the same moment would each miss the
-- other. Both take it before they look, and hold it until their transaction ends. Addresses share
-- 1024 locks, so that a large batch cannot exhaust the server's lock table.
create function thetis.lock_emails(p_emails text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

revoke all on function thetis.lock_emails(text[]) from public, anon, authenticated, service_role;

-- Gives a user the purchases made with their confirmed address that nobody owns yet.
-- Returns how many. Calling it again returns 0 and changes nothing.
create function thetis.link_purchases(p_user_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

revoke all on function thetis.link_purchases(uuid) from public, anon, authenticated, service_role;

-- An account marked as deleted leaves its purchases to whoever proves their address next, as one
-- that is deleted does by its foreign key.
-- Security definer: it runs as Supabase Auth's role, which has no business in our tables.
-- It catches everything, because a failing trigger here would be a failing sign-up; what it
-- misses, claim_purchases() and the order's next event repair.
create function thetis.link_purchases_to_user()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
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

revoke all on function thetis.link_purchases_to_user()
from public, anon, authenticated, service_role;

-- Deferred, and the row is read again at commit: when an identity is unlinked, Supabase Auth first
-- writes the new address and only then, in the same transaction, clears the confirmation.
create constraint trigger link_purchases_to_user
after insert or update of email, email_confirmed_at, deleted_at on auth.users
deferrable initially deferred
for each row when (new.email_confirmed_at is not null or new.deleted_at is not null)
execute function thetis.link_purchases_to_user();

-- The claim page calls this for the signed-in user. Returns how many purchases were newly linked.
-- Security definer: users may read their purchases but not write them.
create function public.claim_purchases()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return thetis.link_purchases((select auth.uid()));
end;
$$;

revoke all on function public.claim_purchases() from public, anon, authenticated, service_role;
grant execute on function public.claim_purchases() to authenticated;
