// What the course app asks of the database for the signed-in user. `supabase` is its client.
import type { SupabaseClient } from '@supabase/supabase-js'
import type { Database, Tables } from './database.types'

export type Client = SupabaseClient<Database>
export type CourseType = 'standard' | 'premium' | 'essentials' | 'professionals'
export type Purchase = Pick<
  Tables<'purchases'>,
  'product_slug' | 'status' | 'purchased_at' | 'expires_at' | 'shopify_order_number'
>

// What the database calls the courses: `standard` is `standard_course`.
export const slugOf = (courseType: CourseType) => `${courseType}_course`

export async function hasAccess(supabase: Client, courseType: CourseType): Promise<boolean> {
  return answer(await supabase.rpc('has_access', { slug: slugOf(courseType) }))
}

export async function listPurchases(supabase: Client): Promise<Purchase[]> {
  return answer(
    await supabase
      .from('purchases')
      .select('product_slug, status, purchased_at, expires_at, shopify_order_number')
      .order('purchased_at')
  )
}

export async function listCourses(supabase: Client): Promise<string[]> {
  const products = answer(await supabase.from('products').select('slug').eq('category', 'course'))
  return products.map((product) => product.slug)
}

// What the user bought, and which of it they may use now. The database decides the second.
export async function loadPurchases(supabase: Client) {
  const purchases = await listPurchases(supabase)
  const bought = [...new Set(purchases.map((purchase) => purchase.product_slug))]
  const granted = await Promise.all(
    bought.map(async (slug) => answer(await supabase.rpc('has_access', { slug })))
  )
  return { purchases, accessible: bought.filter((_, place) => granted[place]) }
}

export type Claim =
  | { next: 'sign in' }
  | {
      next: 'courses' | 'no course' | 'other address'
      linked: number
      purchases: Purchase[]
      courses: string[]
    }

// The claim page. `next` is what to show, and `courses` are the courses that the user may open.
export async function claim(supabase: Client): Promise<Claim> {
  const { data } = await supabase.auth.getSession()
  if (!data.session) return { next: 'sign in' }

  const linked = answer(await supabase.rpc('claim_purchases'))
  const [{ purchases, accessible }, sold] = await Promise.all([
    loadPurchases(supabase),
    listCourses(supabase),
  ])
  const courses = accessible.filter((slug) => sold.includes(slug))
  return { next: nextPage(courses, purchases), linked, purchases, courses }
}

function nextPage(courses: string[], purchases: Purchase[]) {
  if (courses.length) return 'courses'
  return purchases.length ? 'no course' : 'other address'
}

// Replaces a password that somebody else may have chosen for this address, and ends their session.
export async function setPassword(supabase: Client, password: string): Promise<void> {
  const { error } = await supabase.auth.updateUser({ password })
  if (error) throw error
}

type Answer<T> = { data: T; error: null } | { data: null; error: Error }

function answer<T>({ data, error }: Answer<T>): T {
  if (error) throw error
  return data
}
