import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'
import { Link, signInPath, useAddress } from '../router'
import { useSession } from '../session'
import { shopName } from '../settings'
import { inWords, isNoAnswer, isSessionOver } from '../words'

type PageProps = { title: string; lead?: ReactNode; children?: ReactNode; isWide?: boolean }

let lastPath: string | null = null

// A page with its heading, which a screen reader is led to after each change of the page.
export function Page({ title, lead, children, isWide = false }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { pathname } = useAddress()
  useEffect(() => {
    document.title = title === shopName ? title : `${title} · ${shopName}`
  }, [title])
  useEffect(() => {
    const { activeElement } = document
    const isLost = activeElement === document.body // with the part that had the focus
    const isTaken = heading.current?.parentElement?.contains(activeElement) // by a field of ours
    if (lastPath !== null && (isLost || (lastPath !== pathname && !isTaken))) {
      heading.current?.focus({ preventScroll: true })
    }
    lastPath = pathname
  }, [pathname, title])
  return (
    <div className={isWide ? 'page page-wide' : 'page'}>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {lead && <p className="lead">{lead}</p>}
      {children}
    </div>
  )
}

// What is there before there is anything, as high as what comes.
export function Skeleton({ lines = 3, title }: { lines?: number; title?: string }) {
  if (title) {
    return (
      <Page title={title}>
        <div role="status" aria-label="Loading">
          <Bones lines={lines} />
        </div>
      </Page>
    )
  }
  return (
    <div className="page" role="status">
      <span className="only-heard">Loading</span>
      <div className="bone bone-title" />
      <Bones lines={lines} />
    </div>
  )
}

export function Bones({ lines = 3 }: { lines?: number }) {
  return (
    <div className="bones" aria-hidden="true">
      {Array.from({ length: lines }, (_, place) => (
        <div className="bone" key={place} />
      ))}
    </div>
  )
}

type NoticeProps = { kind?: 'plain' | 'good' | 'bad'; children: ReactNode }

export function Notice({ kind = 'plain', children }: NoticeProps) {
  return (
    <div className={`notice notice-${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  )
}

// What failed, in words, with the way on: signing in again, or trying again.
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const { pathname, search } = useAddress()
  return (
    <Notice kind="bad">
      <p>{inWords(error)}</p>
      {isSessionOver(error) ? (
        <Link className="button" href={signInPath(pathname + search)}>
          Sign in
        </Link>
      ) : (
        retry && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )
      )}
    </Notice>
  )
}

// The same where something older is still shown.
export function Stale({ error, retry }: { error: unknown; retry: () => void }) {
  if (!error) return null
  if (!isNoAnswer(error)) return <Failure error={error} retry={retry} />
  return (
    <Notice>
      <p>This may be old: there was no answer just now.</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </Notice>
  )
}

// For pages that need somebody who is signed in.
export function SignInFirst({ title }: { title: string }) {
  const { isOver } = useSession()
  const { pathname, search } = useAddress()
  return (
    <Page title={title}>
      <p>{isOver ? 'Your session is over.' : 'Nobody is signed in.'}</p>
      <p>
        <Link className="button primary" href={signInPath(pathname + search)}>
          Sign in
        </Link>
      </p>
    </Page>
  )
}
