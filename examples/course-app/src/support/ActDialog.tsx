import { useEffect, useId, useRef, useState } from 'react'
import type { FormEvent } from 'react'
import { Bones, Notice } from '../parts/Page'
import { useSession } from '../session'
import { listProducts } from '../thetis/purchases'
import { useQuestion } from '../useQuestion'
import { inWords } from '../words'
import type { Draft, Filled, Outcome } from './drafts'

type Props = { draft: Draft; onClose: () => void; onDone: (words: string) => void }

// An act in two steps: what it would change, as the database says after trying it, and then the
// act itself.
export function ActDialog({ draft, onClose, onDone }: Props) {
  const { supabase } = useSession()
  const titleId = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  const opener = useRef(document.activeElement)
  const [filled, setFilled] = useState<Filled>({
    slug: draft.asks.slug ?? '',
    address: draft.asks.address ?? '',
    until: '',
  })
  const [reason, setReason] = useState('')
  const [tried, setTried] = useState<Outcome | null>(null)
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)

  useEffect(() => {
    const { current: from } = opener
    if (!dialog.current?.open) dialog.current?.showModal()
    return () => {
      if (from instanceof HTMLElement) setTimeout(() => from.focus())
    }
  }, [])

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    setFailure('')
    try {
      const outcome = await draft.run(supabase, filled, reason, !tried)
      if (!tried) setTried(outcome)
      else onDone(`Done: ${draft.title}.`)
    } catch (error) {
      setTried(null)
      setFailure(inWords(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={titleId}>{draft.title}</h2>
        {tried ? (
          <Confirmation tried={tried} reason={reason} />
        ) : (
          <Fields
            draft={draft}
            filled={filled}
            fill={setFilled}
            reason={reason}
            setReason={setReason}
          />
        )}
        {failure && <Notice kind="bad">{failure}</Notice>}
        <div className="actions">
          {tried && !tried.isChange ? null : (
            <button
              className="primary"
              disabled={isBusy}
              autoFocus={tried !== null}
              key={String(!tried)}
            >
              {tried ? 'Do it' : 'Show what will change'}
            </button>
          )}
          {tried && (
            <button type="button" onClick={() => setTried(null)}>
              Back
            </button>
          )}
          <button type="button" className="quiet" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  )
}

function Confirmation({ tried, reason }: { tried: Outcome; reason: string }) {
  return (
    <div className="confirmation" role="status">
      <p>
        <strong>{tried.heading}</strong>
      </p>
      <ul>
        {tried.lines.map((line, place) => (
          <li key={place}>{line}</li>
        ))}
      </ul>
      {tried.isChange && <p className="small">The reason that is written down: {reason}</p>}
    </div>
  )
}

type FieldsProps = {
  draft: Draft
  filled: Filled
  fill: (filled: Filled) => void
  reason: string
  setReason: (reason: string) => void
}

function Fields({ draft, filled, fill, reason, setReason }: FieldsProps) {
  const id = useId()
  const { asks } = draft
  return (
    <>
      {asks.slug !== undefined && (
        <Product
          id={`${id}-slug`}
          slug={filled.slug}
          choose={(slug) => fill({ ...filled, slug })}
        />
      )}
      {asks.address !== undefined && (
        <>
          <label htmlFor={`${id}-address`}>To the address</label>
          <input
            id={`${id}-address`}
            type="email"
            required
            autoComplete="off"
            value={filled.address}
            onChange={(event) => fill({ ...filled, address: event.target.value })}
          />
        </>
      )}
      {asks.until && (
        <>
          <label htmlFor={`${id}-until`}>Its last day</label>
          <input
            id={`${id}-until`}
            type="date"
            value={filled.until}
            onChange={(event) => fill({ ...filled, until: event.target.value })}
            aria-describedby={`${id}-hint`}
          />
          <p className="small" id={`${id}-hint`}>
            In UTC. Left empty, it is for ever.
          </p>
        </>
      )}
      <label htmlFor={`${id}-reason`}>Reason</label>
      <input
        id={`${id}-reason`}
        required
        pattern=".*\S.*"
        title="Say why"
        autoComplete="off"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        aria-describedby={`${id}-kept`}
      />
      <p className="small" id={`${id}-kept`}>
        It is kept for ever, and the customer may ask to read it.
      </p>
    </>
  )
}

type ProductProps = { id: string; slug: string; choose: (slug: string) => void }

function Product({ id, slug, choose }: ProductProps) {
  const { supabase } = useSession()
  const sold = useQuestion(() => listProducts(supabase), '')
  if (sold.state === 'loading') return <Bones lines={1} />
  return (
    <>
      <label htmlFor={id}>Product</label>
      <select id={id} required value={slug} onChange={(event) => choose(event.target.value)}>
        <option value="">Choose one</option>
        {sold.answer?.map((product) => (
          <option key={product.slug} value={product.slug}>
            {product.name}
          </option>
        ))}
      </select>
    </>
  )
}
