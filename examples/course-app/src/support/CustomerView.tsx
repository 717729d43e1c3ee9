import { useState } from 'react'
import { Failure, Notice } from '../parts/Page'
import { Link } from '../router'
import { useSession } from '../session'
import type { Customer, CustomerAnswer, HeldPurchase } from '../thetis/support'
import { exportCustomer } from '../thetis/support'
import { day, minute, until } from '../words'
import { ActDialog } from './ActDialog'
import type { Draft } from './drafts'
import { draftsOf, stepDraft } from './drafts'
import { timeline } from './timeline'
import { nextSteps, why } from './words'

type Props = { customer: Customer; mayAct: boolean; again: () => void }

export function CustomerView({ customer, mayAct, again }: Props) {
  const [draft, setDraft] = useState<Draft | null>(null)
  const [done, setDone] = useState('')
  const open = mayAct ? setDraft : null
  const { query, found_by, answer, near_misses: near } = customer
  return (
    <>
      {done && <Notice kind="good">{done}</Notice>}
      <section aria-labelledby="answer">
        <h2 id="answer">{customer.addresses.join(', ') || query}</h2>
        {found_by === null && <p>Nobody is known by “{query}”.</p>}
        {found_by !== null && !answer.length && (
          <p>No: nothing was bought, as far as Shopify has told.</p>
        )}
        <ul className="answers">
          {answer.map((told) => (
            <Answer key={told.product} told={told} customer={customer} open={open} />
          ))}
        </ul>
        <NearMisses names={[...near.addresses, ...near.orders]} />
        {open && <General customer={customer} open={open} />}
      </section>
      <Accounts customer={customer} />
      <Purchases customer={customer} open={open} />
      <TimeLine customer={customer} />
      {draft && (
        <ActDialog
          draft={draft}
          onClose={() => setDraft(null)}
          onDone={(words) => {
            setDraft(null)
            setDone(words)
            again()
          }}
        />
      )}
    </>
  )
}

type Open = ((draft: Draft) => void) | null

type AnswerProps = { told: CustomerAnswer; customer: Customer; open: Open }

function Answer({ told, customer, open }: AnswerProps) {
  const next = nextSteps(told)
  return (
    <li className={told.has_access ? 'answer answer-yes' : 'answer answer-no'}>
      <h3>{told.name ?? told.product}</h3>
      <p className="answer-words">{why(told)}</p>
      {next.words && <p className="small">{next.words}</p>}
      {open && (
        <Buttons drafts={next.steps.map((step) => stepDraft(step, told, customer))} open={open} />
      )}
    </li>
  )
}

type ButtonsProps = { drafts: (Draft | null)[]; open: (draft: Draft) => void }

function Buttons({ drafts, open }: ButtonsProps) {
  const possible = drafts.filter((draft) => draft !== null)
  if (!possible.length) return null
  return (
    <div className="actions">
      {possible.map((draft) => (
        <button type="button" key={draft.title} onClick={() => open(draft)}>
          {draft.button} …<span className="only-heard"> ({draft.title})</span>
        </button>
      ))}
    </div>
  )
}

function NearMisses({ names }: { names: string[] }) {
  if (!names.length) return null
  return (
    <p>
      Did you mean:{' '}
      {names.map((name) => (
        <Link key={name} className="near" href={`/support?q=${encodeURIComponent(name)}`}>
          {name}
        </Link>
      ))}
    </p>
  )
}

// What is done for a customer and not for one purchase of theirs.
function General({ customer, open }: { customer: Customer; open: (draft: Draft) => void }) {
  const { supabase } = useSession()
  const [error, setError] = useState<unknown>(null)
  const address = customer.addresses[0]

  async function download(of: string) {
    setError(null)
    try {
      save(`${of}.json`, await exportCustomer(supabase, of))
    } catch (failure) {
      setError(failure)
    }
  }

  return (
    <>
      <div className="actions">
        <Buttons drafts={draftsOf(customer)} open={open} />
        {address && (
          <button type="button" onClick={() => void download(address)}>
            Export
          </button>
        )}
      </div>
      {Boolean(error) && <Failure error={error} />}
    </>
  )
}

function save(name: string, document: unknown) {
  const text = `${JSON.stringify(document, null, 2)}\n`
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = Object.assign(window.document.createElement('a'), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

function Accounts({ customer }: { customer: Customer }) {
  if (!customer.accounts.length) return null
  return (
    <section aria-labelledby="accounts">
      <h2 id="accounts">Accounts</h2>
      <ul className="rows">
        {customer.accounts.map((account) => (
          <li key={account.user_id}>
            <div>
              <strong>{account.address}</strong>
              <p className="small">
                created {day(account.created_at)} ·{' '}
                {account.confirmed_at ? `confirmed ${day(account.confirmed_at)}` : 'not confirmed'}
                {account.last_sign_in_at && ` · last signed in ${minute(account.last_sign_in_at)}`}
                {account.is_single_sign_on && ' · single sign-on'}
                {account.deleted_at && ` · deleted ${day(account.deleted_at)}`}
                {account.proven_addresses.map(({ address }) => ` · proved ${address}`)}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Purchases({ customer, open }: { customer: Customer; open: Open }) {
  if (!customer.purchases.length) return null
  return (
    <section aria-labelledby="held">
      <h2 id="held">Purchases</h2>
      <ul className="rows">
        {customer.purchases.map((purchase) => (
          <li key={purchase.id}>
            <div>
              <strong>{purchase.product}</strong>
              <p className="small">{facts(purchase)}</p>
            </div>
            {open && <Buttons drafts={draftsOf(customer, purchase)} open={open} />}
          </li>
        ))}
      </ul>
    </section>
  )
}

const facts = (purchase: HeldPurchase) =>
  [
    purchase.order_number ? `order #${purchase.order_number}` : purchase.source,
    purchase.address || 'no address',
    purchase.is_revoked ? 'revoked' : purchase.status,
    until(purchase.expires_at),
  ].join(' · ')

function TimeLine({ customer }: { customer: Customer }) {
  const happened = timeline(customer)
  if (!happened.length) return null
  return (
    <section aria-labelledby="time-line">
      <h2 id="time-line">Time line</h2>
      <ol className="time-line">
        {happened.map(({ at, words, detail, times }, place) => (
          <li key={place}>
            <time dateTime={at}>{minute(at)}</time>
            <span>
              {words}
              {times && ` (${times} times)`}
              {detail && <span className="detail"> {detail}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}
