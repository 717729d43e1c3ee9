-- What only a local database wants: Shopify ids for the products that have none yet, and believable
-- purchases. Safe to run again: whatever is there already stays as it is.

insert into thetis.shopify_products (shopify_product_id, product_slug)
values
('9846188376392', 'essentials_course'),
('9846188671304', 'professionals_course'),
('9846188966216', 'splint')
on conflict (shopify_product_id) do nothing;

-- Through the service's own door, so that the rows are what real orders would have made. They are
-- weeks old when they are first recorded, so they cause no notification.
do $$
begin
    perform public.record_orders(jsonb_agg(jsonb_build_object(
        'id', ordered.id,
        'order_number', ordered.number,
        'email', ordered.email,
        'financial_status', ordered.financial_status,
        'cancelled_at', ordered.cancelled_at,
        'processed_at', ordered.bought_at,
        'updated_at', ordered.bought_at,
        'line_items', ordered.line_items
    )))
    from (
        select
            sample.id,
            sample.number,
            sample.email,
            sample.financial_status,
            sample.cancelled_at,
            sample.bought_at,
            jsonb_agg(jsonb_build_object(
                'id', sample.id || line.place::text,
                'product_id', mapped.shopify_product_id,
                'quantity', 1
            ) order by line.place) as line_items
        from (
            values
            (5992405700101, 1001, 'ada@example.com', 'paid', null, '2026-09-01T09:12:00Z'::timestamptz, array['standard_course']),
            (5992405700102, 1002, 'grace@example.com', 'paid', null, '2026-09-03T17:40:00Z', array['premium_course', 'splint']),
            (5992405700103, 1003, 'linus@example.com', 'paid', null, '2026-09-08T11:05:00Z', array['splint']),
            (5992405700104, 1004, 'ada@example.com', 'refunded', null, '2026-09-15T08:00:00Z', array['essentials_course']),
            (5992405700105, 1005, 'mary@example.com', 'paid', '2026-09-21T10:30:00Z', '2026-09-20T19:22:00Z', array['professionals_course']),
            (5992405700106, 1006, 'grace@example.com', 'paid', null, '2026-10-02T14:48:00Z', array['standard_course'])
        ) as sample (id, number, email, financial_status, cancelled_at, bought_at, slugs)
        cross join lateral unnest(sample.slugs) with ordinality as line (slug, place)
        inner join thetis.shopify_products as mapped on line.slug = mapped.product_slug
        group by
            sample.id, sample.number, sample.email,
            sample.financial_status, sample.cancelled_at, sample.bought_at
    ) as ordered;
end;
$$;
