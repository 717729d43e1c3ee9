import { createClient } from '@supabase/supabase-js'
import { isVisitByLink } from './thetis/signIn'
import { arrivedByEmail } from './arrival'
import { readSettings } from './settings'
import type { Database } from './thetis/database.types'

export function makeClient() {
  if (isVisitByLink(location.href)) arrivedByEmail()
  const { url, key } = readSettings()
  return createClient<Database>(url, key)
}
