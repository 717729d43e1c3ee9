import { useCallback, useEffect, useId, useState } from 'react'
import type { FormEvent } from 'react'
import type { User } from '@supabase/supabase-js'
import { mayBeStrangers, passwordIsReplaced } from '../arrival'
import { Failure, Notice, Page, Skeleton } from '../parts/Page'
import { useSession } from '../session'
import { hasPasswords } from '../settings'
import { dropPassword, setPassword } from '../thetis/signIn'
import { inWords } from '../words'

type Props = { user: User; onDone: () => void }

// What stands between a code from an email and everything else: see arrival.ts.
export function PasswordPage({ user, onDone }: Props) {
  const done = useCallback(() => {
    passwordIsReplaced()
    onDone()
  }, [onDone])
  if (!hasPasswords) return <Dropping user={user} onDone={done} />
  return (
    <Page
      title="Choose a new password"
      lead={`It is for ${user.email}. Whoever knew an older one is signed out.`}
    >
      <NewPassword label="Save password" onDone={done} />
    </Page>
  )
}

function Dropping({ user, onDone }: Props) {
  const { supabase } = useSession()
  const [error, setError] = useState<unknown>(null)
  const [round, setRound] = useState(0)
  useEffect(() => {
    let isCurrent = true
    const work = mayBeStrangers(user) ? dropPassword(supabase) : Promise.resolve()
    work.then(
      () => isCurrent && onDone(),
      (failure: unknown) => isCurrent && setError(failure)
    )
    return () => {
      isCurrent = false
    }
    // of the account, not of the session, which is renewed by this
  }, [supabase, user.id, round])
  if (!error) return <Skeleton />
  return (
    <Page title="One moment">
      <p>Your account could not be made safe yet, so nothing is shown.</p>
      <Failure
        error={error}
        retry={() => {
          setError(null)
          setRound((before) => before + 1)
        }}
      />
    </Page>
  )
}

export function NewPassword({ label, onDone }: { label: string; onDone: () => void }) {
  const { supabase } = useSession()
  const id = useId()
  const [password, setTyped] = useState('')
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    setFailure('')
    try {
      await setPassword(supabase, password)
      setTyped('')
      onDone()
    } catch (error) {
      setFailure(inWords(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className="by-code" onSubmit={(event) => void submit(event)}>
      <label htmlFor={id}>New password</label>
      <input
        id={id}
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
        value={password}
        onChange={(event) => setTyped(event.target.value)}
        aria-describedby={`${id}-hint`}
      />
      <p className="small" id={`${id}-hint`}>
        At least eight characters.
      </p>
      {failure && <Notice kind="bad">{failure}</Notice>}
      <button className="primary" disabled={isBusy}>
        {label}
      </button>
    </form>
  )
}
