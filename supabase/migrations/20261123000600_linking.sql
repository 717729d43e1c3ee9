-- A purchase can precede the account. It becomes the user's once they have proven the address it
-- was bought with, and never before.

-- The one user to whom an address belongs, or null: confirmed, alive, and not a single-sign-on
-- identity, of which several may carry the same address. email_confirmed_at, because confirmed_at
-- is also set by a confirmed phone. Locks the user's row against deletion, so that a purchase
-- cannot be given to somebody who is gone by the time it is written.
-- Auth stores addresses in lower case, but an import by SQL may not have. There is an index of
-- Auth's own for each way to look: on email, and on (instance_id, lower(email)). The instance is
-- that of every account that Auth lets sign in.
-- No view of ours names auth.users: Auth could no longer alter the columns that one uses.
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

-- Whose the purchases made with this address are, or null: the account that signs in with it comes
-- before one that has proven it beside its own. What somebody owns already stays theirs.
create function thetis.owner_of(p_email text)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid := thetis.confirmed_user_id(p_email);
begin
    if v_user_id is null then
        v_user_id := thetis.prover_of(p_email);
    end if;
    return v_user_id;
end;
$$;

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

-- The same for accounts, of which the ends of what they bought follow from one another. Taken after
-- the addresses, and before any purchase is locked.
create function thetis.lock_holders(p_user_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

-- Has this owner been marked as deleted? Nobody is an owner, and so nobody is deleted.
create function thetis.is_deleted_account(p_user_id uuid)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from auth.users where users.id = p_user_id and users.deleted_at is not null
    );
end;
$$;

-- Is this the address of this account? Whoever reads mail there finds the account's purchases.
create function thetis.is_address_of(p_user_id uuid, p_email text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from auth.users where users.id = p_user_id and lower(users.email) = p_email
    );
end;
$$;

-- A purchase that loses its owner is to be found by the address that it was transferred to, or that
-- its order has now: a row that somebody owns keeps the address it was linked by (see
-- refresh_purchases), and so may be behind.
create function thetis.return_to_holder_email()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

create trigger return_to_holder_email before update of user_id on public.purchases
for each row when (old.user_id is not null and new.user_id is null)
execute function thetis.return_to_holder_email();

-- Gives a user the purchases made with those of these addresses that are theirs, of which nobody
-- owns them yet, or an account which was marked as deleted while nobody could write it down.
-- Returns how many. Calling it again returns 0 and changes nothing.
-- The caller holds the locks of the addresses and of the account.
create function thetis.link_addresses(p_user_id uuid, p_emails text[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

-- The same for all addresses of a user: the one they sign in with, if it is confirmed, and those
-- that they have proven.
create function thetis.link_purchases(p_user_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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

-- Takes the purchases and the proven addresses of a user who was marked as deleted. Locks every
-- address that this is about, so that it waits for an order of that user that is being recorded,
-- and whoever signs up with the address to which a purchase returns waits for this.
create function thetis.release_purchases(p_user_id uuid, p_email text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
        perform thetis.release_purchases(new.id, thetis.normalised_email(old.email));
    end if;
    return null;
exception when query_canceled or others then  -- `others` does not include the first
    raise warning 'link_purchases_to_user: user % not linked: % (%)', new.id, sqlerrm, sqlstate;
    return null;
end;
$$;

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

-- Privileges

revoke all on function thetis.confirmed_user_id(text)
from public, anon, authenticated, service_role;
revoke all on function thetis.owner_of(text) from public, anon, authenticated, service_role;
revoke all on function thetis.lock_emails(text[]) from public, anon, authenticated, service_role;
revoke all on function thetis.lock_holders(uuid[]) from public, anon, authenticated, service_role;
revoke all on function thetis.is_deleted_account(uuid)
from public, anon, authenticated, service_role;
revoke all on function thetis.is_address_of(uuid, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.return_to_holder_email()
from public, anon, authenticated, service_role;
revoke all on function thetis.link_addresses(uuid, text[])
from public, anon, authenticated, service_role;
revoke all on function thetis.link_purchases(uuid)
from public, anon, authenticated, service_role;
revoke all on function thetis.release_purchases(uuid, text)
from public, anon, authenticated, service_role;
revoke all on function thetis.link_purchases_to_user()
from public, anon, authenticated, service_role;
revoke all on function public.claim_purchases() from public, anon, authenticated, service_role;
grant execute on function public.claim_purchases() to authenticated;
