// A route handler for Next.js: app/api/courses/[slug]/[file]/route.ts. Its answer is the address of
// a file of the private bucket, for somebody who may use the course now, and for an hour.
//
//   const { url } = await (await fetch(`/api/courses/${slug}/welcome.mp4`, {
//     headers: { authorization: `Bearer ${session.access_token}` },
//   })).json()
//
// The user's own token asks whether they may. The secret key stays on the server, and only signs.
// By `fetch`, because supabase-js wants a WebSocket, which Node has from version 22 on.

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
    const asked = await post('/rest/v1/rpc/has_access', { slug }, PUBLISHABLE, token)
    if (asked.status === 401 || asked.status === 403) return refusal(401, 'sign in')
    if (!asked.ok) return refusal(503, 'try again')
    if ((await asked.json()) !== true) return refusal(403, 'this course is not open for you')

    const path = `/storage/v1/object/sign/courses/${slug}/${file}`
    const signed = await post(path, { expiresIn: SECONDS }, SECRET)
    if (signed.status >= 500) return refusal(503, 'try again')
    if (!signed.ok) return refusal(404, 'no such file')
    const { signedURL } = (await signed.json()) as { signedURL: string }
    return answer(200, { url: `${setting(PROJECT)}/storage/v1${signedURL}` })
  } catch (error) {
    console.error(error)
    return refusal(503, 'try again')
  }
}

const PROJECT = 'NEXT_PUBLIC_SUPABASE_URL'
const PUBLISHABLE = 'NEXT_PUBLIC_SUPABASE_KEY'
const SECRET = 'SUPABASE_SECRET_KEY'

function setting(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

const post = (path: string, body: unknown, key: string, token?: string) =>
  fetch(setting(PROJECT) + path, {
    method: 'POST',
    headers: {
      apikey: setting(key),
      'content-type': 'application/json',
      authorization: `Bearer ${token ?? setting(key)}`,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })

const answer = (status: number, body: unknown) =>
  Response.json(body, { status, headers: { 'cache-control': 'no-store' } })

const refusal = (status: number, error: string) => answer(status, { error })
