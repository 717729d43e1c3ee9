-- What the shop sells that we act on. A new product is data: one row here, one for its Shopify id.

create table public.products (
    slug text primary key
    constraint slug_is_lower_snake_case check (slug ~ '^[a-z][a-z0-9_]*$'),
    name text not null
    constraint name_is_not_blank check (btrim(name) <> ''),
    category text not null
    constraint category_is_lower_snake_case check (category ~ '^[a-z][a-z0-9_]*$'),
    access_period interval
    constraint access_period_is_possible check (
        access_period > interval '0' and access_period <= interval '1000 years'
    ),
    created_at timestamptz not null default now()
);

comment on column public.products.category is
'course, device, ...: messages are decided by category, so a hundredth product needs no new rule.';
comment on column public.products.access_period is
'How long a purchase grants access, from the day it was bought; null is for ever.';

create policy "Signed-in users read the catalogue"
on public.products for select to authenticated using (true);

create table thetis.shopify_products (
    shopify_product_id text primary key
    constraint shopify_product_id_is_a_number check (shopify_product_id ~ '^[1-9][0-9]{0,18}$'),
    product_slug text not null references public.products (slug) on delete cascade
);

create index shopify_products_product_slug on thetis.shopify_products (product_slug);

-- Orders of products that are not in the catalogue. Most are none of our business; but if one of
-- them should have been ours, its buyers wait.
create table thetis.untracked_sales (
    shopify_product_id text not null,
    shopify_order_id text not null,
    first_recorded_at timestamptz not null default now(),
    primary key (shopify_product_id, shopify_order_id)
);

-- Privileges

alter table public.products enable row level security;
alter table thetis.shopify_products enable row level security;
alter table thetis.untracked_sales enable row level security;

revoke all on table public.products from public, anon, authenticated, service_role;
grant select on table public.products to authenticated, service_role;
revoke all on table thetis.shopify_products from public, anon, authenticated, service_role;
revoke all on table thetis.untracked_sales from public, anon, authenticated, service_role;
