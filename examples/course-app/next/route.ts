// A route handler for Next.js: app/api/courses/[slug]/[file]/route.ts. Its answer is the address of
// a file of the private bucket, for somebody who may use the course now, and for an hour.
//
//   const { url } = await (await fetch(`/api/courses/${slug}/welcome.mp4`, {
//     headers: { authorization: `Bearer ${session.access_token}` },
//   })).json()
//
// The user's own token asks whether they may. The secret key stays on the server, and only signs.
import { createClient } from '@supabase/supabase-js'
import type { Database } from '../src/thetis/database.types'
import { mayOpen } from '../src/thetis/purchases'

declare const process: { env: Partial<Record<string, string>> }

const SECONDS = 3600

type Context = { params: Promise<{ slug: string; file: string }> }

export async function GET(request: Request, { params }: Context): Promise<Response> {
  const { slug, file } = await params
  // one name and no path, so that nobody is led from their course into another
  if (!/^[\w-]+\.\w+$/.test(file) || !/^\w+$/.test(slug)) return refusal(404, 'no such file')
  const token = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
  if (!token) return refusal(401, 'sign in')

  try {
    const asUser = createClient<Database>(setting('NEXT_PUBLIC_SUPABASE_URL'), setting('NEXT_PUBLIC_SUPABASE_KEY'), {
      ...WITHOUT_SESSION,
      global: { headers: { authorization: `Bearer ${token}` } },
    })
    if (!(await mayOpen(asUser, slug))) return refusal(403, 'this course is not open for you')
  } catch (error) {
    return isRefusal(error) ? refusal(401, 'sign in') : refusal(503, 'try again')
  }

  const asServer = createClient(
    setting('NEXT_PUBLIC_SUPABASE_URL'),
    setting('SUPABASE_SECRET_KEY'),
    WITHOUT_SESSION
  )
  const { data, error } = await asServer.storage
    .from('courses')
    .createSignedUrl(`${slug}/${file}`, SECONDS)
  if (error) return refusal(404, 'no such file')
  return Response.json({ url: data.signedUrl }, { headers: { 'cache-control': 'no-store' } })
}

const WITHOUT_SESSION = { auth: { persistSession: false, autoRefreshToken: false } }

function setting(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

// The database answered, and said that nobody is signed in with this token.
const isRefusal = (error: unknown) =>
  ['42501', 'PGRST301', 'PGRST303'].includes((error as { code?: string }).code ?? '')

const refusal = (status: number, error: string) =>
  Response.json({ error }, { status, headers: { 'cache-control': 'no-store' } })
