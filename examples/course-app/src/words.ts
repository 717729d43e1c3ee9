// How times and errors are said.
const days = new Intl.DateTimeFormat('en', { dateStyle: 'long' })
const minutes = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })

const isMoment = (moment: string | null): moment is string =>
  Boolean(moment) && !Number.isNaN(Date.parse(String(moment)))

export class Refusal extends Error {
  code = 'TH_CODE'
}

export const day = (moment: string | null) =>
  isMoment(moment) ? days.format(new Date(moment)) : 'a day that nobody knows'
export const minute = (moment: string) =>
  isMoment(moment) ? minutes.format(new Date(moment)) : moment
export const until = (moment: string | null) =>
  isMoment(moment) ? `until ${day(moment)}` : 'for ever'

type Told = {
  code?: string
  message?: string
  name?: string
  status?: number
  hint?: string | null
  details?: string | null
}

const SESSION_IS_OVER = ['42501', 'PGRST301', 'PGRST303', 'session_not_found', 'bad_jwt']

const WORDS: Record<string, string> = {
  otp_expired: 'This code is wrong, or too old. Use the one in the newest email.',
  invalid_credentials: 'The address or the password is wrong.',
  email_not_confirmed: 'This address is not confirmed yet. Sign in with a code.',
  weak_password: 'This password is too easy to guess. Take a longer one.',
  same_password: 'This is your password already.',
  over_request_rate_limit: 'That was too often. Wait a few minutes, and try again.',
  email_address_invalid: 'This is not an email address.',
  validation_failed: 'This is not an email address.',
  mfa_verification_failed: 'This code is wrong. Wait for the next one, and try again.',
  TH_CODE: 'This code is not good: wrong, too old, or used up. Look at the newest email.',
  user_banned: 'This account is closed. Write to us.',
}

export const told = (error: unknown): Told => (typeof error === 'object' && error ? error : {})

export const isSessionOver = (error: unknown) => SESSION_IS_OVER.includes(told(error).code ?? '')

// No answer at all, from a browser that is offline or a server that is down.
export function isNoAnswer(error: unknown): boolean {
  const { code, name, status } = told(error)
  if (name === 'AuthRetryableFetchError' || name === 'TypeError') return true
  return (code === '' && status === undefined) || (status ?? 0) >= 502
}

// How long until the next email may go. Auth says so in words alone.
export function secondsToWait(error: unknown): number | null {
  const { code, message, details } = told(error)
  if (code === 'TH008') return Number(details) || 60
  if (code !== 'over_email_send_rate_limit') return null
  return Number(/after (\d+) second/.exec(message ?? '')?.[1] ?? 60)
}

export const howLong = (seconds: number) =>
  seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`

export function inWords(error: unknown): string {
  const { code = '', message } = told(error)
  const wait = secondsToWait(error)
  if (wait) return `No more emails for now. The next one can go in ${howLong(wait)}.`
  if (WORDS[code]) return WORDS[code]
  if (isSessionOver(error)) return 'Your session is over. Sign in again.'
  if (isNoAnswer(error)) return 'There was no answer. Look at your connection, and try again.'
  if (code.startsWith('TH0') && message) return `${message[0]?.toUpperCase()}${message.slice(1)}.`
  return 'Something went wrong on our side. Try again in a minute.'
}
