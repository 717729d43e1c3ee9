import { useCallback, useEffect, useState } from 'react'
import { AnotherAddress } from '../parts/AnotherAddress'
import { Bones, Failure, Notice, Page, Stale } from '../parts/Page'
import { PurchaseList } from '../parts/PurchaseList'
import { SignInForm } from '../parts/SignInForm'
import { courseWords } from '../courses'
import { Link } from '../router'
import { useSession } from '../session'
import { hasPasswords } from '../settings'
import type { Claim } from '../thetis/claim'
import { claim } from '../thetis/claim'
import { useQuestion } from '../useQuestion'

const TITLE = 'Open your course'
const BY_CODE = 'We send a code to the address that you used at checkout. That is all it takes.'
const BY_PASSWORD = 'Sign in with the address that you used at checkout.'

export function ClaimPage() {
  const { user } = useSession()
  if (user) return <SignedIn key={user.id} userId={user.id} email={user.email ?? ''} />
  return (
    <Page title={TITLE} lead={hasPasswords ? BY_PASSWORD : BY_CODE}>
      <SignInForm
        label="The address you used at checkout"
        hint="The shop's email about your order came to this address."
      />
    </Page>
  )
}

type Props = { userId: string; email: string }

function SignedIn({ userId, email }: Props) {
  const { supabase } = useSession()
  const asked = useQuestion(() => claim(supabase), userId)
  const isMissing = asked.answer !== undefined && asked.answer.next !== 'courses'
  const waiting = useWaiting(isMissing, asked.again)

  if (asked.state === 'loading') {
    return (
      <Page title={TITLE} lead="Looking for your purchases …">
        <div role="status" aria-label="Looking for your purchases">
          <Bones lines={4} />
        </div>
      </Page>
    )
  }
  if (asked.state === 'error') {
    return (
      <Page title={TITLE}>
        <Failure error={asked.error} retry={asked.retry} />
      </Page>
    )
  }
  const found = asked.answer
  if (found.next === 'sign in') {
    return (
      <Page title={TITLE}>
        <SignInForm label="The address you used at checkout" />
      </Page>
    )
  }
  return (
    <Found found={found} email={email} waiting={waiting} again={asked.again}>
      <Stale error={asked.error} retry={asked.again} />
    </Found>
  )
}

type FoundProps = {
  found: Exclude<Claim, { next: 'sign in' }>
  email: string
  waiting: Waiting
  again: () => void
  children: React.ReactNode
}

function Found({ found, email, waiting, again, children }: FoundProps) {
  if (found.next === 'courses') {
    return (
      <Page title={found.courses.length === 1 ? 'Your course is open' : 'Your courses are open'}>
        {children}
        <ul className="plain-list">
          {found.courses.map((slug) => (
            <li key={slug}>
              <Link className="button primary" href={`/courses/${slug}`}>
                Open {courseWords(slug).name}
              </Link>
            </li>
          ))}
        </ul>
        <Others email={email} again={again} isOpen={false} />
      </Page>
    )
  }
  return (
    <Page
      title="No course here yet"
      lead={
        <>
          You are signed in with <strong>{email}</strong>.
        </>
      }
    >
      {children}
      <WaitingLine waiting={waiting} />
      {found.next === 'no course' && (
        <section aria-labelledby="bought">
          <h2 id="bought">What is there</h2>
          <PurchaseList purchases={found.purchases} />
        </section>
      )}
      <Others email={email} again={again} isOpen />
    </Page>
  )
}

// What else may be: the order was made with another address, or another account has the course.
function Others({ email, again, isOpen }: { email: string; again: () => void; isOpen: boolean }) {
  const { signOut } = useSession()
  const [error, setError] = useState<unknown>(null)
  const [said, setSaid] = useState('')
  return (
    <details className="panel" open={isOpen}>
      <summary>
        <h2>Claim with another address</h2>
      </summary>
      <p>Did you use another address at checkout? Prove that you read its mail.</p>
      <AnotherAddress
        name="claim"
        onDone={(words) => {
          setSaid(words)
          again()
        }}
      />
      {said && <Notice kind="good">{said}</Notice>}
      <p className="small">Or is there another account of yours? Then leave the one of {email}.</p>
      <button type="button" className="quiet" onClick={() => void signOut('local').catch(setError)}>
        Sign in to another account
      </button>
      {Boolean(error) && <Failure error={error} />}
    </details>
  )
}

type Waiting = { isWaiting: boolean; start: () => void }

const SECONDS = 3
const ROUNDS = 20

// Coming back from the checkout, or out of an email, is no access: the shop's word may be on its
// way. It takes seconds; after a minute it is something else.
function useWaiting(isMissing: boolean, again: () => void): Waiting {
  const [round, setRound] = useState(0)
  const isWaiting = isMissing && round < ROUNDS
  useEffect(() => {
    if (!isWaiting) return
    const timer = setTimeout(() => {
      setRound(round + 1)
      again()
    }, SECONDS * 1000)
    return () => clearTimeout(timer)
  }, [isWaiting, round, again])
  const start = useCallback(() => {
    setRound(0)
    again()
  }, [again])
  return { isWaiting, start }
}

function WaitingLine({ waiting }: { waiting: Waiting }) {
  if (waiting.isWaiting) {
    return (
      <Notice>
        <p className="waiting">
          Waiting for the shop to tell us of your payment. It takes some seconds; this page goes on
          by itself.
        </p>
      </Notice>
    )
  }
  return (
    <Notice>
      <p>Nothing new came within a minute.</p>
      <button type="button" onClick={waiting.start}>
        Look again
      </button>
    </Notice>
  )
}
