// Signing in by a code from an email, and what keeps out a stranger who signed up with the same
// address before.
import type { User } from '@supabase/supabase-js'
import type { Client } from './purchases'

// Sends a code to this address. Whoever has no account yet gets one when they type the code.
export async function sendCode(supabase: Client, email: string): Promise<void> {
  const { error } = await supabase.auth.signInWithOtp({ email })
  if (error) throw error
}

// Signs in, and confirms the address if this is the first time.
export async function signInWithCode(supabase: Client, email: string, code: string): Promise<User> {
  const { data, error } = await supabase.auth.verifyOtp({ email, token: code, type: 'email' })
  if (error) throw error
  if (!data.user) throw new Error('Auth signed nobody in')
  return data.user
}

// Replaces a password that somebody else may have chosen for this address, and ends their session.
export async function setPassword(supabase: Client, password: string): Promise<void> {
  const { error } = await supabase.auth.updateUser({ password })
  if (error) throw error
}

// For an app without passwords: a password that nobody knows, in place of one that somebody may.
export async function dropPassword(supabase: Client): Promise<void> {
  await setPassword(supabase, `${crypto.randomUUID()}Aa1!`)
}

// Does this visit come from a link in an email? Ask before the client is made, which clears the
// address.
export function isVisitByLink(address: string): boolean {
  const { search, hash } = new URL(address)
  const given = new URLSearchParams(`${search.slice(1)}&${hash.slice(1)}`)
  return ['access_token', 'code', 'token_hash'].some((name) => given.has(name))
}
