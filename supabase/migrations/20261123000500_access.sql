-- May the signed-in user use this product? True while any purchase of theirs grants it, so losing
-- one never takes away what another paid for. Runs as the caller: row level security is what
-- keeps it to their own purchases.
--
-- Tried, in microseconds for a call with its round trip:      Postgres 16   Postgres 18
--   language sql with search_path set, planned at every call          106            30
--   language plpgsql, which keeps its plan (18 keeps both)             48            31
create function public.has_access(slug text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from public.purchases
        where
            purchases.user_id = (select auth.uid())
            and purchases.product_slug = has_access.slug
            and purchases.status = 'active'
            and (purchases.expires_at is null or purchases.expires_at > now())
    );
end;
$$;

revoke all on function public.has_access(text) from public, anon, authenticated, service_role;
grant execute on function public.has_access(text) to authenticated;
