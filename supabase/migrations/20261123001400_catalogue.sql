-- Looking after the catalogue: what `thetis products` calls.

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

revoke all on function public.list_products() from public, anon, authenticated, service_role;
grant execute on function public.list_products() to service_role;

-- Adds a product, or changes the one with this slug, and gives it a Shopify product id if one is
-- named. A Shopify id that already means another product is refused (TH001): orders would change
-- their meaning.
create function public.add_product(
    slug text,
    name text,
    category text,
    shopify_product_id text default null,
    access_period interval default null
)
returns void
language plpgsql
security definer  -- the mapping is private; this function is the door for service_role
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_taken_by text;
begin
    insert into public.products as known (slug, name, category, access_period)
    values (
        add_product.slug, add_product.name, add_product.category, add_product.access_period
    )
    on conflict (slug) do update set
        name = excluded.name, category = excluded.category, access_period = excluded.access_period;

    if add_product.shopify_product_id is null then
        return;
    end if;

    insert into thetis.shopify_products as mapped (shopify_product_id, product_slug)
    values (add_product.shopify_product_id, add_product.slug)
    on conflict (shopify_product_id) do update set product_slug = mapped.product_slug
    returning mapped.product_slug into v_taken_by;

    if v_taken_by <> add_product.slug then
        raise exception 'Shopify product % is already %', add_product.shopify_product_id, v_taken_by
        using errcode = 'TH001';
    end if;
end;
$$;

revoke all on function public.add_product(text, text, text, text, interval)
from public, anon, authenticated, service_role;
grant execute on function public.add_product(text, text, text, text, interval) to service_role;

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

    delete from public.products as known where known.slug = remove_product.slug;
    return found;
end;
$$;

revoke all on function public.remove_product(text) from public, anon, authenticated, service_role;
grant execute on function public.remove_product(text) to service_role;
