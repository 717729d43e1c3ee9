-- "I bought it with another address": a signed-in user proves that they read its mail, and what
-- nobody owns of it is theirs, now and whenever something is bought with it. What another account
-- owns never moves. For the course app; see docs/COURSE_APP.md.

-- The signed-in user, if they have confirmed who they are; locked against deletion.
create function thetis.claimant()
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user_id uuid;
begin
    select users.id into v_user_id
    from auth.users
    where
        users.id = (select auth.uid())
        and users.confirmed_at is not null
        and users.deleted_at is null
        and (users.banned_until > now()) is not true  -- their token goes on for a while
    for key share;
    if v_user_id is null then
        raise exception 'confirm the address that you sign in with first' using errcode = 'TH005';
    end if;
    return v_user_id;
end;
$$;

-- What a customer did about their addresses, for support.
create function thetis.note_claim(p_user_id uuid, p_action text, p_email text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into thetis.audit_log (operator, action, email)
    values (p_user_id::text, p_action, p_email);
end;
$$;

-- Sends a code to this address, by which the signed-in user can prove that they read its mail; it
-- ends the one before. Says how long it is good, and when the next may be asked for. Whether
-- anything was bought with the address makes no difference here: it is looked up when the email is
-- about to go out.
-- TH008: too many codes; `details` is the number of seconds until the next may be asked for.
-- TH005: it is the address that they sign in with, or they have not confirmed that one yet.
-- TH004: it is no address.
create function public.request_claim_code(email text)
returns table (address text, valid_until timestamptz, next_code_at timestamptz)
language plpgsql
security definer  -- the tables are private; it acts for the signed-in user alone
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_email text := thetis.stated_address(request_claim_code.email);
    v_limits record := thetis.claim_limits();
    v_id uuid := gen_random_uuid();
    v_code text := thetis.random_code();
    v_user_id uuid;
    v_next_at timestamptz;
    v_seconds integer;
begin
    -- two questions at once would each find room for one more
    perform thetis.lock_emails(array[v_email]);
    perform thetis.lock_holders(array[(select auth.uid())]);
    v_user_id := thetis.claimant();
    -- their own row alone: to look for another account would take longer where there is one
    if exists (
        select from auth.users
        where
            users.id = v_user_id
            and lower(users.email) = v_email
            and users.email_confirmed_at is not null
            and users.is_sso_user = false
    ) then
        raise exception 'this is the address that you sign in with' using errcode = 'TH005';
    end if;
    v_next_at := thetis.next_code_at(v_user_id, v_email);
    if v_next_at > now() then
        v_seconds := ceil(extract(epoch from v_next_at - now()));
        raise exception 'too many codes: ask again in % minutes', ceil(v_seconds / 60.0)
        using errcode = 'TH008', detail = v_seconds::text;
    end if;

    perform thetis.end_claim_code(v_user_id);
    insert into thetis.claim_codes (id, user_id, email, code_hash, valid_until)
    values (
        v_id, v_user_id, v_email, thetis.code_hash(v_id, v_code), now() + v_limits.valid_for
    );
    insert into thetis.notifications (id, kind, payload)
    values (
        v_id,
        'claim_code',
        jsonb_build_object(
            'email', v_email,
            'code', v_code,
            'minutes', extract(epoch from v_limits.valid_for)::integer / 60
        )
    );
    perform thetis.note_claim(v_user_id, 'request_code', v_email);
    return query
    select v_email, now() + v_limits.valid_for, thetis.next_code_at(v_user_id, v_email);
end;
$$;

-- Takes a code that the signed-in user was sent. It takes two calls, and returns one row:
--   noted    the guess is written down and counted; the same call again answers it
--   proven   the address is theirs beside their own; `linked` purchases are newly in their account,
--            and `owned_elsewhere` stay in another account
--   refused  wrong, over, used up, or of somebody else; which of these is not told
-- Two calls, because whoever calls the API can have its transaction undone after they read what the
-- function returned, and with it the count. Only a guess that is counted for good is answered, and
-- the answer stays the same. A refusal is an answer and no error, for the same reason.
-- Takes turns with itself, so that no two guesses count as one.
create function public.redeem_claim_code(code text)
returns table (outcome text, address text, linked integer, owned_elsewhere integer)
language plpgsql
security definer  -- the tables are private; it acts for the signed-in user alone
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_code text := regexp_replace(coalesce(redeem_claim_code.code, ''), '[^0-9]', '', 'g');
    v_limits record := thetis.claim_limits();
    v_user_id uuid := (select auth.uid());
    v_email text;
    v_sent thetis.claim_codes;
    v_guess_hash bytea;
    v_is_counted boolean;  -- for good
begin
    select live.email into v_email from thetis.claim_codes as live
    where live.user_id = v_user_id and live.code_hash is not null;
    perform thetis.lock_emails(array[v_email]);
    perform thetis.lock_holders(array[v_user_id]);
    v_user_id := thetis.claimant();
    select live.* into v_sent from thetis.claim_codes as live
    where
        live.user_id = v_user_id
        and live.email = v_email
        and live.code_hash is not null
        and live.valid_until > now()
    for update;
    v_guess_hash := thetis.code_hash(v_sent.id, v_code);

    v_is_counted := (
        v_sent.guess_hash = v_guess_hash and v_sent.guessed_in <> pg_current_xact_id()
    ) is true;

    if not v_is_counted and v_sent.attempts < v_limits.max_attempts then
        update thetis.claim_codes as tried
        set
            attempts = tried.attempts + 1,
            guess_hash = v_guess_hash,
            guessed_in = pg_current_xact_id()
        where tried.id = v_sent.id;
        return query select 'noted', null::text, 0, 0;
        return;
    end if;
    if (v_is_counted and v_sent.code_hash = v_guess_hash) is not true then
        update thetis.claim_codes as tried set guess_hash = null where tried.id = v_sent.id;
        if v_sent.attempts >= v_limits.max_attempts then
            perform thetis.end_claim_code(v_user_id);
        end if;
        return query select 'refused', null::text, 0, 0;
        return;
    end if;

    perform thetis.end_claim_code(v_user_id);
    insert into thetis.proven_addresses as existing (user_id, email)
    values (v_user_id, v_email)
    on conflict on constraint proven_addresses_pkey do update set proven_at = now();
    perform thetis.note_claim(v_user_id, 'prove_address', v_email);
    return query
    select
        'proven', v_email, thetis.link_addresses(v_user_id, array[v_email]),
        (
            select count(*)::integer from public.purchases as other
            where other.shopify_customer_email = v_email and other.user_id <> v_user_id
        );
end;
$$;

-- The addresses that the signed-in user has proven beside their own, and how many purchases they
-- have by each.
create function public.list_proven_addresses()
returns table (address text, proven_at timestamptz, purchases integer)
language plpgsql
stable
security definer  -- the table is private; it looks at the caller's own rows alone
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        proven.email,
        proven.proven_at,
        (
            select count(*)::integer from public.purchases as own
            where own.user_id = proven.user_id and own.shopify_customer_email = proven.email
        )
    from thetis.proven_addresses as proven
    where proven.user_id = (select auth.uid())
    order by proven.proven_at, proven.email;
end;
$$;

-- Removes an address that the signed-in user has proven. What they have by it goes to whoever has
-- the address confirmed or proven, or else waits for somebody; returns how many purchases left
-- their account. 0 if there is no such address, and when it is called again.
create function public.remove_proven_address(address text)
returns integer
language plpgsql
security definer  -- the tables are private; it acts for the signed-in user alone
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_email text := thetis.normalised_email(remove_proven_address.address);
    v_user_id uuid := (select auth.uid());
    v_emails text[] := array(
        select orders.holder_email
        from public.purchases as own
        inner join thetis.orders on own.shopify_order_id = orders.shopify_order_id
        where own.user_id = v_user_id and own.shopify_customer_email = v_email
    ) || v_email;
    v_ids uuid[];
    v_owner_ids uuid[];
    v_removed integer;
begin
    perform thetis.lock_emails(v_emails);
    perform thetis.lock_holders(array[v_user_id]);
    delete from thetis.proven_addresses as proven
    where proven.user_id = v_user_id and proven.email = v_email;
    if not found then
        return 0;
    end if;
    perform thetis.note_claim(v_user_id, 'remove_address', v_email);

    v_owner_ids := array(select thetis.owner_of(named.email) from unnest(v_emails) as named (email));
    perform thetis.lock_holders(v_owner_ids);
    if thetis.confirmed_user_id(v_email) is distinct from v_user_id then
        v_ids := array(
            select own.id from public.purchases as own
            where own.user_id = v_user_id and own.shopify_customer_email = v_email
            order by own.id
            for update
        );
    end if;
    update public.purchases as own set user_id = null where own.id = any(v_ids);
    update public.purchases as free set user_id = thetis.owner_of(free.shopify_customer_email)
    where free.id = any(v_ids);
    perform thetis.refresh_expiry(v_owner_ids || v_user_id, v_emails);

    select count(*) into v_removed from public.purchases as gone
    where gone.id = any(v_ids) and gone.user_id is distinct from v_user_id;
    return v_removed;
end;
$$;

-- Privileges

revoke all on function thetis.claimant() from public, anon, authenticated, service_role;
revoke all on function thetis.note_claim(uuid, text, text)
from public, anon, authenticated, service_role;
revoke all on function
public.request_claim_code(text), public.redeem_claim_code(text),
public.list_proven_addresses(), public.remove_proven_address(text)
from public, anon, authenticated, service_role;
grant execute on function
public.request_claim_code(text), public.redeem_claim_code(text),
public.list_proven_addresses(), public.remove_proven_address(text)
to authenticated;
