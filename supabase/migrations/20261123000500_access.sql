-- May the signed-in user use this product? True while any purchase of theirs grants it, so losing
-- one never takes away what another paid for.
--
-- Security definer: an account that is marked as deleted has no access, and only the owner of this
-- function may read auth.users. It looks at the caller's own purchases alone.
create function public.has_access(slug text)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from public.purchases
        inner join auth.users on purchases.user_id = users.id
        where
            purchases.user_id = (select auth.uid())
            and purchases.product_slug = has_access.slug
            and purchases.status = 'active'
            and (purchases.expires_at is null or purchases.expires_at > now())
            and users.deleted_at is null
    );
end;
$$;

-- Privileges

revoke all on function public.has_access(text) from public, anon, authenticated, service_role;
grant execute on function public.has_access(text) to authenticated;
