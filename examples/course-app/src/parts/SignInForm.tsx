import { useId, useState } from 'react'
import type { FormEvent } from 'react'
import { arrivedByEmail, didNotArrive } from '../arrival'
import { useSession } from '../session'
import { hasPasswords } from '../settings'
import { sendCode, signInWithCode } from '../thetis/signIn'
import { inWords, isNoAnswer } from '../words'
import { ByCode } from './ByCode'
import { Notice } from './Page'

// Signing in and signing up are one: whoever has no account yet gets one. So is a forgotten
// password: the code leads to a new one.
export function SignInForm({ label, hint }: { label: string; hint?: string }) {
  const { supabase } = useSession()
  const [isByPassword, setByPassword] = useState(hasPasswords)
  const [code, setCode] = useState({ email: '' })

  async function redeem(email: string, typed: string) {
    arrivedByEmail() // before the session is there: the page may be closed in the next moment
    try {
      await signInWithCode(supabase, email, typed)
    } catch (error) {
      if (isNoAnswer(error)) arrivedByEmail('nobody knows')
      else didNotArrive()
      throw error
    }
  }

  if (isByPassword) {
    return (
      <PasswordForm
        label={label}
        onCode={(email) => {
          setCode({ email })
          setByPassword(false)
        }}
      />
    )
  }
  return (
    <>
      <ByCode
        name="sign-in"
        label={label}
        email={code.email}
        sendLabel="Send me a code"
        redeemLabel="Sign in"
        {...(hint ? { hint } : {})}
        send={(email) => sendCode(supabase, email)}
        redeem={redeem}
      />
      {hasPasswords && (
        <p>
          <button type="button" className="quiet" onClick={() => setByPassword(true)}>
            Use a password instead
          </button>
        </p>
      )}
    </>
  )
}

type PasswordFormProps = { label: string; onCode: (email: string) => void }

function PasswordForm({ label, onCode }: PasswordFormProps) {
  const { supabase } = useSession()
  const id = useId()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    setFailure('')
    const { error } = await supabase.auth.signInWithPassword({ email: email.trim(), password })
    setBusy(false)
    if (error) setFailure(inWords(error))
  }

  return (
    <form className="by-code" onSubmit={(event) => void submit(event)}>
      <label htmlFor={`${id}-email`}>{label}</label>
      <input
        id={`${id}-email`}
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <label htmlFor={`${id}-password`}>Password</label>
      <input
        id={`${id}-password`}
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      {failure && <Notice kind="bad">{failure}</Notice>}
      <button className="primary" disabled={isBusy}>
        Sign in
      </button>
      <button type="button" onClick={() => onCode(email.trim())}>
        First time here, or password forgotten
      </button>
    </form>
  )
}
