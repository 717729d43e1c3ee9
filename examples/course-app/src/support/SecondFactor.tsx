import { useId, useState } from 'react'
import type { FormEvent } from 'react'
import { Bones, Failure, Notice } from '../parts/Page'
import { useSession } from '../session'
import type { Client } from '../thetis/purchases'
import { useQuestion } from '../useQuestion'
import { inWords } from '../words'

// The code of an authenticator app, for who has one set up.
export function SecondFactor({ onDone }: { onDone: () => void }) {
  const { supabase } = useSession()
  return (
    <FactorForm
      label="Code of your authenticator app"
      check={async (code) => {
        const { data, error } = await supabase.auth.mfa.listFactors()
        if (error) throw error
        const factor = data.totp[0]
        if (!factor) throw new Error('no factor')
        await verify(supabase, factor.id, code)
        onDone()
      }}
    />
  )
}

async function verify(supabase: Client, factorId: string, code: string) {
  const { error } = await supabase.auth.mfa.challengeAndVerify({ factorId, code })
  if (error) throw error
}

// For whom the database has refused: they have set one up on another device, or have none yet.
export function MissingFactor({ onDone }: { onDone: () => void }) {
  const { supabase } = useSession()
  const asked = useQuestion(async () => {
    const { data, error } = await supabase.auth.mfa.listFactors()
    if (error) throw error
    return data.totp.length > 0
  }, 'factors')
  return (
    <div className="panel">
      <h2>A second factor is needed</h2>
      <p>
        You are signed in with one factor alone. Looking at customers needs a second one: an app on
        your phone that shows a new code every half minute.
      </p>
      {asked.state === 'loading' && <Bones lines={1} />}
      {asked.state === 'error' && <Failure error={asked.error} retry={asked.retry} />}
      {asked.state === 'ready' &&
        (asked.answer ? <SecondFactor onDone={onDone} /> : <SetUp onDone={onDone} />)}
    </div>
  )
}

type Enrolled = { id: string; picture: string; secret: string }

// An earlier try that was not finished is thrown away first.
function SetUp({ onDone }: { onDone: () => void }) {
  const { supabase } = useSession()
  const [enrolled, setEnrolled] = useState<Enrolled | null>(null)
  const [error, setError] = useState<unknown>(null)

  async function enroll() {
    setError(null)
    const { data: factors } = await supabase.auth.mfa.listFactors()
    for (const factor of factors?.all ?? []) {
      if (factor.status === 'unverified') {
        await supabase.auth.mfa.unenroll({ factorId: factor.id })
      }
    }
    const { data, error: failure } = await supabase.auth.mfa.enroll({ factorType: 'totp' })
    if (failure) setError(failure)
    else setEnrolled({ id: data.id, picture: data.totp.qr_code, secret: data.totp.secret })
  }

  return (
    <>
      {Boolean(error) && <Failure error={error} />}
      {enrolled ? (
        <>
          <p>Scan this with the app, or type the key into it:</p>
          <img className="qr" src={enrolled.picture} alt="The key as a picture for the app" />
          <p>
            <code>{enrolled.secret}</code>
          </p>
          <FactorForm
            label="Code that the app shows now"
            check={async (code) => {
              await verify(supabase, enrolled.id, code)
              onDone()
            }}
          />
        </>
      ) : (
        <button type="button" className="primary" onClick={() => void enroll()}>
          Set it up
        </button>
      )}
    </>
  )
}

type FormProps = { label: string; check: (code: string) => Promise<void> }

function FactorForm({ label, check }: FormProps) {
  const id = useId()
  const [code, setCode] = useState('')
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    setFailure('')
    try {
      await check(code.replace(/\D/g, ''))
    } catch (error) {
      setFailure(inWords(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className="by-code" onSubmit={(event) => void submit(event)}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        autoFocus
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      {failure && <Notice kind="bad">{failure}</Notice>}
      <button className="primary" disabled={isBusy}>
        Continue
      </button>
    </form>
  )
}
