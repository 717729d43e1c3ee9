-- What a customer's bank disputes, kept as facts that merge like the others. A dispute may come
-- before its order, twice, and in any order of its states. No time is compared, for a dispute tells
-- none of its changes. Which state is the furthest, and why: docs/decisions/0026-chargebacks.md.

-- From the first state to the furthest. Of two ends that are both told, that for the shop counts.
create type thetis.dispute_status as enum (
    'needs_response',
    'under_review',
    'lost',
    'accepted',         -- by the shop: lost, without a fight
    'charge_refunded',  -- no longer told by Shopify: the shop paid back
    'prevented',        -- settled before it became a chargeback
    'won'
);

create table thetis.disputes (
    shopify_dispute_id text primary key,
    shopify_order_id text not null,
    is_chargeback boolean not null,
    status thetis.dispute_status,
    inquiry_status thetis.dispute_status,
    ends_access boolean generated always as (
        coalesce(is_chargeback and status < 'prevented', false)
    ) stored,
    first_recorded_at timestamptz not null default now()
);

comment on column thetis.disputes.is_chargeback is
'Was it ever told to be a chargeback? Then money was taken back. An inquiry is a question.';
comment on column thetis.disputes.status is
'The furthest state told of it. Null: none that we know, or only of the inquiry it was.';
comment on column thetis.disputes.inquiry_status is
'The furthest state told of it expressly as an inquiry: that says nothing of the chargeback which
it may become.';
comment on column thetis.disputes.ends_access is
'A chargeback that is open or was lost.';

create index disputes_order on thetis.disputes (shopify_order_id);

-- Do chargebacks end access? The setting DISPUTES says so. Disputes are kept either way.
create table thetis.dispute_rules (
    is_the_only_row boolean primary key default true
    constraint there_is_one_row check (is_the_only_row),
    are_honored boolean not null default true
);

insert into thetis.dispute_rules default values;

-- The orders whose purchases are ended now because they were charged back.
create view thetis.charged_back_orders
with (security_invoker = true) as
select
    dispute.shopify_order_id,
    min(dispute.first_recorded_at) as since
from thetis.disputes as dispute
where
    dispute.ends_access
    and exists (
        select from thetis.dispute_rules
        where dispute_rules.is_the_only_row and dispute_rules.are_honored  -- by its index
    )
group by dispute.shopify_order_id;

-- The purchases that are ended by a chargeback and nothing else, and what they were before: that is
-- what they become again when it is over.
create table thetis.charged_back_purchases (
    purchase_id uuid primary key references public.purchases (id) on delete cascade,
    status_before text not null
    constraint status_before_gave_or_had_given check (status_before in ('active', 'expired'))
);

-- Privileges

alter table thetis.disputes enable row level security;
alter table thetis.dispute_rules enable row level security;
alter table thetis.charged_back_purchases enable row level security;

revoke all on table thetis.disputes from public, anon, authenticated, service_role;
revoke all on table thetis.dispute_rules from public, anon, authenticated, service_role;
revoke all on table thetis.charged_back_orders from public, anon, authenticated, service_role;
revoke all on table thetis.charged_back_purchases from public, anon, authenticated, service_role;
