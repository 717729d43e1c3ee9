import { useEffect } from 'react'
import { Page, Skeleton } from '../parts/Page'
import { SignInForm } from '../parts/SignInForm'
import { navigate, ownPath, useAddress } from '../router'
import { useSession } from '../session'
import { hasPasswords } from '../settings'

export function SignInPage() {
  const { user, isOver } = useSession()
  const next = ownPath(useAddress().searchParams.get('next'))
  useEffect(() => {
    if (user) navigate(next, { replace: true })
  }, [user, next])
  if (user) return <Skeleton />
  return (
    <Page
      title="Sign in"
      lead={
        isOver
          ? 'Your session is over. Sign in again.'
          : hasPasswords
            ? 'New here? Your first sign-in is by a code that we send you.'
            : 'We send a code to your address. If you are new here, it makes your account.'
      }
    >
      <SignInForm
        label="Email address"
        hint="If you bought something: the address you used then."
      />
    </Page>
  )
}
