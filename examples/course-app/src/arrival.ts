// Whoever comes by a code or a link from an email may have an account that a stranger made with
// this address before, with a password of the stranger's. Until that is replaced nothing is shown.
// It is remembered here, not in Auth: what a user could write there, the stranger could as well.
import type { User } from '@supabase/supabase-js'

const NAME = 'course-app.arrived-by-email'

export const arrivedByEmail = () => localStorage.setItem(NAME, 'yes')
export const passwordIsReplaced = () => localStorage.removeItem(NAME)
export const isPasswordUnknown = () => localStorage.getItem(NAME) !== null

// Was the address confirmed by this very sign-in? Only then can a stranger's password be there, if
// the app has none itself. To replace it each time would sign out the user's other devices.
export function wasJustConfirmed(user: User): boolean {
  const confirmed = Date.parse(user.email_confirmed_at ?? '')
  const signedIn = Date.parse(user.last_sign_in_at ?? '')
  return !(signedIn - confirmed > 60_000) // also if one is not known
}
