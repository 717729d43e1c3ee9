// What the course app asks of the database for the signed-in user. `supabase` is its client.
import type { SupabaseClient } from '@supabase/supabase-js'
import type { Database, Tables } from './database.types'

export type Client = SupabaseClient<Database>
export type CourseType = 'standard' | 'premium' | 'essentials' | 'professionals'
export type CourseSlug = `${CourseType}_course`
export type PurchaseStatus = 'active' | 'expired' | 'cancelled' | 'refunded'
export type Purchase = Pick<
  Tables<'purchases'>,
  'id' | 'product_slug' | 'purchased_at' | 'expires_at' | 'shopify_order_number'
> & { status: PurchaseStatus }
export type Product = Pick<Tables<'products'>, 'slug' | 'name' | 'category'>

// What the database calls the courses: `standard` is `standard_course`.
export const slugOf = (courseType: CourseType): CourseSlug => `${courseType}_course`

export async function hasAccess(supabase: Client, courseType: CourseType): Promise<boolean> {
  return mayOpen(supabase, slugOf(courseType))
}

// The same of any product in the catalogue, by its slug.
export async function mayOpen(supabase: Client, slug: string): Promise<boolean> {
  return answer(await supabase.rpc('has_access', { slug }))
}

export async function listPurchases(supabase: Client): Promise<Purchase[]> {
  return answer(
    await supabase
      .from('purchases')
      .select('id, product_slug, status, purchased_at, expires_at, shopify_order_number')
      .order('purchased_at')
      .overrideTypes<Purchase[], { merge: false }>()
  )
}

export async function listProducts(supabase: Client): Promise<Product[]> {
  return answer(await supabase.from('products').select('slug, name, category').order('name'))
}

export async function listCourses(supabase: Client): Promise<string[]> {
  const products = await listProducts(supabase)
  return products.filter(({ category }) => category === 'course').map(({ slug }) => slug)
}

// What the user bought, and which of it they may use now. The database decides the second.
export async function loadPurchases(supabase: Client) {
  const purchases = await listPurchases(supabase)
  const bought = [...new Set(purchases.map((purchase) => purchase.product_slug))]
  const granted = await Promise.all(bought.map((slug) => mayOpen(supabase, slug)))
  return { purchases, accessible: bought.filter((_, place) => granted[place]) }
}

type Answer<T> = { data: T; error: null } | { data: null; error: Error }

// What was answered, or the error that supabase-js returns, thrown.
export function answer<T>({ data, error }: Answer<T>): T {
  if (error) throw error
  return data
}
