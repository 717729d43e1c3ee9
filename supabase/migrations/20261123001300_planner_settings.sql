-- How the functions that run all day are planned. Their tables begin empty and grow by millions,
-- so plans are made once and go by key, whatever the statistics say at that moment. Why, and what
-- was measured: docs/decisions/0012-plans-by-key.md.

alter function public.record_orders(jsonb, text, timestamptz)
set plan_cache_mode = 'force_generic_plan';
alter function public.record_orders(jsonb, text, timestamptz) set enable_seqscan = 'off';
alter function public.record_orders(jsonb, text, timestamptz) set enable_hashjoin = 'off';
alter function public.record_orders(jsonb, text, timestamptz) set enable_mergejoin = 'off';

alter function public.record_refunds(jsonb, timestamptz)
set plan_cache_mode = 'force_generic_plan';
alter function public.record_refunds(jsonb, timestamptz) set enable_seqscan = 'off';
alter function public.record_refunds(jsonb, timestamptz) set enable_hashjoin = 'off';
alter function public.record_refunds(jsonb, timestamptz) set enable_mergejoin = 'off';

alter function public.record_disputes(jsonb, timestamptz)
set plan_cache_mode = 'force_generic_plan';
alter function public.record_disputes(jsonb, timestamptz) set enable_seqscan = 'off';
alter function public.record_disputes(jsonb, timestamptz) set enable_hashjoin = 'off';
alter function public.record_disputes(jsonb, timestamptz) set enable_mergejoin = 'off';

alter function public.claim_notifications(text, integer, integer)
set plan_cache_mode = 'force_generic_plan';
alter function public.claim_notifications(text, integer, integer) set enable_seqscan = 'off';
alter function public.claim_notifications(text, integer, integer) set enable_hashjoin = 'off';
alter function public.claim_notifications(text, integer, integer) set enable_mergejoin = 'off';

alter function public.settle_notifications(jsonb) set plan_cache_mode = 'force_generic_plan';
alter function public.settle_notifications(jsonb) set enable_seqscan = 'off';
alter function public.settle_notifications(jsonb) set enable_hashjoin = 'off';
alter function public.settle_notifications(jsonb) set enable_mergejoin = 'off';

alter function public.record_deliveries(jsonb) set plan_cache_mode = 'force_generic_plan';
alter function public.record_deliveries(jsonb) set enable_seqscan = 'off';
alter function public.record_deliveries(jsonb) set enable_hashjoin = 'off';
alter function public.record_deliveries(jsonb) set enable_mergejoin = 'off';

-- Linking runs for one user at a time, be it at the sign-up or for thousands that are imported in
-- one transaction, in which nobody renews the statistics.
alter function thetis.confirmed_user_id(text) set plan_cache_mode = 'force_generic_plan';
alter function thetis.confirmed_user_id(text) set enable_seqscan = 'off';

alter function thetis.prover_of(text) set plan_cache_mode = 'force_generic_plan';
alter function thetis.prover_of(text) set enable_seqscan = 'off';

alter function thetis.link_purchases(uuid) set plan_cache_mode = 'force_generic_plan';
alter function thetis.link_purchases(uuid) set enable_seqscan = 'off';
alter function thetis.link_purchases(uuid) set enable_hashjoin = 'off';
alter function thetis.link_purchases(uuid) set enable_mergejoin = 'off';

alter function thetis.release_purchases(uuid, text) set plan_cache_mode = 'force_generic_plan';
alter function thetis.release_purchases(uuid, text) set enable_seqscan = 'off';
alter function thetis.release_purchases(uuid, text) set enable_hashjoin = 'off';
alter function thetis.release_purchases(uuid, text) set enable_mergejoin = 'off';
