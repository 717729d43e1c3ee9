-- The catalogue that production needs from the first webhook on. Reference data, not a sample:
-- it names what is sold, and touches nothing that is there already.

insert into public.products (slug, name, category)
values
('essentials_course', 'Essentials Course', 'course'),
('standard_course', 'Standard Course', 'course'),
('premium_course', 'Premium Course', 'course'),
('professionals_course', 'Professionals Course', 'course'),
('splint', 'Splint', 'device')
on conflict (slug) do nothing;

insert into thetis.shopify_products (shopify_product_id, product_slug)
values
('9846187786568', 'standard_course'),
('9846188081480', 'premium_course')
on conflict (shopify_product_id) do nothing;
