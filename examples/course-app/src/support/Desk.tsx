import { useEffect, useId, useRef } from 'react'
import type { FormEvent } from 'react'
import { Bones, Failure } from '../parts/Page'
import { navigate, useAddress } from '../router'
import { useSession } from '../session'
import { lookUp } from '../thetis/support'
import { told } from '../words'
import { useQuestion } from '../useQuestion'
import { CustomerView } from './CustomerView'
import { MissingFactor } from './SecondFactor'

type Props = { mayAct: boolean; onFactor: () => void }

export function Desk({ mayAct, onFactor }: Props) {
  const query = useAddress().searchParams.get('q') ?? ''
  return (
    <>
      <Search query={query} />
      {!mayAct && (
        <p className="small">You may look. Changes are for those whose role is support.</p>
      )}
      {query && <Found key={query} query={query} mayAct={mayAct} onFactor={onFactor} />}
    </>
  )
}

function Search({ query }: { query: string }) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)

  // `/` leads to the search from everywhere on the page, as in many such places.
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const isTyping =
        event.target instanceof Element && event.target.matches('input, textarea, select')
      if (event.key !== '/' || isTyping || document.querySelector('dialog[open]')) return
      event.preventDefault()
      input.current?.select()
      input.current?.focus()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const typed = input.current?.value.trim()
    if (typed) navigate(`/support?q=${encodeURIComponent(typed)}`)
  }

  return (
    <form role="search" className="search" onSubmit={submit}>
      <label htmlFor={id}>Address, number of an order, or an id</label>
      <div className="search-line">
        <input
          id={id}
          key={query}
          ref={input}
          type="search"
          defaultValue={query}
          autoFocus={!query}
          autoComplete="off"
          spellCheck={false}
          required
          aria-describedby={`${id}-hint`}
        />
        <button className="primary">Look up</button>
      </div>
      <p className="small" id={`${id}-hint`}>
        <kbd>/</kbd> leads here. Whom you look at is written down.
      </p>
    </form>
  )
}

function Found({ query, mayAct, onFactor }: Props & { query: string }) {
  const { supabase } = useSession()
  const asked = useQuestion(() => lookUp(supabase, query), query)
  if (asked.state === 'loading') {
    return (
      <div role="status" aria-label="Looking up">
        <Bones lines={5} />
      </div>
    )
  }
  if (asked.state === 'error') {
    if (told(asked.error).hint === 'aal2') return <MissingFactor onDone={onFactor} />
    return <Failure error={asked.error} retry={asked.retry} />
  }
  return <CustomerView customer={asked.answer} mayAct={mayAct} again={asked.again} />
}
