// What the course app asks of the database for the signed-in user. `supabase` is its client.

// 'standard', 'premium', 'essentials' and 'professionals', as the course app calls them.
export const slugOf = (courseType) => `${courseType}_course`

export async function hasAccess(supabase, courseType) {
  return answer(await supabase.rpc('has_access', { slug: slugOf(courseType) }))
}

export async function listPurchases(supabase) {
  return answer(
    await supabase
      .from('purchases')
      .select('product_slug, status, purchased_at, expires_at, shopify_order_number')
      .order('purchased_at')
  )
}

// What the user bought, and which of it they may use now. The database decides the second.
export async function loadPurchases(supabase) {
  const purchases = await listPurchases(supabase)
  const bought = [...new Set(purchases.map((purchase) => purchase.product_slug))]
  const granted = await Promise.all(
    bought.map(async (slug) => answer(await supabase.rpc('has_access', { slug })))
  )
  return { purchases, accessible: bought.filter((_, place) => granted[place]) }
}

// The claim page. `next` is what to show: 'sign in', 'courses' or 'other address'.
export async function claim(supabase) {
  const { data } = await supabase.auth.getSession()
  if (!data.session) return { next: 'sign in' }

  const linked = answer(await supabase.rpc('claim_purchases'))
  const purchases = await listPurchases(supabase)
  return { next: purchases.length ? 'courses' : 'other address', linked, purchases }
}

function answer({ data, error }) {
  if (error) throw error
  return data
}
