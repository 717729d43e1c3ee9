-- What the people who run the shop have decided about access: facts like Shopify's, kept beside
-- them. Purchases are derived from both. An operator's word about the owner, the end and the
-- revocation of a purchase outranks what a webhook says later; that something was given back is
-- never hidden by it.

-- The present word about one purchase. What was said before it is in the audit log.
create table thetis.overrides (
    purchase_id uuid primary key references public.purchases (id) on delete cascade,
    is_revoked boolean not null default false,
    transferred_to text
    constraint transferred_to_is_normalised check (
        transferred_to = lower(btrim(transferred_to, E' \t\r\n'))
    ),
    extended_to timestamptz
);

comment on column thetis.overrides.transferred_to is
'The address to which this one purchase was transferred; that of its order counts no more. Empty
once that person was erased.';
comment on column thetis.overrides.extended_to is
'When its access ends instead; infinity is never.';

-- Which purchases were given, not bought. What was given, and until when, the purchase says.
create table thetis.grants (
    purchase_id uuid primary key,
    granted_at timestamptz not null default now()
);

-- How long a purchase grants access, as its product said when it was bought; no row: for ever.
create table thetis.access_periods (
    purchase_id uuid primary key references public.purchases (id) on delete cascade,
    period interval not null
);

-- Who did what to whom, and why: one row in the transaction of each write by an operator, one for
-- each look at a customer, and one for what a customer does about an address. Nothing here is
-- changed or removed, but that a person who asks to be forgotten is struck out.
create table thetis.audit_log (
    id bigint generated always as identity primary key,
    occurred_at timestamptz not null default now(),
    operator text not null  -- noqa: RF04
    constraint operator_is_not_blank check (operator ~ '[^[:space:]]'),
    action text not null  -- noqa: RF04
    constraint action_is_known check (
        action in (
            'show',      -- looked at a customer
            'export',
            'grant',
            'revoke',
            'restore',
            'transfer',
            'extend',
            'retry',     -- had a message tried again
            'resend',    -- had a message sent again
            'answer',    -- said that a privacy request was answered
            'forget',
            'configure',       -- changed what staff need to sign in
            'request_code',    -- a customer asked for a code, to prove an address
            'prove_address',   -- and proved it
            'remove_address'   -- and took it back
        )
    ),
    email text,
    shopify_order_id text,
    purchase_id uuid,
    reason text,
    before jsonb,  -- noqa: RF04
    after jsonb,  -- noqa: RF04
    erased_at timestamptz,
    constraint writes_have_a_reason check (
        action in (
            'show', 'export', 'retry', 'answer', 'request_code', 'prove_address', 'remove_address'
        )
        or (reason ~ '[^[:space:]]') is true or erased_at is not null
    )
);

comment on column thetis.audit_log.operator is
'The id of the account of staff or of a customer, or the name that was given to the command.';

create index audit_log_email on thetis.audit_log (email) where email is not null;
create index audit_log_order on thetis.audit_log (shopify_order_id)
where shopify_order_id is not null;
create index audit_log_customer on thetis.audit_log (operator)
where action in ('request_code', 'prove_address', 'remove_address');
create index audit_log_purchase on thetis.audit_log (purchase_id) where purchase_id is not null;

-- Security for those who own the table too: there is no way to rewrite it by mistake.
create function thetis.keep_audit_log()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if
        tg_op = 'UPDATE'
        and new.erased_at is not null
        and (new.id, new.occurred_at, new.operator, new.action)
        is not distinct from (old.id, old.occurred_at, old.operator, old.action)
        and (new.shopify_order_id, new.purchase_id)
        is not distinct from (old.shopify_order_id, old.purchase_id)
        and (new.email is null or new.email = old.email)
        and (new.reason is null or new.reason = old.reason)
        and (new.before is null or new.before = old.before)
        and (new.after is null or new.after = old.after)
    then
        return new;
    end if;
    raise exception 'the audit log is only added to' using errcode = 'TH007';
end;
$$;

create trigger keep_audit_log before update or delete on thetis.audit_log
for each row execute function thetis.keep_audit_log();
create trigger keep_audit_log_whole before truncate on thetis.audit_log
for each statement execute function thetis.keep_audit_log();

-- Privileges

alter table thetis.overrides enable row level security;
alter table thetis.grants enable row level security;
alter table thetis.access_periods enable row level security;
alter table thetis.audit_log enable row level security;

revoke all on table thetis.overrides from public, anon, authenticated, service_role;
revoke all on table thetis.grants from public, anon, authenticated, service_role;
revoke all on table thetis.access_periods from public, anon, authenticated, service_role;
revoke all on table thetis.audit_log from public, anon, authenticated, service_role;
revoke all on sequence thetis.audit_log_id_seq from public, anon, authenticated, service_role;
revoke all on function thetis.keep_audit_log() from public, anon, authenticated, service_role;
