import { useState } from 'react'
import type { ReactNode } from 'react'
import { AnotherAddress } from '../parts/AnotherAddress'
import { Failure, Notice, Page, SignInFirst, Skeleton, Stale } from '../parts/Page'
import { PurchaseList } from '../parts/PurchaseList'
import { Link, navigate } from '../router'
import { useSession } from '../session'
import { hasPasswords } from '../settings'
import type { ProvenAddress } from '../thetis/addresses'
import { listProvenAddresses, removeProvenAddress } from '../thetis/addresses'
import { usePurchases } from '../thetis/usePurchases'
import type { Asked } from '../useQuestion'
import { useQuestion, useReminder } from '../useQuestion'
import { NewPassword } from './PasswordPage'

const TITLE = 'Account'

export function AccountPage() {
  const { user } = useSession()
  if (!user) return <SignInFirst title={TITLE} />
  return <SignedIn userId={user.id} email={user.email ?? ''} />
}

// Both are waited for, so that nothing moves when the second comes.
function SignedIn({ userId, email }: { userId: string; email: string }) {
  const { supabase } = useSession()
  const bought = usePurchases(supabase, userId)
  const proven = useQuestion(() => listProvenAddresses(supabase), userId)
  useReminder(bought.refresh, 60)
  if (bought.isLoading || proven.state === 'loading') return <Skeleton lines={8} title={TITLE} />

  function onChange() {
    proven.again()
    bought.refresh() // what is bought follows from the addresses
  }
  return (
    <Page
      title={TITLE}
      lead={
        <>
          You are signed in with <strong>{email}</strong>.
        </>
      }
    >
      <Bought {...bought} />
      <Addresses email={email} proven={proven} onChange={onChange} />
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

function Bought({ purchases, isKnown, error, refresh }: ReturnType<typeof usePurchases>) {
  return (
    <Section id="purchases" title="Purchases">
      {isKnown ? (
        <Stale error={error} retry={refresh} />
      ) : (
        <Failure error={error} retry={refresh} />
      )}
      {purchases.length > 0 && <PurchaseList purchases={purchases} />}
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

type AddressesProps = {
  email: string
  proven: Asked<ProvenAddress[]> & { again: () => void }
  onChange: () => void
}

function Addresses({ email, proven, onChange }: AddressesProps) {
  const { supabase } = useSession()
  const [isAdding, setAdding] = useState(false)
  const [said, setSaid] = useState('')

  async function remove(address: string) {
    const left = await removeProvenAddress(supabase, address)
    const went =
      left === 1 ? ' One purchase went with it.' : left ? ` ${left} purchases went with it.` : ''
    changed(`${address} was removed.${went}`)
  }

  function changed(words: string) {
    setSaid(words)
    onChange()
  }

  return (
    <Section id="addresses" title="Addresses">
      <p>What you buy with one of these is yours here.</p>
      <ul className="rows">
        <li>
          <span>{email}</span>
          <span className="small">you sign in with it</span>
        </li>
        {proven.answer?.map((each) => (
          <Address key={each.address} proven={each} remove={remove} />
        ))}
      </ul>
      {proven.state === 'error' && <Failure error={proven.error} retry={proven.again} />}
      {said && <Notice kind="good">{said}</Notice>}
      {isAdding ? (
        <AnotherAddress
          name="account"
          onDone={(words) => {
            setAdding(false)
            changed(words)
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

type AddressProps = { proven: ProvenAddress; remove: (address: string) => Promise<void> }

function Address({ proven: { address, purchases }, remove }: AddressProps) {
  const [isAsked, setAsked] = useState(false)
  const [error, setError] = useState<unknown>(null)
  return (
    <li>
      <span>{address}</span>
      {isAsked ? (
        <span className="actions">
          <span className="small">{whatGoes(purchases)}</span>
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

function whatGoes(purchases: number): string {
  if (!purchases) return 'Nothing was bought with it.'
  return `What was bought with it leaves this account: ${purchases === 1 ? 'one purchase' : `${purchases} purchases`}.`
}

function Password() {
  const [isSaved, setSaved] = useState(false)
  return (
    <Section id="password" title="Password">
      {isSaved && (
        <Notice kind="good">The new password is saved. Your other devices are signed out.</Notice>
      )}
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
