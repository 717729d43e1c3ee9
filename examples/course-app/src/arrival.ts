// Whoever comes by a code or a link from an email may have an account that a stranger made with
// this address before, with a password of the stranger's. Until that is replaced nothing is shown.
// It is remembered here, not in Auth: what a user could write there, the stranger could as well.
import type { User } from '@supabase/supabase-js'

const NAME = 'course-app.arrived-by-email'

// `is answered`: Auth said what became of the code. If it did not, the address may be confirmed
// already, and the next sign-in does not show it.
export function arrivedByEmail(how: 'is answered' | 'nobody knows' = 'is answered') {
  if (localStorage.getItem(NAME) !== 'nobody knows') localStorage.setItem(NAME, how)
}

export const didNotArrive = () => {
  if (localStorage.getItem(NAME) === 'is answered') localStorage.removeItem(NAME)
}

export const passwordIsReplaced = () => localStorage.removeItem(NAME)
export const isPasswordUnknown = () => localStorage.getItem(NAME) !== null

// Can a stranger's password be there, in an app that has none itself? Only if the address was
// confirmed by this very sign-in. To replace it each time would sign out the user's other devices.
export function mayBeStrangers(user: User): boolean {
  if (localStorage.getItem(NAME) === 'nobody knows') return true
  const confirmed = Date.parse(user.email_confirmed_at ?? '')
  const signedIn = Date.parse(user.last_sign_in_at ?? '')
  return !(signedIn - confirmed > 60_000) // also if one is not known
}
