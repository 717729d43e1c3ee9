import type { User } from '@supabase/supabase-js'

// Whom the token calls staff. It only decides what is shown; the database decides what is done.
export type StaffRole = 'support' | 'support_viewer'

export function staffRole(user: User | null): StaffRole | null {
  const role: unknown = user?.app_metadata.role
  return role === 'support' || role === 'support_viewer' ? role : null
}
