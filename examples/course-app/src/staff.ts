// Whom the token calls staff. It only decides what is shown; the database decides what is done.
export type StaffRole = 'support' | 'support_viewer'

export function staffRole(token: string | undefined): StaffRole | null {
  const claims = token ? claimsOf(token) : {}
  const role: unknown = claims.app_metadata?.role
  return role === 'support' || role === 'support_viewer' ? role : null
}

// The user that Auth returns beside a token may be newer than the token, which is what counts.
function claimsOf(token: string): { app_metadata?: { role?: unknown } } {
  try {
    const part = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    return JSON.parse(atob(part))
  } catch {
    return {}
  }
}
