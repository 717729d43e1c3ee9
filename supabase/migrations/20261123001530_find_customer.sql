-- Whom an operator means: by an address, the number or the Shopify id of an order, or the id of an
-- account, of a purchase or of a message. And who else it could have been, if it was misspelt.

create type thetis.customer as (
    found_by text,       -- address, order, account, purchase, message; null: nobody
    emails text[],  -- noqa: LT01
    user_ids uuid[],  -- noqa: LT01
    order_ids text[]  -- noqa: LT01
);

-- The accounts with one of these addresses, confirmed or not; by the indexes that confirmed_user_id
-- uses.
create function thetis.accounts_of(p_emails text[])
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = 'off'  -- its table is not ours to analyse
as $$
begin
    return array(
        select found.id
        from unnest(p_emails) as given (address)
        cross join lateral (
            select exact.id from auth.users as exact
            where exact.email = given.address and exact.is_sso_user = false
            union
            select imported.id from auth.users as imported
            where
                imported.instance_id = '00000000-0000-0000-0000-000000000000'
                and lower(imported.email) = given.address
        ) as found
    );
end;
$$;

-- The accounts that have proven one of these addresses.
create function thetis.provers_of(p_emails text[])
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select proven.user_id from thetis.proven_addresses as proven
        where proven.email = any(p_emails)
    );
end;
$$;

create function thetis.find_customer(p_query text)
returns thetis.customer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_query text := btrim(p_query, E' \t\r\n');
    v_found thetis.customer;
    v_id uuid;
begin
    if v_query ~ '@' then
        v_found.found_by := 'address';
        v_found.emails := array[thetis.normalised_email(v_query)];
    elsif thetis.uuid_or_null(v_query) is not null then
        v_id := v_query;
        select
            kind.kind,
            array_remove(
                array[thetis.normalised_email(users.email), bought.email, told.email], null
            ),
            array_remove(array[users.id, bought.user_id], null),
            array_remove(array[bought.shopify_order_id, told.shopify_order_id], null)
        into v_found
        from (select v_id as id) as given
        left join auth.users on given.id = users.id
        left join lateral (
            select stored.user_id, stored.shopify_order_id,
                nullif(stored.shopify_customer_email, '') as email, stored.id
            from public.purchases as stored where stored.id = given.id
        ) as bought on true
        left join lateral (
            select
                message.shopify_order_id,
                message.id,
                case when message.kind = 'claim_code' then nullif(message.email, '') end as email
            from thetis.notifications as message where message.id = given.id
        ) as told on true
        cross join lateral (
            select case
                when users.id is not null then 'account'
                when bought.id is not null then 'purchase'
                when told.id is not null then 'message'
            end as kind
        ) as kind;
    else
        v_found.order_ids := thetis.find_orders(v_query);
        v_found.found_by := case when cardinality(v_found.order_ids) > 0 then 'order' end;
    end if;

    -- whose an order is leads to the rest of what is theirs, and that to the account
    v_found.emails := array(
        select address from unnest(v_found.emails) as address where address <> ''
        union
        select address.email
        from thetis.orders
        cross join lateral (values (orders.holder_email), (orders.email)) as address (email)
        where
            orders.shopify_order_id = any(v_found.order_ids)
            and address.email <> ''
        union
        select stored.shopify_customer_email from public.purchases as stored
        where
            stored.shopify_order_id = any(v_found.order_ids)
            and stored.shopify_customer_email <> ''
    );
    v_found.user_ids := array(
        select id from unnest(
            v_found.user_ids
            || thetis.accounts_of(v_found.emails)
            || thetis.provers_of(v_found.emails)
        ) as id
        union
        select stored.user_id from public.purchases as stored
        where stored.shopify_order_id = any(v_found.order_ids) and stored.user_id is not null
    );
    v_found.emails := v_found.emails || array(
        select distinct proven.email from thetis.proven_addresses as proven
        where proven.user_id = any(v_found.user_ids) and proven.email <> all(v_found.emails)
    );
    v_found.order_ids := array(
        select id from unnest(v_found.order_ids) as id where id is not null
        union
        select orders.shopify_order_id from thetis.orders
        where orders.holder_email = any(v_found.emails)
        union
        select orders.shopify_order_id from thetis.orders
        where orders.email = any(v_found.emails) and orders.transferred_to is not null
        union
        select stored.shopify_order_id from public.purchases as stored
        where stored.shopify_customer_email = any(v_found.emails)
        and stored.shopify_order_id is not null
        union
        select stored.shopify_order_id from public.purchases as stored
        where stored.user_id = any(v_found.user_ids) and stored.shopify_order_id is not null
        limit 200
    );
    return v_found;
end;
$$;

-- Is one address the other with at most two letters wrong, missing or too many? What they have in
-- common at both ends is left out first, since the rest costs its length squared.
create function thetis.is_near(p_one text, p_other text)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_one text[] := string_to_array(p_one, null);
    v_other text[] := string_to_array(p_other, null);
    v_start integer := 1;
    v_row integer[];
    v_next integer[];
begin
    if abs(cardinality(v_one) - cardinality(v_other)) > 2 then
        return false;
    end if;
    while v_start <= cardinality(v_one) and v_one[v_start] = v_other[v_start] loop
        v_start := v_start + 1;
    end loop;
    v_one := v_one[v_start:];
    v_other := v_other[v_start:];
    while
        cardinality(v_one) > 0 and cardinality(v_other) > 0
        and v_one[cardinality(v_one)] = v_other[cardinality(v_other)]
    loop
        v_one := trim_array(v_one, 1);
        v_other := trim_array(v_other, 1);
    end loop;

    v_row := array(select generate_series(0, cardinality(v_other)));
    for i in 1..cardinality(v_one) loop
        v_next := array[i];
        for j in 1..cardinality(v_other) loop
            v_next[j + 1] := least(
                v_row[j + 1] + 1,
                v_next[j] + 1,
                v_row[j] + case when v_one[i] = v_other[j] then 0 else 1 end
            );
        end loop;
        v_row := v_next;
        if (select min(cell) from unnest(v_row) as cell) > 2 then
            return false;
        end if;
    end loop;
    return v_row[cardinality(v_other) + 1] <= 2;
end;
$$;

-- The addresses of purchases and orders, each as often as there is one.
create view thetis.held_addresses
with (security_invoker = true) as
select stored.shopify_customer_email as email from public.purchases as stored
union all
select orders.holder_email from thetis.orders
where orders.holder_email is not null;

-- Every word that is this one with a letter wrong, missing, too many, or in its neighbour's place.
create function thetis.misspellings(p_word text)
returns setof text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select overlay(p_word placing letter from place for taken)
    from generate_series(1, length(p_word) + 1) as place
    cross join unnest(string_to_array('abcdefghijklmnopqrstuvwxyz0123456789._-+', null)) as letter
    cross join (values (0), (1)) as width (taken)
    where place + taken <= length(p_word) + 1
    union
    select overlay(p_word placing '' from place for 1)
    from generate_series(1, length(p_word)) as place
    union
    select overlay(
        p_word placing reverse(substr(p_word, place, 2)) from place for 2
    )
    from generate_series(1, length(p_word) - 1) as place;
end;
$$;

-- Addresses of purchases, orders and accounts that this one may have been meant to be, at most ten.
-- By index: every spelling that is one step away; and of purchases and orders the same name
-- elsewhere, and of those that begin alike the ones that are two steps away. Two mistakes of which
-- one is near the beginning are not found.
create function thetis.near_addresses(p_email text)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $$
declare
    v_name text := split_part(p_email, '@', 1);
    v_domain text := split_part(p_email, '@', 2);
    v_beginning text := left(p_email, greatest(length(v_name) / 2, 3));
    v_spellings text[];
begin
    -- a longer one is no address, and its spellings are as many as its length squared
    if v_name = '' or v_domain = '' or length(p_email) > 320 then
        return '{}';
    end if;
    v_spellings := array(
        select each || '@' || v_domain from thetis.misspellings(v_name) as each
        union
        select v_name || '@' || each from thetis.misspellings(v_domain) as each
    );
    return array(
        select near.email
        from (
            select held.email
            from thetis.held_addresses as held
            where held.email = any(v_spellings)
            union
            select lower(account.email) from auth.users as account
            where account.id = any(thetis.accounts_of(v_spellings))
            union
            (
                select held.email from thetis.held_addresses as held
                where
                    held.email operator(pg_catalog.~>=~) (v_name || '@')
                    and held.email operator(pg_catalog.~<~) (v_name || 'A')
                limit 100
            )
            union
            (
                select beginning.email
                from (
                    select held.email from thetis.held_addresses as held
                    where
                        held.email operator(pg_catalog.~>=~) v_beginning
                        and held.email operator(pg_catalog.~<~) (v_beginning || chr(1114111))
                    limit 100
                ) as beginning
                where thetis.is_near(beginning.email, p_email)
            )
        ) as near
        where near.email <> p_email
        order by near.email
        limit 10
    );
end;
$$;

-- Numbers of orders that these words may have been meant to be: the digits in them.
create function thetis.near_orders(p_query text)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_digits text := ltrim(regexp_replace(p_query, '[^0-9]', '', 'g'), '0');
begin
    return array(
        select orders.order_number from thetis.orders
        where
            orders.order_number = v_digits
            or (orders.shopify_order_id = v_digits and orders.order_number is not null)
        order by orders.order_number
        limit 10
    );
end;
$$;

-- Privileges

revoke all on function thetis.accounts_of(text[]) from public, anon, authenticated, service_role;
revoke all on function thetis.provers_of(text[]) from public, anon, authenticated, service_role;
revoke all on function thetis.find_customer(text)
from public, anon, authenticated, service_role;
revoke all on table thetis.held_addresses from public, anon, authenticated, service_role;
revoke all on function thetis.is_near(text, text) from public, anon, authenticated, service_role;
revoke all on function thetis.misspellings(text) from public, anon, authenticated, service_role;
revoke all on function thetis.near_addresses(text)
from public, anon, authenticated, service_role;
revoke all on function thetis.near_orders(text) from public, anon, authenticated, service_role;
