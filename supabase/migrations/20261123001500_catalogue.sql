-- Looking after the catalogue: what `thetis products` calls.

-- Every product with its Shopify product ids.
create function public.list_products()
returns table (
    slug text, name text, category text, access_period text, shopify_product_ids text[]
)
language plpgsql
stable
security definer  -- the mapping is private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        product.slug,
        product.name,
        product.category,
        product.access_period::text,
        array(
            select mapped.shopify_product_id
            from thetis.shopify_products as mapped
            where mapped.product_slug = product.slug
            order by mapped.shopify_product_id
        )
    from public.products as product
    order by product.category, product.slug;
end;
$$;

-- How long a purchase grants access: null for ever, or what the words say, such as '1 year'.
create function thetis.access_period(p_words text)
returns interval
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when p_words <> 'for ever' then p_words::interval end;
exception when data_exception then
    raise exception 'access period: say for example "1 year", "90 days" or "for ever"'
    using errcode = 'TH004';
end;
$$;

-- Adds a product, or changes the one with this slug, and gives it a Shopify product id if one is
-- named. Without an access period an existing product keeps its own; 'for ever' takes it away.
-- A Shopify id that already means another product is refused (TH001): orders would change their
-- meaning. So is a value that cannot be (TH004).
create function public.add_product(
    slug text,
    name text,
    category text,
    shopify_product_id text default null,
    access_period text default null
)
returns void
language plpgsql
security definer  -- the mapping is private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_taken_by text;
    v_constraint text;
begin
    insert into public.products as existing (slug, name, category, access_period)
    values (
        add_product.slug, add_product.name, add_product.category,
        thetis.access_period(add_product.access_period)
    )
    on conflict (slug) do update set
        name = excluded.name,
        category = excluded.category,
        access_period = case
            when add_product.access_period is null then existing.access_period
            else excluded.access_period
        end;

    if add_product.shopify_product_id is null then
        return;
    end if;

    insert into thetis.shopify_products as existing (shopify_product_id, product_slug)
    values (add_product.shopify_product_id, add_product.slug)
    on conflict (shopify_product_id) do update set product_slug = existing.product_slug
    returning existing.product_slug into v_taken_by;

    if v_taken_by <> add_product.slug then
        raise exception 'Shopify product % is already %', add_product.shopify_product_id, v_taken_by
        using errcode = 'TH001';
    end if;
exception when check_violation or not_null_violation then
    get stacked diagnostics v_constraint = constraint_name;
    raise exception '%', case v_constraint
        when 'slug_is_lower_snake_case'
            then 'slug: lower case letters, digits and underscores, beginning with a letter'
        when 'name_is_not_blank' then 'name: must not be blank'
        when 'category_is_lower_snake_case'
            then 'category: lower case letters, digits and underscores, beginning with a letter'
        when 'access_period_is_possible'
            then 'access period: must be longer than nothing, and 1000 years at most'
        when 'shopify_product_id_is_a_number'
            then 'Shopify product id: a number of 19 digits at most'
        else 'slug, name and category must be given'
    end
    using errcode = 'TH004';
end;
$$;

-- Products that were sold and are not in the catalogue, the latest first: how many orders, and
-- since when. If one of them is ours, its buyers wait until it is added and their orders are told
-- again.
create function public.list_unmapped_products(max_count integer default 500)
returns table (
    shopify_product_id text, order_count bigint, first_sold_at text, last_sold_at text
)
language plpgsql
stable
security definer  -- the tables are private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
begin
    return query
    select
        sold.shopify_product_id,
        count(*),
        date_trunc('second', min(sold.first_recorded_at))::text,
        date_trunc('second', max(sold.first_recorded_at))::text
    from thetis.untracked_sales as sold
    where not exists (
        select from thetis.shopify_products as mapped
        where mapped.shopify_product_id = sold.shopify_product_id
    )
    group by sold.shopify_product_id
    order by max(sold.first_recorded_at) desc, sold.shopify_product_id
    limit list_unmapped_products.max_count;
end;
$$;

-- Takes a Shopify product id away from the product that it means; returns its slug, or null when
-- there is none. Purchases stay; later orders of that id are no longer ours.
create function public.remove_shopify_product(shopify_product_id text)
returns text
language plpgsql
security definer  -- the mapping is private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_slug text;
begin
    delete from thetis.shopify_products as mapped
    where mapped.shopify_product_id = remove_shopify_product.shopify_product_id
    returning mapped.product_slug into v_slug;
    return v_slug;
end;
$$;

-- Removes a product and its Shopify ids; returns whether there was one. A product that somebody
-- has bought is refused (TH002): purchases would lose their name and category.
create function public.remove_product(slug text)
returns boolean
language plpgsql
security definer  -- the mapping is private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if exists (
        select from public.purchases as bought where bought.product_slug = remove_product.slug
    ) then
        raise exception 'there are purchases of %', remove_product.slug using errcode = 'TH002';
    end if;

    delete from public.products as existing where existing.slug = remove_product.slug;
    return found;
end;
$$;

-- Privileges

revoke all on function thetis.access_period(text) from public, anon, authenticated, service_role;
revoke all on function public.list_products() from public, anon, authenticated, service_role;
grant execute on function public.list_products() to service_role;
revoke all on function public.list_unmapped_products(integer)
from public, anon, authenticated, service_role;
grant execute on function public.list_unmapped_products(integer) to service_role;
revoke all on function public.add_product(text, text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.add_product(text, text, text, text, text) to service_role;
revoke all on function public.remove_shopify_product(text)
from public, anon, authenticated, service_role;
grant execute on function public.remove_shopify_product(text) to service_role;
revoke all on function public.remove_product(text) from public, anon, authenticated, service_role;
grant execute on function public.remove_product(text) to service_role;
