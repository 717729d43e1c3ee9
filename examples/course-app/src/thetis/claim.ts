// From the shop's email to the course: what the page /claim does.
import type { Client, Purchase } from './purchases'
import { answer, listCourses, loadPurchases } from './purchases'

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
