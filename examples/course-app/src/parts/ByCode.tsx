import { useEffect, useId, useState } from 'react'
import type { FormEvent } from 'react'
import { howLong, inWords, secondsToWait } from '../words'
import { Notice } from './Page'

type Sent = { email: string; at: number; nextAt: number }

// As Auth has it, unless its settings say otherwise: it says so then.
const COOLDOWN = 60_000

export type ByCodeProps = {
  name: string // of what it is for: the form is still there after the page was loaded again
  email?: string
  label: string
  sendLabel: string
  redeemLabel: string
  hint?: string
  sentWords?: string
  send: (email: string) => Promise<Date | void> // when the next one may be asked for
  redeem: (email: string, code: string) => Promise<void>
}

// Proves an address: a code is sent there and typed here.
export function ByCode(props: ByCodeProps) {
  const { name, send, redeem, sentWords = 'A code is on its way to' } = props
  const [sent, setSent] = useKept(name)
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [notBefore, setNotBefore] = useState(sent?.nextAt ?? 0)

  async function attempt(work: () => Promise<void>) {
    setBusy(true)
    setFailure('')
    try {
      await work()
    } catch (error) {
      setFailure(inWords(error))
      const wait = secondsToWait(error)
      if (wait) setNotBefore(Date.now() + wait * 1000)
    } finally {
      setBusy(false)
    }
  }

  const request = (email: string) =>
    attempt(async () => {
      const nextAt = Number(await send(email)) || Date.now() + COOLDOWN
      setNotBefore(nextAt)
      setSent({ email, at: Date.now(), nextAt })
    })
  const check = (code: string) =>
    attempt(async () => {
      if (!sent) return
      await redeem(sent.email, code)
      setSent(null)
    })

  if (!sent) {
    return <AddressForm {...props} failure={failure} isBusy={isBusy} onSubmit={request} />
  }
  return (
    <div className="by-code">
      <h2>Check your mail</h2>
      <p>
        {sentWords} <strong>{sent.email}</strong>. It is good for a short time, and the newest one
        counts.
      </p>
      <CodeForm label={props.redeemLabel} failure={failure} isBusy={isBusy} onSubmit={check} />
      <div className="actions">
        <Again notBefore={notBefore} isBusy={isBusy} onClick={() => void request(sent.email)} />
        <button type="button" className="quiet" onClick={() => (setSent(null), setFailure(''))}>
          Use another address
        </button>
      </div>
      <p className="small">
        Nothing there after some minutes? Look among the spam, and at the address in the
        confirmation of your order.
      </p>
    </div>
  )
}

type FormState = { failure: string; isBusy: boolean; onSubmit: (text: string) => Promise<void> }

function AddressForm(props: ByCodeProps & FormState) {
  const id = useId()
  const [email, setEmail] = useState(props.email ?? '')
  function submit(event: FormEvent) {
    event.preventDefault()
    void props.onSubmit(email.trim())
  }
  return (
    <form className="by-code" onSubmit={submit}>
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type="email"
        autoComplete="email"
        inputMode="email"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
      />
      {props.hint && (
        <p className="small" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      {props.failure && <Notice kind="bad">{props.failure}</Notice>}
      <button className="primary" disabled={props.isBusy}>
        {props.sendLabel}
      </button>
    </form>
  )
}

function CodeForm(props: FormState & { label: string }) {
  const id = useId()
  const [code, setCode] = useState('')
  function submit(event: FormEvent) {
    event.preventDefault()
    void props.onSubmit(code.replace(/\D/g, ''))
  }
  return (
    <form onSubmit={submit}>
      <label htmlFor={id}>Code</label>
      <input
        id={id}
        className="code"
        autoComplete="one-time-code"
        inputMode="numeric"
        pattern="[0-9\s]{4,14}"
        title="The digits from the email"
        required
        autoFocus
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      {props.failure && <Notice kind="bad">{props.failure}</Notice>}
      <button className="primary" disabled={props.isBusy}>
        {props.label}
      </button>
    </form>
  )
}

function Again(props: { notBefore: number; isBusy: boolean; onClick: () => void }) {
  const left = useSecondsUntil(props.notBefore)
  return (
    <button type="button" onClick={props.onClick} disabled={props.isBusy || left > 0}>
      Send another code
      {left > 0 && <span className="countdown"> in {howLong(left)}</span>}
    </button>
  )
}

function useSecondsUntil(moment: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  return Math.max(0, Math.ceil((moment - now) / 1000))
}

// A phone may drop the page while its owner looks for the code.
function useKept(name: string) {
  const key = `course-app.code.${name}`
  const [sent, setSent] = useState<Sent | null>(() => {
    const kept = sessionStorage.getItem(key)
    const read: Sent | null = kept ? JSON.parse(kept) : null
    return read && Date.now() - read.at < 3_600_000 ? read : null
  })
  function keep(next: Sent | null) {
    if (next) sessionStorage.setItem(key, JSON.stringify(next))
    else sessionStorage.removeItem(key)
    setSent(next)
  }
  return [sent, keep] as const
}
