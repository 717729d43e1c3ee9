-- One row per line item of a Shopify order that holds a product of ours: who, what, when.
-- This table is what access is decided by. The service writes it, its owner reads it.

create table public.purchases (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete set null,
    product_slug text not null,
    shopify_order_id text,
    shopify_order_number text,
    shopify_customer_email text not null
    constraint email_is_normalised check (
        shopify_customer_email = lower(btrim(shopify_customer_email, E' \t\r\n'))
    ),
    shopify_line_item_id text,
    status text not null default 'active'
    constraint status_is_known check (
        status in (  -- what each means: thetis.purchase_status
            'active', 'expired', 'cancelled', 'refunded'
        )
    ),
    purchased_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_row_per_line_item unique (shopify_order_id, shopify_line_item_id)
);

comment on column public.purchases.user_id is
'Null until an account with this address, confirmed, exists; null again if it is deleted.';
comment on column public.purchases.product_slug is
'Not a foreign key: what was bought stays true when the catalogue changes.';

-- has_access, the owner's own list, and the foreign key. A guest's purchase has no place in it.
create index purchases_user_id on public.purchases (user_id, product_slug, status)
where user_id is not null;
-- Linking at sign-up, and support asking "what did this address buy?", and which addresses begin
-- alike: hence the operator class.
create index purchases_email on public.purchases (shopify_customer_email text_pattern_ops);
-- What is over by now.
create index purchases_expiring on public.purchases (expires_at)
where status = 'active' and expires_at is not null;
create index purchases_product_slug_status on public.purchases (product_slug, status);

create trigger set_updated_at before update on public.purchases
for each row execute function thetis.set_updated_at();

create policy "Users read their own purchases"
on public.purchases for select to authenticated using ((select auth.uid()) = user_id);

-- Privileges

alter table public.purchases enable row level security;

revoke all on table public.purchases from public, anon, authenticated, service_role;
grant select on table public.purchases to authenticated, service_role;
