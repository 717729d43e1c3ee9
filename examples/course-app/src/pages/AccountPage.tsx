import { useState } from 'react'
import type { ReactNode } from 'react'
import { AnotherAddress } from '../parts/AnotherAddress'
import { Bones, Failure, Notice, Page, SignInFirst, Stale } from '../parts/Page'
import { PurchaseList } from '../parts/PurchaseList'
import { Link, navigate } from '../router'
import { useSession } from '../session'
import { hasPasswords } from '../settings'
import { listProvenAddresses, removeProvenAddress } from '../thetis/addresses'
import { usePurchases } from '../thetis/usePurchases'
import { useQuestion, useReminder } from '../useQuestion'
import { NewPassword } from './PasswordPage'

export function AccountPage() {
  const { user } = useSession()
  if (!user) return <SignInFirst title="Account" />
  return (
    <Page title="Account" lead={<>You are signed in with <strong>{user.email}</strong>.</>}>
      <Bought userId={user.id} />
      <Addresses userId={user.id} email={user.email ?? ''} />
      {hasPasswords && <Password />}
      <Devices />
    </Page>
  )
}

function Section({ id, title, children }: { id: string; title: string; children: ReactNode }) {
  return (
    <section aria-labelledby={id} className="panel">
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}

function Loading({ label }: { label: string }) {
  return (
    <div role="status" aria-label={label}>
      <Bones lines={2} />
    </div>
  )
}

function Bought({ userId }: { userId: string }) {
  const { supabase } = useSession()
  const { purchases, isLoading, isKnown, error, refresh } = usePurchases(supabase, userId)
  useReminder(refresh, 60)
  return (
    <Section id="purchases" title="Purchases">
      {isLoading && <Loading label="Loading your purchases" />}
      {!isLoading && !isKnown && <Failure error={error} retry={refresh} />}
      {isKnown && <Stale error={error} retry={refresh} />}
      {isKnown && purchases.length > 0 && <PurchaseList purchases={purchases} />}
      {isKnown && purchases.length === 0 && (
        <>
          <p>Nothing was bought with your addresses yet.</p>
          <p>
            <Link href="/claim">Something is missing</Link>
          </p>
        </>
      )}
    </Section>
  )
}

function Addresses({ userId, email }: { userId: string; email: string }) {
  const { supabase } = useSession()
  const proven = useQuestion(() => listProvenAddresses(supabase), userId)
  const [isAdding, setAdding] = useState(false)
  const [said, setSaid] = useState('')

  async function remove(address: string) {
    await removeProvenAddress(supabase, address)
    setSaid(`${address} was removed.`)
    proven.again()
  }

  return (
    <Section id="addresses" title="Addresses">
      <p>What you buy with one of these is yours here.</p>
      <ul className="rows">
        <li>
          <span>{email}</span>
          <span className="small">you sign in with it</span>
        </li>
        {proven.answer?.map((address) => (
          <Address key={address} address={address} remove={remove} />
        ))}
      </ul>
      {proven.state === 'loading' && <Loading label="Loading your addresses" />}
      {proven.state === 'error' && <Failure error={proven.error} retry={proven.retry} />}
      {said && <Notice kind="good">{said}</Notice>}
      {isAdding ? (
        <AnotherAddress
          name="account"
          onDone={() => {
            setAdding(false)
            setSaid('The address is yours now.')
            proven.again()
          }}
        />
      ) : (
        <button type="button" onClick={() => setAdding(true)}>
          Add an address
        </button>
      )}
    </Section>
  )
}

type AddressProps = { address: string; remove: (address: string) => Promise<void> }

function Address({ address, remove }: AddressProps) {
  const [isAsked, setAsked] = useState(false)
  const [error, setError] = useState<unknown>(null)
  return (
    <li>
      <span>{address}</span>
      {isAsked ? (
        <span className="actions">
          <span className="small">What you bought with it stays. Later purchases do not come.</span>
          <button type="button" onClick={() => void remove(address).catch(setError)}>
            Remove<span className="only-heard"> {address}</span>
          </button>
          <button type="button" className="quiet" onClick={() => setAsked(false)}>
            Keep<span className="only-heard"> {address}</span>
          </button>
        </span>
      ) : (
        <button type="button" className="quiet" onClick={() => setAsked(true)}>
          Remove<span className="only-heard"> {address}</span> …
        </button>
      )}
      {Boolean(error) && <Failure error={error} />}
    </li>
  )
}

function Password() {
  const [isSaved, setSaved] = useState(false)
  return (
    <Section id="password" title="Password">
      {isSaved && <Notice kind="good">The new password is saved. Your other devices are signed out.</Notice>}
      <NewPassword label="Save password" onDone={() => setSaved(true)} />
    </Section>
  )
}

function Devices() {
  const { signOut } = useSession()
  const [error, setError] = useState<unknown>(null)
  async function leave() {
    setError(null)
    try {
      await signOut('global')
      navigate('/')
    } catch (failure) {
      setError(failure)
    }
  }
  return (
    <Section id="devices" title="Devices">
      <p>Signed in somewhere that is not yours? End it everywhere, here too.</p>
      {Boolean(error) && <Failure error={error} retry={() => void leave()} />}
      <button type="button" onClick={() => void leave()}>
        Sign out everywhere
      </button>
    </Section>
  )
}
