-- What Shopify has told us so far, kept as facts that only accumulate. Events arrive late, twice
-- and in any order; because every fact merges the same way whatever comes first, and purchases
-- are derived from the facts, the outcome does not depend on the order of arrival.

create table thetis.orders (
    shopify_order_id text primary key,
    order_number text,
    email text,
    email_as_of timestamptz,
    purchased_at timestamptz,
    paid_as_of timestamptz,
    voided_as_of timestamptz,
    first_heard_at timestamptz not null default now()
);

comment on column thetis.orders.email is
'The newest address heard (a shop may correct a typing error), as of the order''s own updated_at.';
comment on column thetis.orders.paid_as_of is
'The earliest word that it was paid, as of the order''s own updated_at.';
comment on column thetis.orders.voided_as_of is
'The latest word that its payment was voided. Shopify lets such an order be paid after all.';
comment on column thetis.orders.first_heard_at is
'An order that was already old when we first heard of it is history and owes nobody a message.';

create table thetis.order_lines (
    shopify_order_id text not null,
    shopify_line_item_id text not null,
    product_slug text,
    quantity integer,
    is_granted boolean not null,
    ended thetis.purchase_status
    constraint ended_is_an_end check (ended <> 'active'),
    primary key (shopify_order_id, shopify_line_item_id)
);

comment on column thetis.order_lines.product_slug is
'The first product heard. Shopify sends null once a product is deleted; that takes nothing away.';
comment on column thetis.order_lines.quantity is
'The most ever heard to be bought; null on rows that came from the old enrollments table.';
comment on column thetis.order_lines.is_granted is 'Paid for, at some time.';
comment on column thetis.order_lines.ended is 'The furthest end an order event gave this line.';

-- Refunds are a set that grows. A line is refunded once the sum reaches what was bought.
create table thetis.refunds (
    shopify_refund_id text not null,
    shopify_line_item_id text not null,
    shopify_order_id text not null,
    quantity bigint not null,
    primary key (shopify_refund_id, shopify_line_item_id)
);

create index refunds_line on thetis.refunds (shopify_order_id, shopify_line_item_id);

alter table thetis.orders enable row level security;
alter table thetis.order_lines enable row level security;
alter table thetis.refunds enable row level security;

revoke all on table thetis.orders from public, anon, authenticated, service_role;
revoke all on table thetis.order_lines from public, anon, authenticated, service_role;
revoke all on table thetis.refunds from public, anon, authenticated, service_role;
