import { useState, useSyncExternalStore } from 'react'
import type { ReactNode } from 'react'
import { Link, navigate, signInPath, useAddress } from '../router'
import { useSession } from '../session'
import { shopName, supportEmail } from '../settings'
import { Failure } from './Page'

export function Layout({ children }: { children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Header />
      <Offline />
      <main id="content">{children}</main>
      <footer className="footer">
        <p>
          {shopName}
          {supportEmail && (
            <>
              {' · '}
              <a href={`mailto:${supportEmail}`}>{supportEmail}</a>
            </>
          )}
        </p>
      </footer>
    </>
  )
}

function Header() {
  const { isReady, user, role, signOut } = useSession()
  const { pathname, search } = useAddress()
  const [error, setError] = useState<unknown>(null)
  const isHere = (path: string) => (pathname === path ? ({ 'aria-current': 'page' } as const) : {})

  async function leave() {
    setError(null)
    try {
      await signOut('local')
      navigate('/')
    } catch (failure) {
      setError(failure)
    }
  }

  return (
    <header className="header">
      <div className="header-inside">
        <Link className="brand" href="/">
          {shopName}
        </Link>
        <nav aria-label="Main">
          <Link href="/" {...isHere('/')}>
            Courses
          </Link>
          {role && (
            <Link href="/support" {...isHere('/support')}>
              Support<span className="only-wide">&nbsp;desk</span>
            </Link>
          )}
          {user && (
            <Link href="/account" {...isHere('/account')}>
              Account
            </Link>
          )}
          {isReady && user && (
            <button type="button" className="quiet" onClick={() => void leave()}>
              Sign out
            </button>
          )}
          {isReady && !user && pathname !== '/sign-in' && (
            <Link href={pathname === '/' ? '/sign-in' : signInPath(pathname + search)}>
              Sign in
            </Link>
          )}
        </nav>
      </div>
      {Boolean(error) && <Failure error={error} retry={() => void leave()} />}
    </header>
  )
}

function subscribe(listener: () => void) {
  addEventListener('online', listener)
  addEventListener('offline', listener)
  return () => {
    removeEventListener('online', listener)
    removeEventListener('offline', listener)
  }
}

function Offline() {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine)
  return (
    <div role="status">
      {!isOnline && <p className="offline">You are offline. What you see may be old.</p>}
    </div>
  )
}
