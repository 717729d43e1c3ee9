import { useState } from 'react'
import { isPasswordUnknown } from './arrival'
import { AccountPage } from './pages/AccountPage'
import { ClaimPage } from './pages/ClaimPage'
import { CoursesPage } from './pages/CoursesPage'
import { LessonPage } from './pages/LessonPage'
import { PasswordPage } from './pages/PasswordPage'
import { SignInPage } from './pages/SignInPage'
import { SupportPage } from './pages/SupportPage'
import { Layout } from './parts/Layout'
import { Page, Skeleton } from './parts/Page'
import { Link, useAddress } from './router'
import { useSession } from './session'

export function App() {
  return (
    <Layout>
      <Gate />
    </Layout>
  )
}

// Nothing is shown to who came by an email until a password that a stranger may know is replaced.
function Gate() {
  const { isReady, user } = useSession()
  const [, setRound] = useState(0)
  const { pathname } = useAddress()
  if (!isReady) return <Skeleton />
  if (user && isPasswordUnknown()) {
    return <PasswordPage user={user} onDone={() => setRound((before) => before + 1)} />
  }
  return <Current pathname={pathname.replace(/(.)\/+$/, '$1')} />
}

function Current({ pathname }: { pathname: string }) {
  const slug = /^\/courses\/([^/]+)$/.exec(pathname)?.[1]
  if (slug) return <LessonPage slug={decode(slug)} key={slug} />
  switch (pathname) {
    case '/':
      return <CoursesPage />
    case '/sign-in':
      return <SignInPage />
    case '/claim':
      return <ClaimPage />
    case '/account':
      return <AccountPage />
    case '/support':
      return <SupportPage />
    default:
      return (
        <Page title="There is no such page">
          <p>
            <Link href="/">All courses</Link>
          </p>
        </Page>
      )
  }
}

// An address may hold anything, also what is no encoding.
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
