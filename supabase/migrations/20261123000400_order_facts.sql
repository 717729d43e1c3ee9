-- What Shopify has told us so far, kept as facts that only accumulate. Events arrive late, twice
-- and in any order; because every fact merges the same way whatever comes first, and purchases
-- are derived from the facts, the outcome does not depend on the order of arrival.
--
-- Every `..._as_of` is the `updated_at` that the order itself had when it said so.

create table thetis.orders (
    shopify_order_id text primary key,
    order_number text,
    email text,
    email_as_of timestamptz,
    transferred_to text,
    holder_email text generated always as (coalesce(transferred_to, email)) stored,
    purchased_at timestamptz,
    paid_as_of timestamptz,
    voided_as_of timestamptz,
    refunded_as_of timestamptz,
    cancelled_at timestamptz,
    is_test boolean not null default false,
    is_historic boolean,
    has_address_conflict boolean not null default false,
    first_recorded_at timestamptz not null default now(),
    erased_at timestamptz
);

comment on column thetis.orders.email is
'The newest address told (a shop may correct it), once the order holds something of ours.';
comment on column thetis.orders.transferred_to is
'The address to which an operator gave the whole order; it outranks what Shopify tells. Empty
once that person was erased: it does not go back to whom it was taken from.';
comment on column thetis.orders.holder_email is
'Whose its purchases are, once they confirm this address.';
comment on column thetis.orders.paid_as_of is
'The earliest word that nothing was outstanding.';
comment on column thetis.orders.voided_as_of is
'The latest word that its payment was voided. Shopify lets such an order be paid after all.';
comment on column thetis.orders.refunded_as_of is
'The latest word that all its money was paid back. That ends what was paid for until then.';
comment on column thetis.orders.is_test is
'Made with a test gateway. It grants what any order grants, and is left out of figures.';
comment on column thetis.orders.is_historic is
'Was it already old when we first heard of it? Then it causes no notification. Null: no date told.';
comment on column thetis.orders.has_address_conflict is
'Somebody owns a purchase of it by another address than the order has now.';
comment on column thetis.orders.first_recorded_at is
'When we first heard of it, whatever was in it. A replay counts from when the webhook came.';
comment on column thetis.orders.erased_at is
'When the person was erased. No later event brings an address back.';

-- What a customer tells support.
create index orders_number on thetis.orders (order_number);
-- A correction has to find the purchases that were linked by the address before it; and support
-- asks for what was not paid for, of which there is no purchase, and which addresses begin alike:
-- hence the operator class.
create index orders_holder_email on thetis.orders (holder_email text_pattern_ops)
where holder_email is not null;
create index orders_transferred_from on thetis.orders (email) where transferred_to is not null;

create table thetis.order_lines (
    shopify_order_id text not null,
    shopify_line_item_id text not null,
    product_slug text,
    quantity integer,
    paid_as_of timestamptz,
    end_status thetis.purchase_status
    constraint end_status_is_an_end check (end_status <> 'active'),
    is_exported boolean not null default false,
    primary key (shopify_order_id, shopify_line_item_id)
);

comment on column thetis.order_lines.product_slug is
'The first product told. Shopify sends null once a product is deleted; that takes nothing away.';
comment on column thetis.order_lines.quantity is
'The most ever told to be bought; null on rows that came from the old enrollments table.';
comment on column thetis.order_lines.paid_as_of is
'The earliest word that the order, with this line in it, was paid; null while it was not.';
comment on column thetis.order_lines.end_status is
'The furthest end that was told of this line by itself.';
comment on column thetis.order_lines.is_exported is
'From an order export, which names no line. It stands until Shopify itself tells of the line.';

create index order_lines_exported on thetis.order_lines (shopify_order_id) where is_exported;

-- Refunds are a set that grows. A line is refunded once the sum reaches what was bought.
create table thetis.refunds (
    shopify_refund_id text not null,
    shopify_line_item_id text not null,
    shopify_order_id text not null,
    quantity bigint not null,
    primary key (shopify_refund_id, shopify_line_item_id)
);

create index refunds_line on thetis.refunds (shopify_order_id, shopify_line_item_id);

-- Privileges

alter table thetis.orders enable row level security;
alter table thetis.order_lines enable row level security;
alter table thetis.refunds enable row level security;

revoke all on table thetis.orders from public, anon, authenticated, service_role;
revoke all on table thetis.order_lines from public, anon, authenticated, service_role;
revoke all on table thetis.refunds from public, anon, authenticated, service_role;
